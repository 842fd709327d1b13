"""What a curve is: one cost at growing sizes, and the exponent that fits it."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

from tests.benchmarks.figure import Bench

SMALL, MIDDLE, LARGE, HUGE = 10_000, 100_000, 1_000_000, 10_000_000
FEW_SIZES = (SMALL, MIDDLE, LARGE)
SIZES = (*FEW_SIZES, HUGE)


@dataclass(frozen=True, slots=True)
class Curve:
    """One thing that is measured at several sizes. ``of``: what there is so many of. ``expected``: the exponent it should have.

    ``measure`` returns the cost at a size, a value a round; it raises whatever keeps it from measuring.
    """

    name: str
    title: str
    about: str
    unit: str
    of: str
    measure: Callable[[Bench, int], Sequence[float]]
    sizes: tuple[int, ...] = SIZES
    expected: float = 0.0


@dataclass(frozen=True, slots=True)
class Fit:
    """``cost = factor * size ** exponent``, the line that lies closest in a picture with logarithmic axes."""

    exponent: float
    factor: float

    @classmethod
    def of(cls, costs: Mapping[int, float]) -> "Fit":
        """Fit by least squares on the logarithms. Raises ValueError for fewer than two sizes, or a cost that is not above 0."""
        points = [(log(size), log(cost)) for size, cost in costs.items()]
        if len(points) < 2:
            raise ValueError("one size tells nothing of growth")
        line = statistics.linear_regression(*zip(*points, strict=True))
        return cls(line.slope, exp(line.intercept))

    def at(self, size: float) -> float:
        """Return the cost that the line has at a size."""
        cost: float = self.factor * size**self.exponent
        return cost

    @property
    def tenfold(self) -> float:
        """How many times as much it costs with ten times as many."""
        times: float = 10.0**self.exponent
        return times


def worked_ms(work: Callable[[], object], times: int) -> float:
    """Return how many ms of processor time one call takes: of this process with all its threads, whatever else the machine does."""
    begin = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - begin) * 1000 / times


def rounds_of(bench: Bench, work: Callable[[], object], times: int) -> list[float]:
    """Return the cost of a call, in ms, for each round; what is done only once (plans, caches) is done before."""
    work()
    return [worked_ms(work, times) for _ in range(bench.rounds)]
