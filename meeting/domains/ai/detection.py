"""Emotion and deepfake detection: what is sent is checked, and no result is made up.

No model serves these tasks yet, so that whoever may ask is told `ai_unavailable`.
"""

from typing import NoReturn

import msgspec

from meeting.domains.ai.admission import Admission
from meeting.domains.ai.content import PICTURE_BYTES, check_picture, decode
from meeting.domains.ai.request import absent
from meeting.kernel.call import Call


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """What a client wants to have looked at, as it was sent."""

    video_frame: str
    """Base64."""
    meeting_id: int
    user_id: int = 0
    format: str = "jpeg"


class Detection:
    """Looks at faces for those who are in a meeting."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    async def detect(self, call: Call, task: str, wanted: Picture) -> NoReturn:
        """Check the request, then say that no model is there for the task."""
        data = await decode("video_frame", wanted.video_frame, PICTURE_BYTES)
        check_picture(data, wanted.format)
        await self._admission.analyse(call, wanted.meeting_id, wanted.user_id)
        raise absent(task)
