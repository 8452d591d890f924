"""Where a setting's value comes from: four places, of which the later wins.

Defaults, then a TOML file, then the environment (`MEETING_HTTP_PORT` for `http.port`), then flags
(`--set http.port=9000`). A wrong value names the key, where it was found, what was found and what
is allowed.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from meeting.app.config import Config, Wrong
from meeting.app.valid import validate
from meeting.kernel.secret import Secret


def load(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Sequence[str] = (),
) -> Config:
    """Read the settings from all four places; `Wrong` names the first that can't be used."""
    values: dict[str, Any] = {}
    known = dict(keys())
    for key, value, origin in _given(
        path, os.environ if environ is None else environ, flags, known
    ):
        if key not in known:
            close = ", ".join(sorted(known))
            raise Wrong(f"{key} ({origin}) is no setting; known are: {close}")
        section, _, name = key.rpartition(".")
        target = values.setdefault(section, {}) if section else values
        target[name] = _value(key, known[key], value, origin)
    return validate(msgspec.convert(values, type=Config))


def keys(struct: type[msgspec.Struct] = Config, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every setting by its key, with its type."""
    for name, kind in get_type_hints(struct, include_extras=True).items():
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from keys(kind, f"{name}.")
        else:
            yield prefix + name, kind


def variable(key: str) -> str:
    """Return the environment variable of a setting."""
    return "MEETING_" + key.replace(".", "_").upper()


def _given(
    path: Path | None,
    environ: Mapping[str, str],
    flags: Sequence[str],
    known: Mapping[str, Any],
) -> Iterator[tuple[str, Any, str]]:
    if path is not None:
        for key, value in _file(path):
            yield key, value, str(path)
    names = {variable(key): key for key in known}
    for name, key in names.items():
        if name in environ:
            yield key, environ[name], name
    for flag in flags:
        key, equals, value = flag.partition("=")
        if not equals:
            raise Wrong(f"--set {flag}: write it as key=value, such as --set http.port=9000")
        # Without the value, which may be a secret under a key that is misspelt.
        yield key.strip(), value, f"--set {key.strip()}"


def _file(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Wrong(f"the settings file {path} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Wrong(f"the settings file {path} is no TOML: {error}") from error
    for name, value in tree.items():
        if isinstance(value, dict):
            for key, inner in value.items():
                yield f"{name}.{key}", inner
        else:
            yield name, value


def _value(key: str, kind: Any, found: Any, origin: str) -> Any:
    text = isinstance(found, str)
    try:
        if get_origin(kind) is tuple:
            found = [part.strip() for part in found.split(",") if part.strip()] if text else found
        if kind is Secret:
            return Secret(msgspec.convert(found, type=str))
        return msgspec.convert(found, type=kind, strict=not text)
    except msgspec.ValidationError as error:
        shown = "***" if kind is Secret else repr(found)
        raise Wrong(f"{key} ({origin}): found {shown}; allowed: {allowed(kind)}") from error


def allowed(kind: Any) -> str:
    """Say in words what a setting may be."""
    origin = get_origin(kind)
    if origin is Literal:
        return " | ".join(str(choice) for choice in get_args(kind))
    if origin is tuple:
        inner = get_args(kind)[0]
        known = f"{' | '.join(get_args(inner))}, " if get_origin(inner) is Literal else "texts, "
        return f"{known}separated by commas"
    if origin is Annotated:
        base, meta = get_args(kind)
        low = meta.ge if meta.ge is not None else meta.gt
        high = meta.le if meta.le is not None else meta.lt
        word = {int: "a whole number", float: "a number", str: "a text"}[base]
        if base is str:
            return f"{word} of {meta.min_length} to {meta.max_length} characters"
        return f"{word} {'above' if meta.gt is not None else 'from'} {low} to {high}"
    return {bool: "true | false", str: "a text", Secret: "a text"}[kind]
