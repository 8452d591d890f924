"""A process that is started by exec, dies with this one, and can be killed or held still."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

PATIENCE = 30.0


class Child:
    """One process; its output goes into a file."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        last: str = "KILL",
        account: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it; `last` is the signal that it gets when this process ends, however it ends.

        Without an `environment` it has that of this process.
        """
        wrapped = ["setpriv", "--pdeathsig", last, *command]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                wrapped,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=Path(__file__).parents[1] if account is None else "/",
                env=environment,
                user=account,
                group=account,
            )

    @property
    def pid(self) -> int:
        """Return its process id, which is its session's, too."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Return its exit code, negative for a signal; None while it lives."""
        return self._process.poll()

    def hold(self) -> None:
        """Let it stand still; returns when it does."""
        if self.code is None:
            self._process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def go_on(self) -> None:
        """Let it go on from where it stood still."""
        if self.code is None:
            self._process.send_signal(signal.SIGCONT)

    def ask(self) -> None:
        """Ask it to end; `gone` waits for that."""
        if self.code is None:
            self._process.terminate()

    def gone(self) -> int:
        """Wait for its end; the exit code."""
        return self._process.wait(PATIENCE)

    def kill(self) -> None:
        """End it without asking; returns when it is gone."""
        self._process.kill()
        self._process.wait(PATIENCE)
