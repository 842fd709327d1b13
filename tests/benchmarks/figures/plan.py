"""P7: planning a campaign to a large audience."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence

from tests.benchmarks.figure import Bench, Figure, Judged, Line
from tests.benchmarks.machine import ROOT

PEOPLE, MANY_PEOPLE = 100_000, 1_000_000
FLOOR_S, GOAL_S = 180.0, 60.0
"""For a million; for fewer their share of it."""
FLAT_MB = 50.0


def _measuring(people: int) -> Callable[[Bench], Sequence[Line]]:
    def measure(bench: Bench) -> Sequence[Line]:
        planned = bench.count(people)
        command = [sys.executable, "-m", "tests.benchmarks.fan_out", str(planned)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        found = json.loads(done.stdout)
        share = planned / MANY_PEOPLE
        return [
            Line(
                measure=f"P7 plan a campaign to {planned:,}",
                unit="s",
                ours=(found["seconds"],),
                judged=Judged.AT_MOST,
                floor=FLOOR_S * share,
                goal=GOAL_S * share,
                note=f"plan: {found['planned/s']:,.0f} people/s, {found['CPU seconds']:.0f} s of processor time; one round",
            ),
            Line(
                measure=f"P7 plan a campaign to {planned:,}: memory grows by",
                unit="MB",
                ours=(found["rss growth MB"],),
                judged=Judged.AT_MOST,
                floor=FLAT_MB,
                goal=FLAT_MB,
            ),
        ]

    return measure


ABOUT = (
    "The people stand in the views; a campaign to all of them is launched, and every delivery is planned, each durable with its place in"
    " the plan. The floor is 180 s for a million, and their share of it for fewer."
)
FIGURE = Figure("plan", "P7 Plan a campaign", ABOUT, _measuring(PEOPLE))
LARGE = Figure("plan-large", "P7 Plan a campaign to a million", ABOUT, _measuring(MANY_PEOPLE), large=True)
