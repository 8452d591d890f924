"""Whether the process is alive and ready, and the description of the routes; no envelope here."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler


class ModuleState(msgspec.Struct, frozen=True):
    """How one module is."""

    state: str
    reason: str = ""


class Readiness(msgspec.Struct, frozen=True):
    """How the process is, and each module in it."""

    status: Literal["ready", "starting", "draining", "failed"]
    modules: Mapping[str, ModuleState]


class Alive(msgspec.Struct, frozen=True):
    """That somebody answers at all."""

    status: Literal["alive"] = "alive"


def routes(ready: Callable[[], Readiness]) -> list[HTTPRouteHandler]:
    """Make the three routes; `ready` is asked at each `/ready`."""

    @get("/health")
    async def health() -> Alive:
        """Tell that the process answers."""
        return Alive()

    @get("/ready", responses={})
    async def readiness() -> Response[Readiness]:
        """Tell whether every module runs: 200, or 503 with the reasons."""
        found = ready()
        return Response(found, status_code=200 if found.status == "ready" else 503)

    @get("/schema", include_in_schema=False)
    async def schema(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
        """Return the OpenAPI description of what this port serves."""
        return Response(
            request.app.openapi_schema.to_schema(), media_type="application/vnd.oai.openapi+json"
        )

    return [health, readiness, schema]
