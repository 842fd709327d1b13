"""Verify: compute views anew beside the live ones and compare them, row by row, at the same position."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, String, Table, select

from projections.engine.positions import positions
from projections.engine.projector import Projector
from projections.projection import Projection

DIFFERENCES_A_TABLE = 100
"""More of them say no more."""
ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not as the log says. ``what``: ``missing``, ``extra``, or the columns that differ; never their values."""

    view: str
    table: str
    key: tuple[Any, ...]
    what: str


def verify(projector: Projector, names: Collection[str] = ()) -> list[Difference]:
    """Return where live views (all, where none is named) differ from ones computed from the log now; empty where all is well.

    The live views are brought to the end of the log first, and may go on meanwhile: both sides are compared at the same position. At most
    100 differences a table are listed. Raises Rejected for a view that does not exist.
    """
    chosen = projector.named(names)
    _advance(projector, None)
    with projector.views.scratch() as scratch:
        rebuilt = Projector(scratch, projector.log, chosen)
        with projector.views.read() as connection:
            reached = _positions(connection)
        _advance(
            rebuilt, min(reached[projection.name] for projection in chosen)
        )  # the long part, while nobody is held up
        with projector.views.snapshot() as live:
            reached = _positions(live)
            found: list[Difference] = []
            for projection in sorted(chosen, key=lambda projection: reached[projection.name]):
                _advance(rebuilt, reached[projection.name])
                with scratch.read() as expected:
                    for table in projection.tables:
                        found.extend(_compare(projection, table, live, expected))
            return found


def _positions(connection: Connection) -> dict[str, int]:
    return {view.view: view.position for view in positions(connection)}


def _advance(projector: Projector, until: int | None) -> None:
    while projector.step(until):
        pass


def _compare(
    projection: Projection, table: Table, live: Connection, expected: Connection
) -> list[Difference]:
    found: list[Difference] = []
    for key, is_, should in _side_by_side(_ordered(live, table), _ordered(expected, table)):
        if is_ == should:
            continue
        if should is None:
            what = "extra"
        elif is_ is None:
            what = "missing"
        else:
            what = ", ".join(
                column.name for column, a, b in zip(table.columns, is_, should, strict=True) if a != b
            )
        found.append(Difference(projection.name, table.name, key, what))
        if len(found) == DIFFERENCES_A_TABLE:
            break
    return found


_Key = tuple[Any, ...]
_Keyed = tuple[_Key, tuple[Any, ...]]


def _ordered(connection: Connection, table: Table) -> Iterator[_Keyed]:
    """Return (key, row), in an order that Python and both stores agree on: texts are compared by their bytes."""
    keys = list(table.primary_key)
    postgres = connection.dialect.name == "postgresql"
    order = [key.collate("C") if postgres and isinstance(key.type, String) else key for key in keys]
    rows = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(select(table).order_by(*order))
    at = [table.columns.values().index(key) for key in keys]
    for row in rows:
        yield tuple(row[index] for index in at), tuple(row)


def _side_by_side(
    live: Iterable[_Keyed], expected: Iterable[_Keyed]
) -> Iterator[tuple[_Key, tuple[Any, ...] | None, tuple[Any, ...] | None]]:
    """Merge two ordered sequences: (key, live row or None, expected row or None)."""
    left, right = iter(live), iter(expected)
    a, b = next(left, None), next(right, None)
    while a is not None or b is not None:
        if b is None or (a is not None and a[0] < b[0]):
            assert a is not None  # noqa: S101  # for the type checker: one of the two is there
            yield a[0], a[1], None
            a = next(left, None)
        elif a is None or b[0] < a[0]:
            yield b[0], None, b[1]
            b = next(right, None)
        else:
            yield a[0], a[1], b[1]
            a, b = next(left, None), next(right, None)
