"""P7: planning a campaign to ever more people."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bot.bootstrap import open_house
from bot.settings import Settings
from tests.benchmarks.fan_out import measure, write_people
from tests.benchmarks.figure import Bench
from tests.benchmarks.growth.curve import FEW_SIZES, Curve


def _measure(_bench: Bench, people: int) -> Sequence[float]:
    with tempfile.TemporaryDirectory() as folder:
        house = open_house(Settings(data=Path(folder), starter_rules=False), {})
        try:
            house.catch_up()
            write_people(house, people)
            found = asyncio.run(measure(house, people))
        finally:
            house.close()
    return [found["CPU seconds"] * 1000 / people]


CURVE = Curve(
    name="plan",
    title="Plan a campaign (P7)",
    about="A campaign to everybody: each delivery planned and durable, with its place in the plan; one round.",
    unit="ms a person",
    of="people",
    measure=_measure,
    sizes=FEW_SIZES,
)
