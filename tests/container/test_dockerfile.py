"""What is read of a Dockerfile, and what is refused because an engine might read it otherwise."""

from pathlib import Path

import pytest

from tests.container.dockerfile import Ignored, Unknown, environment, health, read

ROOT = Path(__file__).parents[2]
TEXT = """
# a comment
FROM debian:trixie-slim AS base
ENV A=1 B="two words"
RUN one \\
    # amid an instruction
    && two

FROM base
COPY --from=base /a b/ ./
HEALTHCHECK --interval=15s CMD ["meeting", "health"]
CMD ["serve"]
"""


def test_a_dockerfile_is_read() -> None:
    """Stages with names, steps with flags, lines that go on, comments in between."""
    base, last = read(TEXT)
    assert (base.image, base.name, last.image, last.name) == (
        "debian:trixie-slim",
        "base",
        "base",
        "",
    )
    variables, run = base.steps
    assert environment(variables) == {"A": "1", "B": "two words"}
    assert (run.line, run.text.split()) == (5, ["one", "&&", "two"])
    copy, check, command = last.steps
    assert (copy.flags, copy.plain) == ({"from": "base"}, ["/a", "b/", "./"])
    assert health(check) == ["meeting", "health"]
    assert command.listed == ["serve"]


@pytest.mark.parametrize(
    "line",
    [
        "ADD a b",
        "run x",
        "ARG A=1",
        'SHELL ["bash"]',
        "RUN --mount=type=cache,target=/x y",
        'RUN ["x"]',
        "RUN cat <<EOF",
        "COPY --chown=a:b a b",
        "COPY *.lock requirements/",
        "COPY a",
        'COPY ["a", "b"]',
        "ENV PATH=/x:$PATH",
        "ENV a b",
        "USER $WHO",
        "CMD serve",
        "ENTRYPOINT meeting",
        "HEALTHCHECK NONE",
        "HEALTHCHECK --start-interval=5s CMD []",
        "FROM --platform=x debian:trixie-slim",
        "FROM debian",
        "# syntax=docker/dockerfile:1",
        "RUN x \\",
        "RUN",
    ],
)
def test_what_is_not_known_is_refused(line: str) -> None:
    """With the number of its line, so that nothing is passed over that an engine would do."""
    text = f"FROM debian:trixie-slim AS base\n{line}\n"
    if line == "FROM debian":
        text = line
    with pytest.raises(Unknown, match=r"line [12]"):
        read(text)


def test_ours_is_known() -> None:
    """The Dockerfile of this house is read to its end, and its last stage is nobody's root."""
    stages = read((ROOT / "Dockerfile").read_text())
    words = [step.word for step in stages[-1].steps]
    assert words.index("USER") < words.index("ENTRYPOINT") < words.index("CMD")
    assert "HEALTHCHECK" in words


def test_no_secret_is_baked_in() -> None:
    """No variable, build argument or file of a secret is in it."""
    text = (ROOT / "Dockerfile").read_text().lower()
    assert [word for word in ("secret", "password", "token", "dsn", ".key") if word in text] == []


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("meeting/app/run.py", False),
        ("meeting/app/__pycache__/run.pyc", True),
        ("meeting/transports/grpc/messages/grpc/__init__.py", True),
        ("requirements/image.lock", False),
        ("tests/process.py", True),
        (".venv/bin/python", True),
        (".git/config", True),
        ("build/x", True),
    ],
)
def test_what_is_kept_out(path: str, *, out: bool) -> None:
    """The context holds the sources, and neither what was built here nor anybody's files."""
    assert Ignored((ROOT / ".dockerignore").read_text())(Path(path)) is out
