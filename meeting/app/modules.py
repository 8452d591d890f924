"""The modules of the house by name, and the one map of what must run before what."""

from collections.abc import Mapping

STORES = "stores"
ENGINE = "engine"
USER = "user"
MEETING = "meeting"
SIGNALING = "signaling"
AI = "ai"
PORTS = "ports"

AFTER: Mapping[str, tuple[str, ...]] = {
    STORES: (),
    ENGINE: (),
    USER: (STORES,),
    MEETING: (STORES, USER),
    SIGNALING: (STORES, USER, MEETING),
    AI: (STORES, ENGINE, USER, MEETING),
    PORTS: (USER, MEETING, SIGNALING, AI),
}


def order(after: Mapping[str, tuple[str, ...]] = AFTER) -> list[str]:
    """Return the modules in start-up order; a `ValueError` names the circle if there is one."""
    done: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            msg = "modules wait for each other: " + " → ".join((*path, name))
            raise ValueError(msg)
        if name not in done:
            for earlier in after[name]:
                visit(earlier, (*path, name))
            done.append(name)

    for name in after:
        visit(name, ())
    return done
