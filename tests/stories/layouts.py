"""The layouts that a house may have: one process, one process on servers, and its parts apart."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.postgres import Postgres
from tests.redis import redis
from tests.stories.house import House

LAYOUTS = ("embedded", "servers")


@contextmanager
def embedded(folder: Path, models: Path) -> Iterator[House]:
    """One process, which keeps everything in its state folder."""
    with standing(House("embedded", folder / "state", {"models.folder": str(models)})) as house:
        yield house


@contextmanager
def servers(folder: Path, models: Path, cluster: Postgres) -> Iterator[House]:
    """One process, whose rows are in a PostgreSQL, tasks and events in a Redis of its own."""
    with redis() as broker:
        settings = {
            "models.folder": str(models),
            "engine.mode": "process",
            "postgres.dsn": cluster.database(),
            "redis.url": broker.url(),
        }
        house = House("servers", folder / "state", settings, redis=broker)
        house.typed("migrate")
        with standing(house):
            yield house


@contextmanager
def standing(house: House) -> Iterator[House]:
    """Run a house; it has to end as asked."""
    with closing(house):
        house.start()
        yield house
        house.stop()
