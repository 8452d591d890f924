"""What children write is cut into lines and said to be theirs."""

from hypothesis import given, strategies as st

from meeting.app.supervisor.lines import Lines, entry
from tests.clock import MovingClock


@given(st.lists(st.binary(max_size=20).map(lambda text: text.replace(b"\r", b"")), max_size=20))
def test_lines_are_whole_however_they_come(pieces: list[bytes]) -> None:
    """Where the pieces end does not matter."""
    lines = Lines()
    found = [line for piece in pieces for line in lines.feed(piece)] + list(lines.end())
    whole = b"".join(pieces).split(b"\n")
    assert found == (whole if whole[-1] else whole[:-1])


def test_a_line_without_end_is_cut() -> None:
    """No more than the longest line is held; the rest is counted, and the next line is whole."""
    lines = Lines(longest=8)
    for _ in range(1000):
        assert list(lines.feed(b"x" * 100)) == []
        assert len(lines._held) == 8
    cut, rest = [*lines.feed(b"\nnext"), *lines.end()]
    assert cut.decode() == "xxxxxxxx … 99992 bytes cut"
    assert rest == b"next"


def test_json_keeps_its_fields() -> None:
    """An entry of a child's own log gets its part, which the child can't choose itself."""
    line = b'{"event": "request", "level": "info", "ms": 3, "part": "postgres"}'
    assert entry("user", line, MovingClock()) == {
        "part": "user",
        "event": "request",
        "level": "info",
        "ms": 3,
    }


def test_anything_else_is_an_event() -> None:
    """What is no object of JSON is told as it is, at the time when it came."""
    for line in (b"LOG:  ready", b"[1, 2]", b"\xff\xfe", b"{"):
        made = entry("postgres", line, MovingClock())
        assert made == {
            "part": "postgres",
            "event": line.decode(errors="replace"),
            "level": "info",
            "timestamp": "2026-11-24T12:00:00Z",
        }
