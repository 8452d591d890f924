"""The flags that every command with settings takes, and the settings that come of them."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from meeting.app.load import load


def settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--config`, `--state-dir` and `--set`, and hand it the `Config`."""

    @click.option(
        "--config",
        "path",
        envvar="MEETING_CONFIG",
        type=click.Path(dir_okay=False, path_type=Path),
        help="A TOML file with settings, such as the line http.port = 9000; also MEETING_CONFIG.",
    )
    @click.option("--state-dir", help="Where everything is kept; also MEETING_STATE_DIR.")
    @click.option(
        "--set",
        "flags",
        multiple=True,
        metavar="KEY=VALUE",
        help="One setting, such as http.port=9000; may be given again and again.",
    )
    @wraps(command)
    def wrapped(
        path: Path | None, state_dir: str | None, flags: tuple[str, ...], **rest: Any
    ) -> None:
        more = list(flags)
        if state_dir:
            more.append(f"state_dir={state_dir}")
        if rest.pop("debug", False):
            more.append("debug=true")
        if only := rest.pop("only", None):
            more.append(f"only={only}")
        command(config=load(path, flags=more), **rest)

    return wrapped
