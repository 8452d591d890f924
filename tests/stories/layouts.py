"""The layouts that a house may have: one process, one process on servers, and its parts apart."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from tests.postgres import Postgres
from tests.redis import Redis, redis
from tests.stories.house import House

LAYOUTS = ("embedded", "servers", "split")
PARTS = ("user", "meeting", "signaling", "media", "ai", "notification")
GATEWAY = "gateway"


@contextmanager
def embedded(folder: Path, models: Path) -> Iterator[House]:
    """One process, which keeps everything in its state folder."""
    with standing(House("embedded", folder / "state", {"models.folder": str(models)})) as house:
        yield house


@contextmanager
def servers(folder: Path, models: Path, cluster: Postgres) -> Iterator[House]:
    """One process, whose rows are in a PostgreSQL, tasks and events in a Redis of its own."""
    with redis() as broker:
        settings = {**outside(cluster, broker, models), "engine.mode": "process"}
        house = House("servers", folder / "state", settings, redis=broker)
        with standing(house):
            yield house


@contextmanager
def split(folder: Path, models: Path, cluster: Postgres) -> Iterator[House]:
    """A process a part on the same servers, signaling in two, and a gateway where users knock."""
    with redis() as broker:
        settings = {**outside(cluster, broker, models), "postgres.pool": "2"}
        house = apart(folder, settings, broker)
        house.twin("signaling")
        with standing(house):
            yield house


def apart(folder: Path, settings: Mapping[str, str], broker: Redis) -> House:
    """Lay a house out that is a process a part."""
    ports = ["http.port", *(f"{part}.port" for part in PARTS)]
    parts = (*PARTS, GATEWAY)
    return House("split", folder / "state", settings, parts=parts, ports=ports, redis=broker)


def outside(cluster: Postgres, broker: Redis, models: Path) -> dict[str, str]:
    """Return the settings of a house that keeps everything on servers."""
    return {
        "models.folder": str(models),
        "postgres.dsn": cluster.database(),
        "redis.url": broker.url(),
    }


@contextmanager
def standing(house: House) -> Iterator[House]:
    """Run a house; it has to end as asked."""
    with closing(house):
        if house.redis is not None:
            house.typed("migrate")
        house.start()
        yield house
        house.ask()
        house.gone()
