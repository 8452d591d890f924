"""What other domains may know of the AI domain: the types of analysis, by all their names."""

from meeting.kernel.errors import invalid

SPEECH = "speech_recognition"
EMOTION = "emotion_detection"
DEEPFAKE = "deepfake_detection"
SYNTHESIS = "synthesis_detection"
REPORT = "meeting_report"

ALIASES = {"asr": SPEECH, "emotion": EMOTION, "deepfake": DEEPFAKE, "synthesis": SYNTHESIS}
TASKS = (SPEECH, EMOTION, DEEPFAKE, SYNTHESIS)


def analysis_named(name: str) -> str:
    """Return the type of analysis behind a name or alias, trimmed and in any case."""
    wanted = name.strip().lower()
    found = ALIASES.get(wanted, wanted)
    if found not in (*TASKS, REPORT):
        raise invalid("type", "must be one of " + ", ".join((*TASKS, REPORT, *ALIASES)))
    return found
