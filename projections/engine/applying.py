"""Applying events to one view: a batch at once, or one by one where one of them is poison, which is parked.

What follows a parked event in its stream is parked with it, since a stream that is folded over a gap gives wrong rows; other streams go
on.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, bindparam, insert, select

from domain.customers.events import CustomerForgotten
from domain.errors import StoreUnavailable
from domain.message import Recorded
from domain.ports.event_log import Unreadable
from projections.engine.positions import PARKED
from projections.engine.store import is_store_trouble
from projections.projection import Projection

LONGEST_ERROR = 500

_PARKED_OF = select(PARKED.c.view, PARKED.c.position, PARKED.c.stream).where(
    PARKED.c.view.in_(bindparam("views", expanding=True))
)

Apply = Callable[[Connection, Projection, Sequence[Recorded], set[str]], int]
"""Takes the streams of which something is parked, and adds to them; returns how many events were parked."""


def at_once(connection: Connection, projection: Projection, fresh: Sequence[Recorded], gaps: set[str]) -> int:
    """Apply a batch together, as ``Apply``; what cannot even be read is parked. Raises what the view raises."""
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


def singly(connection: Connection, projection: Projection, fresh: Sequence[Recorded], gaps: set[str]) -> int:
    """Apply event by event, as ``Apply``, so that only what is poisonous is parked."""
    failed = 0
    for recorded in fresh:
        try:
            with connection.begin_nested():
                failed += at_once(connection, projection, [recorded], gaps)
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
    for row in connection.execute(_PARKED_OF, {"views": views}):
        if before is None or row.position < before:
            found[row.view].add(row.stream)
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
