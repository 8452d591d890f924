"""Meetings and participants as values, with the rules on them."""

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a meeting allows; `enable_recording` means: record by itself."""

    enable_video: bool = True
    enable_audio: bool = True
    enable_screen_share: bool = True
    enable_chat: bool = True
    enable_recording: bool = False
    enable_ai: bool = True
    mute_on_join: bool = False
    require_approval: bool = False
