"""One OpenAPI description out of those of the owners."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from multidict import CIMultiDict

from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.transports.gateway.bounds import Bounds
from meeting.transports.gateway.owners import GONE, Owners, away
from meeting.transports.policy import Domain, Route

COMPONENTS = "#/components/schemas/"
FAULT_SECONDS = 1.0
"""How long whoever asks is told of an owner that did not answer, before it is asked again."""
METHODS = ("delete", "get", "head", "options", "patch", "post", "put", "trace")


class Schemas:
    """Asks every owner of a route for its description, at most once in `schema_seconds`."""

    def __init__(
        self, owners: Owners, routes: Mapping[Route, Domain], bounds: Bounds, clock: Clock
    ) -> None:
        self._owners = owners
        self._routes = routes
        self._bounds = bounds
        self._clock = clock
        self._asking = asyncio.Lock()
        self._found: bytes | Fault = b""
        self._until = 0.0

    async def merged(self) -> bytes:
        """Return the description as JSON; `unavailable` names an owner that does not answer."""
        try:
            async with asyncio.timeout(self._bounds.margin_seconds + FAULT_SECONDS):
                found = await self._fresh()
        except TimeoutError:
            raise Fault(
                Kind.UNAVAILABLE, "the services did not describe themselves in time; try again"
            ) from None
        if isinstance(found, Fault):
            raise found.with_traceback(None)
        return found

    async def _fresh(self) -> bytes | Fault:
        """Ask again where the time of what was found is over; the others wait for one who asks."""
        async with self._asking:
            if not self._found or self._clock.monotonic() >= self._until:
                seconds = self._bounds.schema_seconds
                try:
                    self._found = await self._ask()
                except Fault as fault:
                    self._found, seconds = fault, FAULT_SECONDS
                self._until = self._clock.monotonic() + seconds
            return self._found

    async def _ask(self) -> bytes:
        domains = sorted(set(self._routes.values()))
        found = await asyncio.gather(*(self._described(domain) for domain in domains))
        whole = merge(dict(zip(domains, found, strict=True)), self._routes)
        return msgspec.json.encode(whole)

    async def _described(self, domain: Domain) -> dict[str, Any]:
        limit, seconds = self._bounds.schema_bytes, self._bounds.margin_seconds
        try:
            async with asyncio.timeout(seconds):
                answer = await self._owners.ask(domain, "GET", "/schema", CIMultiDict())
                try:
                    content = b""
                    while part := await answer.content.readany():
                        content += part
                        if answer.status != 200 or len(content) > limit:
                            raise away(domain)
                finally:
                    answer.close()
            return msgspec.json.decode(content, type=dict[str, Any])
        except (*GONE, msgspec.DecodeError):
            raise away(domain) from None


def merge(
    described: Mapping[Domain, dict[str, Any]], routes: Mapping[Route, Domain]
) -> dict[str, Any]:
    """Put the descriptions together: of each owner its own routes, and the shapes that they name.

    Where two owners call different shapes alike, that of the second gets its owner's name before.
    """
    whole: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    shapes: dict[str, Any] = {}
    for domain, found in described.items():
        whole = whole or {key: value for key, value in found.items() if key != "paths"}
        own = found.get("components", {}).get("schemas", {})
        names = _names(domain, own, shapes)
        shapes |= {names[name]: _renamed(shape, names) for name, shape in own.items()}
        for path, operations in found.get("paths", {}).items():
            kept = {
                key: value
                for key, value in operations.items()
                if key not in METHODS or routes.get((key.upper(), path), domain) is domain
            }
            if any(key in METHODS for key in kept):
                paths.setdefault(path, {}).update(_renamed(kept, names))
    components = {**whole.get("components", {}), "schemas": dict(sorted(shapes.items()))}
    return {**whole, "paths": dict(sorted(paths.items())), "components": components}


def _names(domain: Domain, own: Mapping[str, Any], taken: Mapping[str, Any]) -> dict[str, str]:
    """Return what the shapes of an owner are to be called beside those that have a name already.

    A shape that names another differs from its namesake, too, once that other is called anew.
    """
    names = {name: name for name in own}
    while clashes := [
        name
        for name, shape in own.items()
        if names[name] == name and name in taken and _renamed(shape, names) != taken[name]
    ]:
        names |= {name: f"{domain}.{name}" for name in clashes}
    return names


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Let references name what shapes are called now."""
    match value:
        case {"$ref": str(where)} if where.startswith(COMPONENTS):
            name = where.removeprefix(COMPONENTS)
            return {**value, "$ref": COMPONENTS + names.get(name, name)}
        case dict():
            return {key: _renamed(inner, names) for key, inner in value.items()}
        case list():
            return [_renamed(inner, names) for inner in value]
        case _:
            return value
