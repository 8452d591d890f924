"""`meeting models`: get, list and check the models of the engine."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress as Bars,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from meeting.app.config import Config
from meeting.cli.settings import settings
from meeting.models import (
    ModelError,
    Progress,
    Report,
    Status,
    manifest,
    pull,
    status,
    verify,
)

STEPS = {
    "wait": "waiting:",
    "fetch": "fetching",
    "unpack": "unpacking",
    "convert": "converting to ONNX:",
    "check": "checking",
    "note": "note:",
    "ready": "ready",
}
COLOURS = {"ready": "green", "missing": "yellow", "damaged": "red"}


@click.group()
def models() -> None:
    """Get, list and check the models that the engine runs."""


@models.command("pull")
@click.argument("ids", nargs=-1)
@settings
def get(config: Config, ids: tuple[str, ...]) -> None:
    """Make models ready: fetch, convert and check what is missing or damaged.

    IDS are models by name; without any, all of them. The settings models.folder and
    models.mirror say where they are kept and where to look first.
    """
    with faults(), reporting() as report:
        pull(
            manifest(config.models.listing),
            config.models.cache,
            config.models.source,
            report,
            ids=ids,
        )


@models.command("list")
@settings
def show(config: Config) -> None:
    """List the models and how they stand, by the sizes of their files."""
    with faults():
        _print(status(manifest(config.models.listing), config.models.cache))


@models.command("verify")
@settings
def check(config: Config) -> None:
    """Hash every byte of the models; the exit code is 1 unless all are ready."""
    with faults():
        with reporting() as report:
            found = verify(manifest(config.models.listing), config.models.cache, report)
        _print(found)
    if any(one.state != "ready" for one in found):
        raise click.exceptions.Exit(1)


@contextmanager
def faults() -> Iterator[None]:
    """Say what went wrong with a model as the command line does, without a traceback."""
    try:
        yield
    except ModelError as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def reporting() -> Iterator[Report]:
    """Moving bars on a terminal; a line a step where there is none."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    columns = TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn()
    with Bars(*columns, TransferSpeedColumn(), console=console) as bars:
        yield _Bars(bars)


class _Lines:
    """Says each step once, and the long ones again with every quarter."""

    def __init__(self) -> None:
        self.last: tuple[str, str, str, int] | None = None

    def __call__(self, told: Progress) -> None:
        long = told.total and told.step in {"fetch", "convert"}
        quarter = 4 * told.done // told.total if long else 0
        now = (told.model, told.step, told.item, quarter)
        if now != self.last:
            share = f" {25 * quarter}% of {told.total / 1e6:.1f} MB" if long else ""
            click.echo(f"{told.model}: {_words(told)}{share}", err=True)
        self.last = now


class _Bars:
    """One bar a model, which starts again with each step."""

    def __init__(self, bars: Bars) -> None:
        self.bars = bars
        self.tasks: dict[str, TaskID] = {}
        self.steps: dict[str, str] = {}

    def __call__(self, told: Progress) -> None:
        words = f"{told.model}: {_words(told)}"
        if told.step == "note":
            self.bars.console.print(Text(words))
            return
        if told.model not in self.tasks:
            self.tasks[told.model] = self.bars.add_task(words, total=None)
        task = self.tasks[told.model]
        if self.steps.get(told.model) != words:
            self.bars.reset(task, total=told.total or None, description=words)
            self.steps[told.model] = words
        self.bars.update(task, completed=told.done, total=told.total or None)


def _words(told: Progress) -> str:
    return f"{STEPS[told.step]} {told.item}".rstrip()


def _print(statuses: list[Status]) -> None:
    console = Console()
    if not console.is_terminal:
        # nobody to fit the lines to: never wrap what a script may read
        console = Console(width=1000)
    table = Table(box=None, pad_edge=False)
    for column in ("MODEL", "TASK", "STATE", "SIZE", "LICENCE", "SOURCE"):
        table.add_column(column, justify="right" if column == "SIZE" else "left")
    for one in statuses:
        model, state = one.model, Text(one.state, COLOURS[one.state])
        size = f"{model.installed / 1e6:.1f} MB"
        origins = dict.fromkeys(source.label for part in model.parts for source in part.sources)
        texts = (model.id, model.task, state, size, model.licence, ", ".join(origins))
        table.add_row(*(Text(text) if isinstance(text, str) else text for text in texts))
    console.print(table)
    for one in statuses:
        if one.reason:
            console.print(Text(f"{one.model.id}: {one.reason}; `meeting models pull` mends it"))
