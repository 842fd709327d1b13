"""P4: P1 on PostgreSQL, by one process, and by two that share the work."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.benchmarks import sides
from tests.benchmarks.driver import Driver
from tests.benchmarks.figure import Bench, Figure, Line, taking_turns
from tests.benchmarks.figures.intake import Intake
from tests.benchmarks.load.requests import CHATS
from tests.benchmarks.postgres import events_of, server
from tests.benchmarks.sides import RECEIVED, Side

COUNT = 2_000
"""Fewer than in P1: PostgreSQL takes its time."""
MEASURE = "P4 durable intake on PostgreSQL"


class Together:
    """Two processes on one log: each gets half of a round, at once."""

    def __init__(self, drivers: Sequence[Driver], bots: Sequence[Side], stored: Callable[[], int]) -> None:
        self._drivers, self._bots, self._stored = drivers, bots, stored
        self._next = 50_000_000
        self.lost = 0

    def round(self, count: int) -> float:
        """Return messages a second of both."""
        before, share = self._stored(), count // len(self._bots)
        starts = [self._next + number * share for number in range(len(self._bots))]
        self._next += count
        with ThreadPoolExecutor() as pool:
            orders = [
                pool.submit(driver.ask, "send", **bot.address(), count=share, first=first)
                for driver, bot, first in zip(self._drivers, self._bots, starts, strict=True)
            ]
            posted = [order.result() for order in orders]
        seconds = max(one["ended_at"] for one in posted) - min(one["began_at"] for one in posted)
        both = Side("both", self._bots[0].pid, 0, "", stored=self._stored)
        self.lost += both.missing(before + share * len(self._bots))
        for bot in self._bots:
            bot.rest()
        return share * len(self._bots) / float(seconds)


@contextlib.contextmanager
def _processes(driver: Driver, folder: Path, *roles: str) -> Iterator[list[Side]]:
    """Run processes of these roles on a database of their own; they have the master key in common, and no folder."""
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(server())
        shared = {"SIYU_DATABASE": url, "SIYU_MASTER_KEY_FILE": str(folder / "shared.key")}
        stored = events_of(url, RECEIVED)
        started: list[Side] = []
        for role in roles:
            name, own = f"{role} {len(started)}", folder / f"{role}-{len(started)}"
            run = sides.siyu(driver, own, shared, name=name, stored=stored, role=role)
            started.append(stack.enter_context(run))
        yield started


def _measure(bench: Bench) -> Sequence[Line]:
    count = bench.count(COUNT)
    with contextlib.ExitStack() as stack:
        start = stack.enter_context
        folder = Path(start(tempfile.TemporaryDirectory()))
        driver, another = start(Driver()), start(Driver())
        embedded = start(sides.siyu(driver, folder / "data"))
        (one,) = start(_processes(driver, folder / "alone", "all"))
        two = start(_processes(driver, folder / "together", "all", "all"))
        intake = Intake(driver)
        assert two[0].stored is not None
        both = Together((driver, another), two, two[0].stored)
        for bot in (embedded, one):
            intake.warm_up(bot)
        both.round(2 * CHATS)  # these get to know everybody, too
        turns: dict[str, Callable[[], float]] = {
            "SQLite": partial(intake.round, embedded, count),
            "one": partial(intake.round, one, count),
            "two": partial(both.round, count),
        }
        found = taking_turns(bench.rounds, turns)
    lost = intake.lost[embedded.name] + intake.lost[one.name] + both.lost
    line = partial(Line, unit="messages/s", lost=lost)
    return [
        line(
            measure=f"{MEASURE}, one process",
            ours=found["one"],
            peer="Siyu on SQLite",
            theirs=found["SQLite"],
            floor=0.4,
            goal=0.6,
        ),
        line(
            measure=f"{MEASURE}, two processes",
            ours=found["two"],
            peer="one process",
            theirs=found["one"],
            floor=1.2,
            goal=1.3,
        ),
    ]


FIGURE = Figure(
    name="postgres",
    title="P4 Durable intake on PostgreSQL",
    about=(
        "As P1, on a PostgreSQL server of the run (18, from a wheel, fsync on), on the same two cores: one process beside Siyu on SQLite,"
        " and two processes on one database, each with half of the messages of a round and its share of the other work, beside one."
    ),
    measure=_measure,
)
