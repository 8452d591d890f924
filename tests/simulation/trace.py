"""What all simulations do with a scene: play it in silence, and tell whether a seed replays."""

import hashlib
from collections.abc import Callable

from tests.simulation.loop import Loop, Scene


class Silence:
    """A log that nobody reads."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_given, **_named: None


def digest(scene: Scene[None], seed: int) -> str:
    """Play a scene and return the fingerprint of its trace."""
    loop = Loop(seed)
    loop.run(scene)
    return hashlib.sha256("\n".join(loop.trace).encode()).hexdigest()
