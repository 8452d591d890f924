"""Where clients reach this server, as far as it can know."""

import re

_HOST = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?")
HIGHEST_PORT = 65_535


def socket_url(public: str, host: str, own: str) -> str:
    """Return the address of signalling for whoever sent a request.

    `public` is the setting `http.public_url`. Where it is empty, a client comes back the way it
    came: to the `host` that its request named. That header is anybody's word, so one that is more
    than a host and a port does not count, and `own` is said, where this server listens.
    """
    found = _HOST.fullmatch(host)
    named = found is not None and int(found[1] or 0) <= HIGHEST_PORT
    base = public or (f"http://{host}" if named else own)
    return base.rstrip("/").replace("http", "ws", 1) + "/ws"
