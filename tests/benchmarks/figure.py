"""What a figure is: measured in rounds beside its peer, judged by a floor and a goal."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

ROUNDS = 5
FEWEST = 200
"""Where only a share of the work is done, never less than this many messages: fewer would say nothing at all."""

T = TypeVar("T")


class PeerMissing(Exception):
    """A peer is not to be had: its figure has failed, it is not skipped."""


class Lost(Exception):
    """Something that was acknowledged is not there."""


class Judged(StrEnum):
    """What floor and goal are held against."""

    TIMES = "times"
    """Ours by theirs, at least: of rates."""
    FASTER = "faster"
    """Theirs by ours, at least: of durations."""
    COST = "cost"
    """Ours by theirs, at most: of durations."""
    AT_MOST = "at most"
    """Ours alone."""
    AT_LEAST = "at least"
    """Ours alone."""


class Verdict(StrEnum):
    """How a line came out."""

    GOAL = "goal"
    FLOOR = "floor"
    MISSED = "no"
    LOST = "LOST"
    UNJUDGED = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the table: a value a round for us and for the peer. ``lost``: messages that we acknowledged and that are not there."""

    measure: str
    unit: str
    ours: Sequence[float]
    peer: str = ""
    theirs: Sequence[float] = ()
    judged: Judged = Judged.TIMES
    floor: float | None = None
    goal: float | None = None
    lost: int = 0
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours to theirs as it is judged, None where there is no peer."""
        if not self.theirs:
            return None
        ours, theirs = statistics.median(self.ours), statistics.median(self.theirs)
        return theirs / ours if self.judged is Judged.FASTER else ours / theirs

    @property
    def verdict(self) -> Verdict:
        """Whether floor and goal hold; nothing holds where something was lost."""
        if self.lost:
            return Verdict.LOST
        if self._reaches(self.goal):
            return Verdict.GOAL
        if self._reaches(self.floor):
            return Verdict.FLOOR
        return Verdict.UNJUDGED if self.floor is None and self.goal is None else Verdict.MISSED

    def _reaches(self, bound: float | None) -> bool:
        if bound is None:
            return False
        alone = self.judged in {Judged.AT_MOST, Judged.AT_LEAST}
        value = statistics.median(self.ours) if alone else self.ratio
        if value is None:
            raise PeerMissing(f"{self.measure} is judged beside a peer, and there is none")
        return value <= bound if self.judged in {Judged.COST, Judged.AT_MOST} else value >= bound


@dataclass(frozen=True, slots=True)
class Bench:
    """How much is measured. ``folder``: where peers and large data sets are kept. ``share``: of each round's work; a whole one is 1."""

    folder: Path
    rounds: int = ROUNDS
    share: float = 1.0
    large: bool = False

    def count(self, whole: int) -> int:
        """Return how many messages a round has."""
        return max(min(whole, FEWEST), round(whole * self.share))


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that is measured. ``about``: how, in a sentence or two. ``large``: only by ``make bench-large``.

    ``measure`` raises PeerMissing, Lost, and whatever keeps it from measuring.
    """

    name: str
    title: str
    about: str
    measure: Callable[[Bench], Sequence[Line]]
    large: bool = False


def taking_turns(rounds: int, sides: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
    """Let each side have its round, again and again, so that all meet the same machine."""
    found: dict[str, list[T]] = {name: [] for name in sides}
    for number in range(rounds):
        order = list(sides)
        for name in order if number % 2 == 0 else reversed(order):  # nobody always comes after the same one
            found[name].append(sides[name]())
    return found
