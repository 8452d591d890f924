"""The sessions of ./run: one environment and one native build, shared by all of them.

.venv/           packages by hash from requirements/project.lock, and the project itself, editable
build/editable/  the native build; ninja decides what to compile again; it also makes
                 the messages of gRPC from proto/, in meeting/transports/grpc/messages
build/sanitized/ the same sources with sanitizers, for the C++ tests alone
build/bytecode/  what Python compiles when it imports, so that no source folder holds any

A stamp in .venv remembers what each was made from, so that a call with nothing new costs nothing.
"""

import fcntl
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = []

ROOT = Path(__file__).parent
CALLED_FROM = Path(os.environ.get("CALLED_FROM", ROOT))
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
EDITABLE = ROOT / "build" / "editable"
SANITIZED = ROOT / "build" / "sanitized"
BYTECODE = ROOT / "build" / "bytecode"
LOCK = ROOT / "requirements" / "project.lock"
SOURCES = ("pyproject.toml", "CMakeLists.txt", "native", "proto")


@nox.session
def demo(session: nox.Session) -> None:
    """A whole meeting before your eyes, with real speech."""
    prepare(session)
    os.chdir(CALLED_FROM)
    become("-m", "meeting", "demo", *session.posargs)


@nox.session
def serve(session: nox.Session) -> None:
    """The meeting system, in one process."""
    prepare(session)
    os.chdir(CALLED_FROM)
    become("-m", "meeting", "serve", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """All tests but the C++ ones, in random order; arguments are pytest's."""
    prepare(session)
    os.environ.setdefault("MEETING_SHARED", str(ROOT.parent / "shared"))
    become("-m", "pytest", *session.posargs)


@nox.session
def layouts(session: nox.Session) -> None:
    """The stories in each layout, and all tests of houses in several processes."""
    prepare(session)
    os.environ.setdefault("MEETING_SHARED", str(ROOT.parent / "shared"))
    become("-m", "pytest", "--layouts=all", "-m", "story or apart", *session.posargs)


@nox.session
def chaos(session: nox.Session) -> None:
    """Everything is killed again and again, and nothing lost or doubled; --help tells more."""
    prepare(session)
    become("-m", "tests.chaos", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Rules, format and import contracts; --fix repairs what a tool can."""
    prepare(session)
    fix = "--fix" in session.posargs
    native = [str(path) for path in sources("native") if path.suffix in {".h", ".cc"}]
    check(session, "ruff", "check", *(["--fix"] if fix else []), ".")
    check(session, "ruff", "format", *([] if fix else ["--check"]), ".")
    if native:
        session.log("clang-format on native/")
        style = ["-i"] if fix else ["--dry-run", "--Werror"]
        session.run("clang-format", *style, *native, external=True, log=False)
    check(session, "lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Strict types; arguments are mypy's."""
    prepare(session)
    check(session, "mypy", *session.posargs)


@nox.session
def native(session: nox.Session) -> None:
    """The C++ tests under address and undefined-behaviour sanitizers; arguments are ctest's."""
    prepare(session)
    headers = EDITABLE / "onnxruntime" / "root" / "usr" / "include" / "onnxruntime"
    configure = ["-G", "Ninja", "-S", str(ROOT), "-B", str(SANITIZED), "-DMEETING_SANITIZE=ON"]
    configure += ["-DCMAKE_BUILD_TYPE=Debug", f"-DPython_EXECUTABLE={PYTHON}"]
    if headers.exists():
        configure.append(f"-DONNXRUNTIME_INCLUDE={headers}")
    with step(session, "sanitized build"):
        quietly(session, "cmake", *configure)
        quietly(session, "cmake", "--build", str(SANITIZED))
    session.run("ctest", "--test-dir", str(SANITIZED), "--output-on-failure", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Speed beside others'; `./run bench -- --help` says of what."""
    prepare(session)
    os.environ["UV"] = uv()
    given = session.posargs[1:] if session.posargs[:1] == ["--"] else session.posargs
    become("-m", "tests.bench", *given)


@nox.session
def container(session: nox.Session) -> None:
    """The Dockerfile's steps in an empty root, and what they make tried; --help tells more."""
    prepare(session)
    become("-m", "tests.container", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Write requirements/*.lock anew from pyproject.toml; --upgrade takes newer versions."""
    compile_ = [uv(), "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    compile_ += ["--generate-hashes", "--no-header", "--no-annotate"]
    # What this machine alone can reach must not leak into the files.
    own = ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
    environment = {key: value for key, value in os.environ.items() if key not in own}
    environment |= {"XDG_CONFIG_HOME": os.devnull, "XDG_CONFIG_DIRS": os.devnull}
    extra = ["pyproject.toml", "--extra", "split"]
    pinned = ["--constraints", "requirements/project.lock"]
    inputs = {
        "tools": ["--group", "tools"],
        "project": [*extra, "--group", "dev"],
        # What the Dockerfile installs, in the versions that are tested.
        "image": [*extra, *pinned],
        "build": ["--group", "build", *pinned],
    }
    for name, given in inputs.items():
        target = f"requirements/{name}.lock"
        with step(session, target):
            command = [*compile_, *given, "--output-file", target, *session.posargs]
            quietly(session, *command, env=environment, include_outer_env=False)


def prepare(session: nox.Session) -> None:
    """Bring .venv and the native build up to date; two calls at a time wait for each other."""
    os.environ["VIRTUAL_ENV"] = str(ENVIRONMENT)
    os.environ["PATH"] = f"{PYTHON.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    os.environ["UV_PYTHON_DOWNLOADS"] = "never"
    # Where a machine forbids bytecode, each process would compile a thousand modules anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(BYTECODE)
    os.environ.setdefault("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count() or 1))
    with turn(session):
        place = digest(f"{ROOT} {sys.version} {sys.base_prefix}".encode())
        if stale("place", place):
            with step(session, "environment"):
                shutil.rmtree(EDITABLE, ignore_errors=True)
                quietly(session, uv(), "venv", "--clear", "--python", sys.executable, ENVIRONMENT)
            stamp("place", place)
        packages = digest(place.encode(), LOCK.read_bytes())
        if stale("packages", packages):
            with step(session, "packages, pinned by hash"):
                quietly(session, uv(), "pip", "sync", "--require-hashes", LOCK)
            stamp("packages", packages)
        built = digest(packages.encode(), *(path.read_bytes() for path in sources(*SOURCES)))
        if stale("native", built):
            with step(session, "native build (the first takes minutes)"):
                install = [uv(), "pip", "install", "--no-deps", "--no-build-isolation"]
                install += ["--reinstall-package", "meeting", "--editable", str(ROOT)]
                quietly(session, *install)
                fits(session)
            stamp("native", built)


def fits(session: nox.Session) -> None:
    """Refuse a lock that lacks what pyproject.toml asks for."""
    try:
        quietly(session, uv(), "pip", "check")
    except nox.command.CommandFailed:
        session.error("requirements/*.lock do not fit pyproject.toml; please type: ./run lock")


@contextmanager
def turn(session: nox.Session) -> Iterator[None]:
    """Hold the right to change .venv and build/, alone among all processes."""
    EDITABLE.parent.mkdir(exist_ok=True)
    with (EDITABLE.parent / "prepare.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            session.log("another ./run is preparing; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def step(session: nox.Session, what: str) -> Iterator[None]:
    """Say what a long step does, and its seconds when it is done."""
    begin = time.monotonic()
    session.log(f"{what} …")
    yield
    session.log(f"{what}: {time.monotonic() - begin:.1f} s")


def quietly(session: nox.Session, *command: str | Path, **options: Any) -> None:
    """Run a command of which only a failure is worth reading."""
    session.run(*map(str, command), silent=True, log=False, external=True, **options)


def check(session: nox.Session, *command: str) -> None:
    """Run a checker of the environment on the tree."""
    session.run(*command, external=True)


def become(*arguments: str) -> NoReturn:
    """Turn into the environment's Python, so that signals, exit code and last line are its own."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(PYTHON, [str(PYTHON), *arguments])


def uv() -> str:
    """Path of the uv beside this nox."""
    return str(Path(sys.executable).with_name("uv"))


def sources(*names: str) -> list[Path]:
    """Return the files under these names of the tree, sorted."""
    found = [ROOT / name for name in names]
    inside = [path for folder in found if folder.is_dir() for path in folder.rglob("*")]
    return sorted(path for path in [*found, *inside] if path.is_file())


def digest(*parts: bytes) -> str:
    """One fingerprint of several contents, in order."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()


def stale(name: str, fingerprint: str) -> bool:
    """Tell whether .venv remembers another fingerprint or none; if so it forgets it."""
    file = ENVIRONMENT / f"{name}.stamp"
    fresh = PYTHON.exists() and file.exists() and file.read_text() == fingerprint
    if not fresh:
        file.unlink(missing_ok=True)
    return not fresh


def stamp(name: str, fingerprint: str) -> None:
    """Remember a fingerprint; called only once what it stands for is whole."""
    (ENVIRONMENT / f"{name}.stamp").write_text(fingerprint)
