"""The house itself, a process a part, as an operator would run it; and users at its gateway."""

import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from tests.chaos.layout import Layout
from tests.chaos.orders import Orders
from tests.chaos.plan import SPLIT, Target
from tests.chaos.servers import Cluster, Servers, running
from tests.chaos.split.audit import Audit
from tests.chaos.split.visit import EFFECTS
from tests.redis import Redis
from tests.stories.house import House
from tests.stories.layouts import GATEWAY, PARTS, apart

PRODUCER = "tests.chaos.split.producer"
BROKEN = "tests.chaos.split.broken"


class Split(Servers):
    """`meeting serve --only` a part each, on the servers of the layout of that name."""

    NAME = "split"
    CAST = SPLIT

    def __init__(self, rows: Cluster, queue: Redis, folder: Path) -> None:
        super().__init__(rows, queue)
        settings = {
            "postgres.dsn": self.database,
            "postgres.pool": "2",
            "redis.url": self.redis,
            "models.folder": str(folder / "models"),
            "http.account_rate": "100000",
            # As by default, and shorter than the users' patience.
            "grpc.call_seconds": "2",
            "signaling.call_seconds": "2",
            "log.level": "warning",
        }
        self.house: House = apart(folder, settings, queue)

    def places(self, sabotage: str) -> Mapping[str, Target]:
        """Name the processes: a part each, and the users."""
        del sabotage  # each part is there once anyhow
        return {part: Target(part) for part in (*PARTS, GATEWAY, Target.PRODUCER)}

    def command(self, target: Target, orders: Orders) -> Sequence[str]:
        """Return the command line of a part, or of the users."""
        if target is Target.PRODUCER:
            doors = (self.house.url, str(self.house.calls["user"]))
            return [sys.executable, "-m", PRODUCER, orders.written, *doors]
        line = self.house.command("serve", "--only", target)
        if not orders.sabotage:
            return line
        return [sys.executable, "-m", BROKEN, orders.sabotage, *line[line.index("serve") :]]

    def awake(self, target: Target) -> bool:
        """Tell whether a part listens, which takes it some seconds."""
        if target is Target.PRODUCER:
            return True
        port = "http.port" if target is Target.GATEWAY else f"{target}.port"
        with socket.socket() as asking:
            return asking.connect_ex(("127.0.0.1", self.house.ports[port])) == 0

    def stand(self, orders: Orders) -> Audit:
        """Make what looks at the stores."""
        return Audit(orders, self.house.state / "mails")

    def effects(self, orders: Orders) -> int:
        """Return how many effects there are to be in the end; `tasks` are visits here."""
        return orders.tasks * EFFECTS


@contextmanager
def split(folder: Path) -> Iterator[Layout]:
    """Run both servers, and hold the ports of a house."""
    with running() as (cluster, queue):
        made = Split(cluster, queue, folder)
        made.house.state.mkdir(mode=0o700)
        with closing(made.house):
            yield made
