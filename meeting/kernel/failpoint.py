"""Named places where a test can kill or stop the process; one comparison when none is armed.

`MEETING_FAILPOINT=name:kill` or `name:stop` arms one, `name:kill:3` lets the first two hits pass.
"""

import os
import signal

_armed = os.environ.get("MEETING_FAILPOINT", "")
_signals = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
_left = [1]
if _armed:
    _name, _how, *_count = _armed.split(":")
    _left[0] = int(_count[0]) if _count else 1


def failpoint(name: str) -> None:
    """Die or stop here, if the environment says so."""
    if _armed and name == _name:
        _left[0] -= 1
        if _left[0] == 0:
            os.kill(os.getpid(), _signals[_how])
