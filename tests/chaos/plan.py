"""Which accidents happen, in which order: fixed by the seed."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from tests.chaos.matter import HOLD, dice


class Target(StrEnum):
    """Who is struck."""

    WORKER = "worker"
    SUBSCRIBER = "subscriber"
    RELAY = "relay"
    PRODUCER = "producer"
    USER = "user"
    MEETING = "meeting"
    SIGNALING = "signaling"
    MEDIA = "media"
    AI = "ai"
    NOTIFICATION = "notification"
    GATEWAY = "gateway"
    REDIS = "redis"
    POSTGRES = "postgres"


class How(StrEnum):
    """What is done."""

    KILL = "kill"
    """SIGKILL, and a new process in its place."""
    STOP = "stop"
    """SIGSTOP until holds are over, then SIGCONT: it goes on as if nothing had been."""
    CUT = "cut"
    """The server closes half of its connections."""


class Strike(msgspec.Struct, frozen=True):
    """One accident."""

    target: Target
    how: How
    rest: float
    """Seconds of peace before it."""
    lasts: float
    """Seconds until what was struck goes on."""
    blind: bool = False
    """Whoever has no lease is struck, too."""


class Aim(msgspec.Struct, frozen=True):
    """What shows a sabotage: who is struck and how, so many seconds after there was more to do."""

    target: Target
    how: How
    least: float
    most: float
    blind: bool = True
    """Struck whether or not it holds anything, and however little was done since."""


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    """Who there is in a layout, and what may happen to them."""

    kills: Mapping[Target, int]
    """How often each is killed, in proportion."""
    stops: Sequence[Target]
    """Who is held still, in turn."""
    cuts: Sequence[Target] = ()
    """Of whose connections half are closed, in turn."""
    hold: float = HOLD
    """Seconds of a lease: whoever is held still is so for longer."""
    still: float = 3.0
    """Seconds without an effect after which the next strike is due all the same."""
    aims: Mapping[str, Aim]
    """The sabotages that there are."""


_WORKERS = {Target.WORKER: 6, Target.SUBSCRIBER: 2, Target.PRODUCER: 1}
_STOPS = (Target.WORKER, Target.WORKER, Target.SUBSCRIBER, Target.WORKER)
_AIMS = {
    "fence": Aim(Target.WORKER, How.STOP, 0.0, 0.2, blind=False),
    "early": Aim(Target.WORKER, How.KILL, 0.1, 0.3),
}
EMBEDDED = Cast(
    kills=_WORKERS,
    stops=_STOPS,
    aims=_AIMS | {"mark": Aim(Target.SUBSCRIBER, How.KILL, 0.0, 0.5)},
)
SERVERS = Cast(
    kills=_WORKERS | {Target.RELAY: 3, Target.REDIS: 2, Target.POSTGRES: 1},
    stops=(*_STOPS, Target.RELAY, Target.REDIS),
    cuts=(Target.REDIS, Target.POSTGRES),
    aims=_AIMS | {"mark": Aim(Target.RELAY, How.KILL, 0.0, 0.5)},
)
SPLIT = Cast(
    kills={
        Target.USER: 3,
        Target.MEETING: 3,
        Target.NOTIFICATION: 2,
        Target.GATEWAY: 2,
        Target.SIGNALING: 1,
        Target.REDIS: 1,
        Target.POSTGRES: 1,
        Target.PRODUCER: 1,
        Target.AI: 1,
        Target.MEDIA: 1,
    },
    stops=(
        Target.MEETING,
        Target.USER,
        Target.NOTIFICATION,
        Target.GATEWAY,
        Target.REDIS,
        Target.SIGNALING,
    ),
    cuts=(Target.POSTGRES, Target.REDIS),
    hold=5.0,  # of who reads the log; a task is held for longer
    still=30.0,  # until a process has started, so that strikes meet a house that works
    aims={
        "early": Aim(Target.USER, How.KILL, 0.0, 0.5, blind=False),
        "key": Aim(Target.MEETING, How.KILL, 0.0, 0.5, blind=False),
    },
)
KILLS_A_STOP = 4
KILLS_A_CUT = 8


def plan(seed: int, kills: int, cast: Cast, *, sabotage: str = "") -> list[Strike]:
    """Return so many kills and, between them, some stops and cuts.

    Where one part is broken, only what shows it: a short run meets what a long one would.
    """
    chance = dice(seed, "plan")
    if sabotage:
        aim = cast.aims[sabotage]
        one = _strike(aim.target, aim.how, 0, chance.random(), cast)
        return [
            msgspec.structs.replace(one, rest=chance.uniform(aim.least, aim.most), blind=aim.blind)
            for _ in range(kills)
        ]
    wanted = _mixed(kills, cast)
    chance.shuffle(wanted)
    return [_strike(*each, chance.uniform(0, 0.8), chance.random(), cast) for each in wanted]


def _mixed(kills: int, cast: Cast) -> list[tuple[Target, How]]:
    # In rounds, so that few kills meet many, too.
    rounds = range(max(cast.kills.values()))
    whole = [target for turn in rounds for target, share in cast.kills.items() if share > turn]
    wanted = [(whole[number % len(whole)], How.KILL) for number in range(kills)]
    stops, cuts = cast.stops, cast.cuts
    wanted += [(stops[n % len(stops)], How.STOP) for n in range(kills // KILLS_A_STOP + 1)]
    if cuts:
        wanted += [(cuts[n % len(cuts)], How.CUT) for n in range(kills // KILLS_A_CUT + 1)]
    return wanted


def _strike(target: Target, how: How, rest: float, luck: float, cast: Cast) -> Strike:
    # A stop outlasts a hold; what was killed comes back at once or a little later.
    lasts = cast.hold * (1.3 + luck) if how is How.STOP else luck
    return Strike(target, how, rest, lasts)
