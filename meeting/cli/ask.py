"""One question to what a server keeps, asked beside it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

import click

T = TypeVar("T")
R = TypeVar("R")


def ask(opened: AbstractAsyncContextManager[T], question: Callable[[T], Awaitable[R]]) -> R:
    """Open what is asked, ask it, and close it again."""

    async def run() -> R:
        async with opened as found:
            return await question(found)

    return asyncio.run(run())


def one_or_all(name: str, whole: bool) -> None:
    """Refuse both an ID and --all, and neither of them."""
    if bool(name) == whole:
        raise click.UsageError("name one ID, or say --all")
