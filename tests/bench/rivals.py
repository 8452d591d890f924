"""Who is compared, and what each promises: a figure without its guarantees says nothing."""

import msgspec


class Rival(msgspec.Struct, frozen=True, kw_only=True):
    """A queue under measurement, and what becomes of a task whose worker is killed."""

    name: str
    script: str
    variant: str = ""
    acknowledges: bool
    killed: str
    heartbeat: str
    priorities: str
    delay: str
    dead: str
    fence: str
    source: str
    """Where that is said: a page, or a file of the pinned release that was read."""


OURS = Rival(
    name="ours",
    script="ours",
    variant="redis",
    acknowledges=True,
    killed="again when its hold is over, 30 s",
    heartbeat="yes",
    priorities="4, weighted",
    delay="yes",
    dead="kept, with history",
    fence="yes",
    source="meeting/kernel/queue.py",
)
SQLITE = msgspec.structs.replace(
    OURS, name="ours on SQLite", variant="sqlite", source="meeting/stores/relational/queue.py"
)
RIVALS = (
    Rival(
        name="taskiq list",
        script="taskiq",
        variant="list",
        acknowledges=False,
        killed="lost (BRPOP)",
        heartbeat="no",
        priorities="no",
        delay="by its scheduler",
        dead="no",
        fence="no",
        source="README of taskiq-redis; taskiq_redis/redis_broker.py",
    ),
    Rival(
        name="taskiq stream",
        script="taskiq",
        variant="stream",
        acknowledges=True,
        killed="again after 600 s idle (XAUTOCLAIM)",
        heartbeat="no: a longer task runs twice",
        priorities="no",
        delay="by its scheduler",
        dead="no",
        fence="no",
        source="taskiq-redis, issue 101; taskiq_redis/redis_broker.py",
    ),
    Rival(
        name="SAQ",
        script="saq",
        acknowledges=True,
        killed="swept past its timeout (10 s; here 30 s), once a minute; again only with more "
        "retries than its 1, as here",
        heartbeat="by the handler",
        priorities="no",
        delay="yes",
        dead="kept as failed for its ttl, 600 s; not here",
        fence="no",
        source="README of SAQ; saq/job.py, saq/worker.py, saq/queue/redis.py",
    ),
    Rival(
        name="arq",
        script="arq",
        acknowledges=True,
        killed="again when its in-progress key expires: the longest timeout of the worker + 10 s "
        "(310 s; here 40 s), 5 tries at most",
        heartbeat="no",
        priorities="no",
        delay="yes",
        dead="its error, for an hour; not here",
        fence="no",
        source="arq, issue 402; arq/worker.py",
    ),
    Rival(
        name="streaQ",
        script="streaq",
        acknowledges=True,
        killed="again after 60 s idle",
        heartbeat="yes",
        priorities="any, strict",
        delay="yes",
        dead="no",
        fence="no",
        source="streaq/worker.py",
    ),
    Rival(
        name="BullMQ",
        script="bullmq",
        acknowledges=True,
        killed="again when found stalled: a lock of 30 s, looked for each 30 s",
        heartbeat="yes (lock renewal)",
        priorities="any, strict",
        delay="yes",
        dead="kept as failed",
        fence="lock token",
        source="BullMQ's documentation, Important Notes and Stalled jobs",
    ),
)
