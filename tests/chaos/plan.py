"""Which accidents happen, in which order: fixed by the seed."""

from enum import StrEnum

import msgspec

from tests.chaos.matter import HOLD, dice


class Target(StrEnum):
    """Who is struck."""

    WORKER = "worker"
    SUBSCRIBER = "subscriber"
    RELAY = "relay"
    PRODUCER = "producer"
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


KILLS = {Target.WORKER: 6, Target.SUBSCRIBER: 2, Target.PRODUCER: 1}
SERVERS = {Target.RELAY: 3, Target.REDIS: 2, Target.POSTGRES: 1}
"""Who is killed how often, in proportion; the second of layouts with servers alone."""
STOPS = (Target.WORKER, Target.WORKER, Target.SUBSCRIBER, Target.WORKER)
STOPS_OF_SERVERS = (*STOPS, Target.RELAY, Target.REDIS)
CUTS = (Target.REDIS, Target.POSTGRES)
AIMS = {
    "fence": (Target.WORKER, How.STOP, (0.0, 0.2)),
    "early": (Target.WORKER, How.KILL, (0.1, 0.3)),
    "mark": (Target.RELAY, How.KILL, (0.0, 0.5)),
}
"""What shows each sabotage: who is struck and how, so many seconds after there was more to do."""
KILLS_A_STOP = 4
KILLS_A_CUT = 8


def plan(seed: int, kills: int, *, servers: bool, sabotage: str = "") -> list[Strike]:
    """Return so many kills and, between them, some stops and cuts.

    Where one part is broken, only what shows it: a short run meets what a long one would.
    """
    chance = dice(seed, "plan")
    if sabotage:
        target, how, (least, most) = AIMS[sabotage]
        if target is Target.RELAY and not servers:
            target = Target.SUBSCRIBER
        one = _strike(target, how, 0, chance.random())
        return [
            msgspec.structs.replace(
                one, rest=chance.uniform(least, most), blind=sabotage != "fence"
            )
            for _ in range(kills)
        ]
    wanted = _mixed(kills, servers=servers)
    chance.shuffle(wanted)
    return [_strike(*each, chance.uniform(0, 0.8), chance.random()) for each in wanted]


def _mixed(kills: int, *, servers: bool) -> list[tuple[Target, How]]:
    shares = KILLS | (SERVERS if servers else {})
    whole = [target for target, share in shares.items() for _ in range(share)]
    wanted = [(whole[number % len(whole)], How.KILL) for number in range(kills)]
    stops = STOPS_OF_SERVERS if servers else STOPS
    wanted += [(stops[n % len(stops)], How.STOP) for n in range(kills // KILLS_A_STOP + 1)]
    if servers:
        wanted += [(CUTS[n % len(CUTS)], How.CUT) for n in range(kills // KILLS_A_CUT + 1)]
    return wanted


def _strike(target: Target, how: How, rest: float, luck: float) -> Strike:
    # A stop outlasts a hold; what was killed comes back at once or a little later.
    lasts = HOLD * (1.3 + luck) if how is How.STOP else luck
    return Strike(target, how, rest, lasts)
