"""P2: how soon a webhook answers at half of the load that it can bear."""

import contextlib
import statistics
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tests.benchmarks import sides
from tests.benchmarks.driver import Driver
from tests.benchmarks.figure import Bench, Figure, Judged, Line, taking_turns
from tests.benchmarks.figures.intake import COUNT, Intake
from tests.benchmarks.machine import Stolen
from tests.benchmarks.sides import Side

LASTS_S = 6.0
CALIBRATED_BY = 3
MEASURE = "P2 answer at half of that load"


class Pace:
    """Rounds at a fixed rate."""

    def __init__(self, driver: Driver, rate_per_s: float, seconds: float) -> None:
        self._driver, self._rate_per_s, self._count = driver, rate_per_s, int(rate_per_s * seconds)
        self._next = 10_000_000
        self.lost: dict[str, int] = {}
        self.stolen: dict[str, list[float]] = {}

    def round(self, bot: Side) -> dict[str, float]:
        """Return latencies in ms, from when each request was due."""
        first, self._next = self._next, self._next + self._count
        before = bot.stored() if bot.stored else 0
        order = {**bot.address(), "count": self._count, "first": first, "rate_per_s": self._rate_per_s}
        stolen = Stolen()
        figures = self._driver.ask("pace", **order)
        self.stolen.setdefault(bot.name, []).append(stolen.share())
        self.lost[bot.name] = self.lost.get(bot.name, 0) + bot.missing(before + self._count)
        bot.rest()
        return figures


def _measure(bench: Bench) -> Sequence[Line]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        driver = stack.enter_context(Driver())
        ours = stack.enter_context(sides.siyu(driver, folder / "data"))
        aiogram = stack.enter_context(sides.aiogram(driver))
        intake = Intake(driver)
        for bot in (ours, aiogram):
            intake.warm_up(bot)
        bears = statistics.median(intake.round(ours, bench.count(COUNT)) for _ in range(CALIBRATED_BY))
        pace = Pace(driver, bears / 2, LASTS_S * bench.share)
        found = taking_turns(bench.rounds, {bot.name: partial(pace.round, bot) for bot in (ours, aiogram)})
    lost = intake.lost[ours.name] + pace.lost[ours.name]
    p99, p50 = (
        {name: [figures[which] for figures in rounds] for name, rounds in found.items()}
        for which in ("p99_ms", "p50_ms")
    )
    by_theft = sorted(zip(pace.stolen[ours.name], p99[ours.name], strict=True))
    told = ", ".join(f"{stolen:.1%}: {ms:.0f} ms" for stolen, ms in by_theft)
    note = f"at {bears / 2:,.0f} messages/s; Siyu's p99 by how much of the time the machine's host kept in that round: {told}"
    line = partial(Line, unit="ms", peer="aiogram's dispatcher at the same rate", lost=lost, note=note)
    return [
        line(
            measure=f"{MEASURE}: p99",
            ours=p99[ours.name],
            theirs=p99[aiogram.name],
            judged=Judged.AT_MOST,
            floor=25.0,
            goal=10.0,
        ),
        line(measure=f"{MEASURE}: p50", ours=p50[ours.name], theirs=p50[aiogram.name], judged=Judged.COST),
    ]


FIGURE = Figure(
    name="latency",
    title="P2 Answers at half of that load",
    about=(
        "First the rate that Siyu bears is measured as in P1; then requests are due at half of it, whether or not anybody is ready for"
        " them (an open loop: a request's time counts from when it was due, so a pause is felt by all who would have come in it)."
    ),
    measure=_measure,
)
