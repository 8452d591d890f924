"""The part of the Dockerfile language that ours uses, read strictly: what is not known is refused.

So that a line which a container engine would take, and this would pass over, can't be written.
"""

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

FORMS = {"FROM", "ENV", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK"}
WORDS = frozenset({*FORMS, "ENTRYPOINT", "CMD"})
FLAGS = {"COPY": {"from"}, "HEALTHCHECK": {"interval", "timeout", "start-period", "retries"}}
DIRECTIVE = re.compile(r"#\s*(syntax|escape|check)\s*=", re.IGNORECASE)
FLAG = re.compile(r"--([a-z-]+)=(\S+)\s+")
FROM = re.compile(r"(?P<image>[a-z0-9.:/-]+)(?: AS (?P<name>[a-z]+))?")
UNIT = {"s": 1, "m": 60}


class Unknown(Exception):
    """A line that is not of the known part of the language."""


class Step(NamedTuple):
    """One instruction: its first line's number, its word, its flags, and the rest."""

    line: int
    word: str
    flags: dict[str, str]
    text: str

    def refuse(self, why: str) -> Unknown:
        """Make the error that names this line."""
        return Unknown(f"Dockerfile, line {self.line}, {self.word}: {why}")

    @property
    def listed(self) -> list[str]:
        """Read the rest as a list of texts in JSON, the only form that needs no shell."""
        try:
            found = json.loads(self.text)
        except json.JSONDecodeError:
            found = None
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise self.refuse('written as a list, ["like", "this"]')
        return found

    @property
    def plain(self) -> list[str]:
        """Read the rest as words in which nothing is put in place of a variable or a pattern."""
        if re.search(r"[$*?\[\\]", self.text):
            raise self.refuse("without variables, patterns and escapes")
        return shlex.split(self.text)


class Stage(NamedTuple):
    """One FROM and what follows it."""

    image: str
    name: str
    steps: Sequence[Step]


def read(text: str) -> list[Stage]:
    """Read a whole Dockerfile; `Unknown` for the first line that is not known."""
    stages: list[Stage] = []
    for step in _steps(text):
        if step.word == "FROM":
            found = FROM.fullmatch(step.text)
            known = [stage.name for stage in stages if stage.name]
            if found is None or not (":" in found["image"] or found["image"] in known):
                raise step.refuse("image:tag or a stage before, perhaps with AS name")
            stages.append(Stage(found["image"], found["name"] or "", []))
        elif not stages:
            raise step.refuse("after the first FROM")
        else:
            _look(step)
            stages[-1] = stages[-1]._replace(steps=[*stages[-1].steps, step])
    return stages


def _steps(text: str) -> Iterator[Step]:
    held: list[str] = []
    begun = 0
    for number, line in enumerate(text.splitlines(), 1):
        if DIRECTIVE.match(line.strip()):
            raise Unknown(f"Dockerfile, line {number}: no directives for the parser")
        if not line.strip() or line.lstrip().startswith("#"):
            continue  # also amid an instruction, as the language has it
        begun = begun if held else number
        more = line.rstrip().endswith("\\")
        held.append(line.rstrip().removesuffix("\\"))
        if not more:
            yield _step(begun, " ".join(held))
            held = []
    if held:
        raise Unknown(f"Dockerfile, line {begun}: goes on after the last line")


def _step(number: int, text: str) -> Step:
    word, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    flags = {}
    while word in FLAGS and (found := FLAG.match(rest)):
        flags[found[1]] = found[2]
        rest = rest[found.end() :]
    step = Step(number, word, flags, rest)
    if word not in WORDS:
        raise step.refuse(f"not among {', '.join(sorted(WORDS))}")
    if unknown := flags.keys() - FLAGS.get(word, set()):
        raise step.refuse(f"the flag --{min(unknown)}")
    if rest.startswith("--"):
        raise step.refuse("flags that are not known here")
    if not rest:
        raise step.refuse("nothing follows")
    return step


def _look(step: Step) -> None:
    """Refuse what would mean something else to a container engine than to us."""
    match step.word:
        case "RUN":
            if step.text.startswith("[") or "<<" in step.text:
                raise step.refuse("a command of the shell, no list and no text in place")
        case "COPY":
            if step.text.startswith("[") or len(step.plain) < 2:
                raise step.refuse("sources and a target")
        case "ENV":
            if not all(re.match(r"[A-Z_]+=", each) for each in step.plain):
                raise step.refuse("NAME=value")
            environment(step)
        case "HEALTHCHECK":
            health(step)
        case "VOLUME" | "ENTRYPOINT" | "CMD":
            _ = step.listed
        case _:
            _ = step.plain


def environment(step: Step) -> dict[str, str]:
    """Return what an ENV sets; of variables it knows none."""
    return dict(each.split("=", 1) for each in step.plain)


def health(step: Step) -> list[str]:
    """Return the command of a HEALTHCHECK."""
    word, _, rest = step.text.partition(" ")
    if word != "CMD":
        raise step.refuse("CMD and a list")
    return step._replace(text=rest.strip()).listed


def seconds(step: Step, flag: str, otherwise: str) -> float:
    """Return a span of time that a flag gives."""
    found = re.fullmatch(r"(\d+)([sm])", step.flags.get(flag, otherwise))
    if found is None:
        raise step.refuse(f"--{flag}: a number with s or m")
    return int(found[1]) * UNIT[found[2]]


class Ignored:
    """What a .dockerignore keeps from being copied; the last pattern that fits decides."""

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines()]
        self._patterns = [
            (not line.startswith("!"), _pattern(line.removeprefix("!")))
            for line in lines
            if line and not line.startswith("#")
        ]

    def __call__(self, path: Path) -> bool:
        """Tell of a path below the context whether it is kept out."""
        whole = [path, *path.parents][:-1]
        out = False
        for keeps_out, pattern in self._patterns:
            if any(pattern.fullmatch(each.as_posix()) for each in whole):
                out = keeps_out
        return out


def _pattern(text: str) -> re.Pattern[str]:
    if re.search(r"[?\[\\]", text):
        raise Unknown(f".dockerignore: {text}: only names, * and **/")
    parts = re.split(r"(\*\*/|\*)", text.strip("/"))
    meant = {"**/": "(?:.*/)?", "*": "[^/]*"}
    return re.compile("".join(meant.get(part, re.escape(part)) for part in parts))
