"""Applying events to one view: a batch at once, or one by one where one of them is poison, which is parked.

What follows a parked event in its stream is parked with it, since a stream that is folded over a gap gives wrong rows; other streams go
on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection, insert, select

from domain.customers.events import CustomerForgotten
from domain.errors import StoreUnavailable
from domain.message import Recorded
from domain.ports.event_log import Unreadable
from projections.engine.positions import PARKED
from projections.engine.store import is_store_trouble
from projections.projection import Projection
from projections.question import Question
from projections.schema import one_asked_for

LONGEST_ERROR = 500

_PARKED_OF = Question(
    select(PARKED.c.view, PARKED.c.position, PARKED.c.stream).where(one_asked_for(PARKED.c.view, "views"))
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Events in order of position, at least one, and of which classes they are: most views listen to none of them."""

    events: Sequence[Recorded]
    kinds: frozenset[type]

    @classmethod
    def of(cls, events: Sequence[Recorded]) -> Self:
        """Look at the events once for all views."""
        return cls(events, frozenset([type(recorded.event) for recorded in events]))

    def after(self, position: int) -> "Batch | None":
        """Return what lies above a position; None where nothing does."""
        if self.events[0].position > position:
            return self
        fresh = [recorded for recorded in self.events if recorded.position > position]
        return Batch.of(fresh) if fresh else None


Apply = Callable[[Connection, Projection, Batch, set[str]], int]
"""Takes the streams of which something is parked, and adds to them; returns how many events were parked."""


def at_once(connection: Connection, projection: Projection, batch: Batch, gaps: set[str]) -> int:
    """Apply a batch together, as ``Apply``; what cannot even be read is parked. Raises what the view raises."""
    special = Unreadable in batch.kinds or (
        projection.forget is not None and CustomerForgotten in batch.kinds
    )
    if gaps or special:
        return _in_parts(connection, projection, batch.events, gaps)
    heard = batch.kinds & projection.listens_to
    if heard:
        all_of_it = len(heard) == len(batch.kinds)
        events = batch.events if all_of_it else [r for r in batch.events if type(r.event) in heard]
        projection.apply(connection, events)
    return 0


def _in_parts(
    connection: Connection, projection: Projection, fresh: Sequence[Recorded], gaps: set[str]
) -> int:
    """Look at each event: what cannot be applied is parked, and what was applied is written before somebody is forgotten."""
    good: list[Recorded] = []
    failed = 0
    for recorded in fresh:
        if isinstance(recorded.event, CustomerForgotten) and projection.forget is not None:
            if good:
                projection.apply(connection, good)
            good = [recorded]
            projection.forget(connection, recorded.event)
        elif isinstance(recorded.event, Unreadable):
            failed += _park(connection, projection, recorded, recorded.event.error, gaps)
        elif type(recorded.event) not in projection.listens_to:
            continue
        elif recorded.stream in gaps:
            failed += _park(connection, projection, recorded, "follows a parked event of its stream", gaps)
        else:
            good.append(recorded)
    if good:
        projection.apply(connection, good)
    return failed


def singly(connection: Connection, projection: Projection, batch: Batch, gaps: set[str]) -> int:
    """Apply event by event, as ``Apply``, so that only what is poisonous is parked."""
    failed = 0
    for recorded in batch.events:
        try:
            with connection.begin_nested():
                failed += at_once(connection, projection, Batch.of([recorded]), gaps)
        except Exception as error:
            if not is_poison(error):
                raise
            failed += _park(connection, projection, recorded, f"{type(error).__name__}: {error}", gaps)
    return failed


def is_poison(error: Exception) -> bool:
    """Whether an event is to blame: anything but a store that fails."""
    return not isinstance(error, StoreUnavailable) and not is_store_trouble(error)


def gaps_in(connection: Connection, views: Sequence[str], before: int | None = None) -> dict[str, set[str]]:
    """Return, for each view, the streams of which something is parked (below a position)."""
    found: dict[str, set[str]] = {view: set() for view in views}
    for view, position, stream in _PARKED_OF.ask(connection, views=views):
        if before is None or position < before:
            found[view].add(stream)
    return found


def _park(
    connection: Connection, projection: Projection, recorded: Recorded, error: str, gaps: set[str]
) -> int:
    gaps.add(recorded.stream)
    row = {
        "view": projection.name,
        "position": recorded.position,
        "stream": recorded.stream,
        "error": error[:LONGEST_ERROR],
        "at": recorded.recorded_at,
    }
    connection.execute(insert(PARKED), [row])
    return 1
