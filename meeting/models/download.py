"""Fetches a pinned file over HTTP; what broke off goes on by Range, what is wrong is removed."""

import http.client
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

from meeting.models import digest
from meeting.models.digest import Pinned
from meeting.models.errors import SourceError
from meeting.models.progress import Work

TIMEOUT = 30.0
ATTEMPTS = 3
RANGE = re.compile(r"bytes (\d{1,18})-")


def fetch(url: str, target: Path, pinned: Pinned, work: Work) -> None:
    """Put the file at `url` at `target`; bytes that came are kept in `target`.part.

    Raises `SourceError` when it can't be had after a few attempts, or is not what is pinned.
    """
    partial = target.with_name(target.name + ".part")
    trouble, size, sha256 = "nothing came", pinned.size, pinned.sha256
    for _ in range(ATTEMPTS):
        resumed = partial.exists()
        try:
            if not resumed or partial.stat().st_size != size:
                _receive(url, partial, pinned, work)
        except (OSError, http.client.HTTPException) as error:
            trouble = _plain(error)
            if isinstance(error, urllib.error.HTTPError) and error.code < 500:
                if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    break
                partial.unlink(missing_ok=True)
            continue
        have = partial.stat().st_size
        if have < size:
            trouble = f"it broke off after {have} of {size} bytes"
            continue
        if digest.holds(partial, pinned, work):
            partial.replace(target)
            return
        partial.unlink()
        trouble = f"it is not the file that the manifest pins (sha256 {sha256}); it was removed"
        if not resumed:
            break
    raise SourceError(
        f"cannot get {url}: {trouble}. Pull again to go on from there, or put the file into a "
        f"folder under the name {sha256} and name the folder with --set models.mirror=FOLDER"
    )


def _receive(url: str, partial: Path, pinned: Pinned, work: Work) -> None:
    """Append to `partial` what is missing, or start again where the server knows no Range."""
    have = partial.stat().st_size if partial.exists() else 0
    if have > pinned.size:
        partial.unlink()
        have = 0
    request = urllib.request.Request(url, headers={"Accept-Encoding": "identity"})  # noqa: S310
    if have:
        request.add_header("Range", f"bytes={have}-")
    # the manifest allows http and https; what a redirect leads to is held to the hash
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
        start = RANGE.match(answer.headers.get("Content-Range") or "")
        goes_on = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        if goes_on and not (start and int(start[1]) == have):
            raise ConnectionError("the server answers another range than was asked for")
        with partial.open("ab" if goes_on else "wb") as file:
            _append(answer, file, have if goes_on else 0, pinned, work)


def _append(
    answer: http.client.HTTPResponse, file: IO[bytes], have: int, pinned: Pinned, work: Work
) -> None:
    # one byte more than pinned is read, so that a longer file shows as a wrong one
    size = pinned.size
    while have <= size and (chunk := answer.read1(min(1 << 16, size + 1 - have))):
        file.write(chunk)
        have += len(chunk)
        work.tell("fetch", pinned.label, have, size)
    digest.settle(file)


def _plain(error: OSError | http.client.HTTPException) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code}"
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return f"{type(error).__name__}: {reason}"
