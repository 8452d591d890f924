"""`./run container`: the command line of what stands in for a container engine."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click
import psutil

from meeting.transports.listening import hold
from tests.container.build import Build, Image
from tests.container.dockerfile import Unknown

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "container"
UNAVAILABLE = 69
PATIENCE = 120.0
SIZE = ("du", "-sm")
HELP = {
    "lend": "A file or folder of this machine that the steps may read.",
    "env": "A variable of our environment that the steps get, as --build-arg would give it.",
}
PORTS = (
    *("HTTP", "USER", "MEETING", "SIGNALING", "MEDIA", "AI", "NOTIFICATION"),
    *("GRPC_USER", "GRPC_MEETING", "GRPC_MEDIA", "GRPC_SIGNALING", "GRPC_AI", "GRPC_NOTIFICATION"),
)


@click.command()
@click.option("--lend", multiple=True, metavar="PATH", help=HELP["lend"])
@click.option("--env", "names", multiple=True, metavar="NAME", help=HELP["env"])
def main(lend: tuple[str, ...], names: tuple[str, ...]) -> None:
    """Carry the Dockerfile out on this machine, and try what it makes.

    There is no container engine in it: each stage is a tree of Debian's own packages, each RUN a
    chroot in namespaces of its own. What an engine does beyond that (layers, networks, what the
    tag after FROM stands for on the day) is not tried. It takes some minutes, a few GB under
    build/container, and root.
    """
    if os.geteuid() != 0:
        sys.exit("it makes roots and enters them: start it as root")
    if shutil.which("debootstrap") is None:
        click.echo("debootstrap is not there; please type:\napt-get install debootstrap", err=True)
        sys.exit(UNAVAILABLE)
    WORK.mkdir(parents=True, exist_ok=True)
    given = {name: os.environ[name] for name in names if name in os.environ}
    try:
        image = Build(ROOT, WORK, lend, given).whole(say)
    except Unknown as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(f"a step failed with {error.returncode}; its output stands above")
    _look(image)
    for arguments in (["serve"], ["serve", "--split"]):
        _serve(image, *arguments)
    say("the image does what it should")


def say(text: str) -> None:
    """Tell how far it is."""
    click.echo(f"container: {text}")


def _look(image: Image) -> None:
    """See that nobody is root in it, that it is small enough, and that no secret came along."""
    who = image._replace(entrypoint=()).line("id", "-u")
    number = int(subprocess.check_output(who))
    assert number != 0, "the image runs as root"
    size = subprocess.check_output([*SIZE, str(image.root.path)], text=True).split()[0]
    for volume in image.volumes:
        assert not any(image.root.inside(volume).iterdir()), f"{volume} is not empty"
    keys = [*image.root.path.glob("opt/**/*.key"), *image.root.path.glob("etc/meeting/*.key")]
    assert keys == []
    said = subprocess.check_output(image.line("--version"), text=True).strip()
    say(f"{said}, as user {number}, {size} MB")


def _serve(image: Image, *arguments: str) -> None:
    """Run it until it is ready by its own health check, and stop it."""
    with ExitStack() as stack:
        held = [stack.enter_context(hold("127.0.0.1")) for _ in PORTS]
        ports = [str(each.getsockname()[1]) for each in held]
        more = {
            f"MEETING_{name}" if name.startswith("GRPC") else f"MEETING_{name}_PORT": port
            for name, port in zip(PORTS, ports, strict=True)
        }
        _run(image, arguments, more)


def _run(image: Image, arguments: Sequence[str], more: dict[str, str]) -> None:
    more |= {"MEETING_ENGINE_ENDPOINT": "tcp://127.0.0.1:0", "MEETING_MODELS_PULL": "false"}
    more |= {"MEETING_LOG_LEVEL": "warning"}
    begun = time.monotonic()
    outer = subprocess.Popen(image.line(*arguments, **more))
    try:
        asked = image._replace(entrypoint=()).line(*image.health, **more)
        _until(outer, asked)
        _until(outer, [*asked, "--ready"])
        say(f"{' '.join(arguments)}: ready after {time.monotonic() - begun:.1f} s")
        (first,) = psutil.Process(outer.pid).children()
        first.send_signal(signal.SIGTERM)
        code = outer.wait(PATIENCE)
        assert code == 0, f"{' '.join(arguments)}: ended with {code}"
    finally:
        if outer.poll() is None:
            outer.kill()
            outer.wait()
    say(f"{' '.join(arguments)}: ended as asked")


def _until(outer: "subprocess.Popen[bytes]", asked: list[str]) -> None:
    end = time.monotonic() + PATIENCE
    quiet = subprocess.DEVNULL
    while subprocess.run(asked, stdout=quiet, stderr=quiet, check=False).returncode:
        assert outer.poll() is None, "it ended by itself"
        assert time.monotonic() < end, "it did not become ready"
        time.sleep(0.5)


if __name__ == "__main__":
    main()
