"""What goes wrong in one run: each seed has its own weather, some of it calm."""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from domain.identity import ZoneName

ZONES: Final = (
    (ZoneName("Asia/Shanghai"), datetime(2026, 11, 20, 2, tzinfo=UTC)),
    (ZoneName("Asia/Shanghai"), datetime(2028, 2, 28, 5, tzinfo=UTC)),  # 29 February
    (ZoneName("America/New_York"), datetime(2026, 10, 31, 15, tzinfo=UTC)),  # an hour comes twice
    (ZoneName("America/New_York"), datetime(2027, 3, 13, 15, tzinfo=UTC)),  # an hour is skipped
    (ZoneName("Australia/Lord_Howe"), datetime(2026, 10, 3, 1, tzinfo=UTC)),  # half an hour is skipped
    (ZoneName("Australia/Lord_Howe"), datetime(2027, 4, 3, 1, tzinfo=UTC)),  # half an hour comes twice
    (ZoneName("Europe/Berlin"), datetime(2026, 12, 31, 8, tzinfo=UTC)),
)
"""Zones with the moment at which a run begins: a day before something happens to their clocks or their calendar."""


@dataclass(frozen=True, slots=True)
class Weather:
    """Chances lie between 0 and 1. ``kill_every_turns``: of the loop, on average, between two kills; 0: nobody is killed.

    Of a request to a provider: ``refused`` never leaves; ``lost`` leaves and never arrives; ``unheard`` arrives, and its answer does not;
    ``limited`` is answered 429; ``broken`` is answered 5xx, half of the time after it was taken; ``hangs`` arrives late, unanswered.
    ``repeated``, ``late``: of what comes in. ``outages``: of a provider, ten minutes each. ``store``: of appends that fail, before they are
    stored or behind it. ``processes``: at work at once, on the same log and views. ``jumps``: seconds by which the wall clock jumps.
    ``kill_at``: this turn of the loop, and no other; ``brief``: a minute in which everything happens once, instead of a day.
    """

    zone: ZoneName = ZONES[0][0]
    begins: datetime = ZONES[0][1]
    refused: float = 0.0
    lost: float = 0.0
    unheard: float = 0.0
    limited: float = 0.0
    broken: float = 0.0
    hangs: float = 0.0
    slow: float = 0.0
    outages: int = 0
    repeated: float = 0.0
    late: float = 0.0
    store: float = 0.0
    kill_every_turns: int = 0
    jumps: tuple[float, ...] = field(default=())
    slow_threads: bool = False
    processes: int = 1
    kill_at: int = 0
    brief: bool = False


HOUR_S: Final = 3_600.0
YEAR_S: Final = 365 * 24 * HOUR_S
FAULTS: Final = {
    "refused": 0.1,
    "lost": 0.1,
    "unheard": 0.1,
    "limited": 0.08,
    "broken": 0.1,
    "hangs": 0.05,
    "slow": 0.2,
    "repeated": 0.3,
    "late": 0.2,
    "store": 0.01,
}
"""The worst chance of each."""


def weather(chance: random.Random) -> Weather:
    """Return what a seed has to go through: each fault is there in some runs, so that each is also seen without the others."""
    zone, begins = chance.choice(ZONES)
    chances: dict[str, Any] = {
        fault: worst * chance.random() if chance.random() < 0.5 else 0.0 for fault, worst in FAULTS.items()
    }
    drawn = replace(Weather(zone=zone, begins=begins), **chances)
    if chance.random() < 0.6:
        drawn = replace(drawn, kill_every_turns=chance.choice((500, 2_000, 5_000)))
    if chance.random() < 0.25:
        drawn = replace(drawn, outages=chance.randint(1, 2))
    if chance.random() < 0.2:
        drawn = replace(
            drawn,
            jumps=chance.choice(((HOUR_S,), (-HOUR_S,), (HOUR_S, -HOUR_S), (YEAR_S, -YEAR_S), (YEAR_S,))),
        )
    drawn = replace(drawn, processes=2 if chance.random() < 0.2 else 1)
    return replace(drawn, slow_threads=chance.random() < 0.2)


def calm(drawn: Weather) -> Weather:
    """Return the weather behind the storm: nothing goes wrong any more."""
    return Weather(zone=drawn.zone, begins=drawn.begins)
