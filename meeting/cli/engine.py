"""`meeting engine`: the inference engine alone."""

import math
import os

import click

from meeting.app.config import Config
from meeting.cli.settings import settings
from meeting.engine.library import onnxruntime, program


@click.command()
@settings
def engine(config: Config) -> None:
    """Run the inference engine alone, as an executable without Python around it.

    It listens on the setting engine.endpoint, serves the models of models.folder with
    engine.workers threads, and prints where it listens as one line of JSON. A server uses it with
    `--set engine.mode=external`. SIGTERM lets running work end.
    """
    file = str(program())
    workers = config.engine.workers or os.cpu_count() or 1
    arguments = {
        "--endpoint": config.engine.endpoint,
        "--models": str(config.models.cache),
        "--onnxruntime": str(onnxruntime()),
        "--workers": str(workers),
        "--queue": str(config.engine.queue),
        "--deadline": str(math.ceil(config.ai.speech_seconds)),
    }
    flat = [part for pair in arguments.items() for part in pair]
    # This process becomes the engine, so that signals and the exit code are its own.
    os.execv(file, [file, *flat])  # noqa: S606 - our own executable, no shell
