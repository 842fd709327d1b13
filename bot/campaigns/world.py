"""What a form is judged by: the moment, how people say times, and who and what there is."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Protocol

from bot.campaigns.faults import Fault
from bot.texts import Told
from domain.identity import CustomerId, GroupId, MediaId, Slug, Tag, ZoneName
from domain.policies.recurrence import Recurrence


class Times(Protocol):
    """Times as people say them; each reader returns None for what is none, and raises Rejected for one that cannot be meant."""

    def moment(self, text: str, zone: ZoneName) -> datetime | None:
        """Return when, in UTC: later than now."""
        ...

    def delay(self, text: str) -> timedelta | None:
        """Return how long."""
        ...

    def recurrence(self, text: str) -> Recurrence | None:
        """Return how it recurs."""
        ...

    def time_of_day(self, text: str) -> time | None:
        """Return a time of day."""
        ...


class Known(Protocol):
    """Who and what there is."""

    def tag(self, name: str) -> Tag | None:
        """Return the tag as it is written; None where nobody has it."""
        ...

    def group(self, name: str) -> GroupId | None:
        """Return the one group of this name or id that we are in."""
        ...

    def customer(self, said: str) -> CustomerId | None:
        """Return the one customer of this number, id, ``channel:external-id`` or phone; no name is guessed at."""
        ...

    def pool(self, name: str) -> bool:
        """Whether there are codes of this name."""
        ...


class Files(Protocol):
    """The files that a form names; they lie beside it. Both raise Rejected, saying what is wrong with one."""

    def lines(self, name: str) -> Sequence[str]:
        """Return the lines of a list."""
        ...

    def picture(self, name: str) -> MediaId:
        """Return under what a picture is kept, once the campaign is."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """``fault``: what is wrong with a template, None for a good one. ``variables``: those it asks for. ``channels``: that we speak."""

    now: datetime
    zone: ZoneName
    times: Times
    known: Known
    files: Files
    fault: Callable[[str], str | None]
    variables: Callable[[str], frozenset[str]]
    channels: Collection[str]
    topics: Collection[Slug] = ()


@dataclass(slots=True)
class Notebook:
    """Gathers what is wrong with a form, and what is worth saying though nothing is."""

    faults: list[Fault] = field(default_factory=list)
    notes: list[Told] = field(default_factory=list)

    def wrong(self, place: str, what: Told | str) -> None:
        """Note that something is wrong at a place."""
        self.faults.append(Fault(place, what))
