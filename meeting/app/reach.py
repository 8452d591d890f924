"""Where a process of this house is reached from the machine that it runs on."""

from meeting.app.config import Config
from meeting.app.modules import GATEWAY

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - who listens everywhere is asked here


def url(config: Config, part: str = "") -> str:
    """Return the HTTP port of a part; without one, of a process that has everything."""
    port = config.http.port if part in ("", GATEWAY) else getattr(config, part).port
    return written(ANYWHERE.get(config.http.host, config.http.host), port)


def written(host: str, port: int) -> str:
    """Write an HTTP address."""
    return f"http://{place(host, port)}"


def place(host: str, port: int) -> str:
    """Write where somebody listens."""
    return f"{f'[{host}]' if ':' in host else host}:{port}"
