"""Which web pages may talk to us: pages of our own host, and those the settings name."""

from collections.abc import Collection


def admitted(origin: str | None, host: str, allowed: Collection[str]) -> bool:
    """Tell whether a request's `Origin` is good; none at all is, since no browser sent it.

    `host` is the request's own Host header, `allowed` the setting `http.origins` with entries
    such as `https://meet.example.org`.
    """
    if origin is None:
        return True
    scheme, separator, place = origin.partition("://")
    if separator and scheme in ("http", "https") and place.lower() == host.lower() != "":
        return True
    return origin.rstrip("/").lower() in {entry.rstrip("/").lower() for entry in allowed}
