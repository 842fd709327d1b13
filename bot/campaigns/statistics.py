"""What can be said of two rates: intervals, differences, and whether the draw was even.

Sources: Wilson, J. Am. Stat. Assoc. 22 (1927) 209; Newcombe, Statistics in Medicine 17 (1998) 873, method 10; Holm, Scand. J. Statist. 6
(1979) 65; sample ratio mismatch below 0.001 as in Fabijan et al., KDD 2019. scipy is loaded
for Fisher's test only, when it is first needed: half a second that most starts never spend.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, erfc, exp, gamma, inf, sqrt
from statistics import NormalDist

CONFIDENCE = 0.95
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
POWER = 0.8
Z_POWER = NormalDist().inv_cdf(POWER)
FEWEST_EXPECTED = 5
"""In each of the four cells; below it the exact test is taken."""
UNEVEN_BELOW = 0.001
"""A draw as uneven as this comes about by chance once in a thousand times: then something is wrong with it."""


@dataclass(frozen=True, slots=True)
class Interval:
    """From ``low`` to ``high``, at 95 %."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Rate:
    """``hits`` of ``people``. ``value`` is nought where there are no people."""

    hits: int
    people: int

    @property
    def value(self) -> float:
        """The share of hits."""
        return self.hits / self.people if self.people else 0.0

    @property
    def interval(self) -> Interval:
        """Wilson's interval; from 0 to 1 where there are no people."""
        if not self.people:
            return Interval(0.0, 1.0)
        n, p = self.people, self.value
        middle = p + Z * Z / (2 * n)
        half = Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
        low, high = ((middle + sign * half) / (1 + Z * Z / n) for sign in (-1, 1))
        return Interval(0.0 if not self.hits else max(0.0, low), 1.0 if self.hits == n else min(1.0, high))


@dataclass(frozen=True, slots=True)
class Difference:
    """How much higher the second rate is than the first.

    ``value``, ``interval``: in absolute terms (0.01: one percentage point). ``lift``: relative to the first, None where that is nought.
    ``p_value``: how often chance alone would bring about at least as much.
    """

    value: float
    interval: Interval
    lift: float | None
    p_value: float


def difference(control: Rate, other: Rate) -> Difference:
    """Compare a rate with the control's; Newcombe's interval, and the test that fits the numbers."""
    value = other.value - control.value
    mine, base = other.interval, control.interval
    low = value - sqrt((other.value - mine.low) ** 2 + (base.high - control.value) ** 2)
    high = value + sqrt((mine.high - other.value) ** 2 + (control.value - base.low) ** 2)
    lift = value / control.value if control.hits else None
    return Difference(value, Interval(low, high), lift, _p_value(control, other))


def _p_value(control: Rate, other: Rate) -> float:
    """Two-sided: Pearson's chi-square, or Fisher's exact test where a cell is expected to hold fewer than five."""
    people, hits = control.people + other.people, control.hits + other.hits
    if not control.people or not other.people or hits in {0, people}:
        return 1.0
    rarer = min(hits, people - hits) * min(control.people, other.people) / people
    if rarer < FEWEST_EXPECTED:
        from scipy.stats import fisher_exact  # noqa: PLC0415  # see above

        cells = [[rate.hits, rate.people - rate.hits] for rate in (control, other)]
        return float(fisher_exact(cells).pvalue)
    pooled = hits / people
    spread = sqrt(pooled * (1 - pooled) * (1 / control.people + 1 / other.people))
    return 2 * NormalDist().cdf(-abs(other.value - control.value) / spread)


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Return p-values of several comparisons, each made larger as Holm says, in the same order."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    found, highest = [1.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, p_values[index] * (len(p_values) - rank)))
        found[index] = highest
    return found


def evenness(observed: Sequence[int], weights: Sequence[float]) -> float:
    """Return how often chance alone would deal people out as unevenly over arms of these weights; 1 where there is nothing to compare."""
    total, weight = sum(observed), sum(weights)
    if len(observed) < 2 or not total or min(weights) <= 0:  # noqa: PLR2004  # one arm is even
        return 1.0
    expected = [total * share / weight for share in weights]
    squares = sum((found - wanted) ** 2 / wanted for found, wanted in zip(observed, expected, strict=True))
    return _exceeds(squares, len(observed) - 1)


def _exceeds(squares: float, freedom: int) -> float:
    """Return how often a chi-square variable is larger: the upper incomplete gamma function, by its recurrence from one or two up."""
    half = squares / 2
    share, known = (erfc(sqrt(half)), 1) if freedom % 2 else (exp(-half), 2)
    for degree in range(known, freedom, 2):
        share += half ** (degree / 2) * exp(-half) / gamma(degree / 2 + 1)
    return share


def people_needed(rate: float, lift: float) -> float:
    """Return how many people each of two arms needs, to notice in four of five cases that a rate became that much higher, relatively.

    Infinite where the rate is nought, or so high that it cannot rise by as much.
    """
    higher = rate * (1 + lift)
    if rate <= 0 or higher >= 1 or lift <= 0:
        return inf
    middle = (rate + higher) / 2
    by_chance = Z * sqrt(2 * middle * (1 - middle))
    by_power = Z_POWER * sqrt(rate * (1 - rate) + higher * (1 - higher))
    return ceil((by_chance + by_power) ** 2 / (higher - rate) ** 2)
