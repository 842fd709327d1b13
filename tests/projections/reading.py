"""Reading whole views, to compare them."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from domain.message import Recorded
from domain.ports.event_log import LogIdentity, MemoryEventLog
from projections.engine import Projector, Views
from projections.projection import Projection

Contents = dict[str, list[tuple[Any, ...]]]


def contents(views: Views, projections: Iterable[Projection]) -> Contents:
    """Every row of every table of these views."""
    with views.read() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for projection in projections
            for table in projection.tables
        }


def catch_up(projector: Projector) -> None:
    while projector.step():
        pass


class GivenLog(MemoryEventLog):
    """A log that holds just these events, or what a test makes of them."""

    def __init__(self, events: Iterable[Recorded], identity: LogIdentity = LogIdentity("memory", 1)) -> None:  # noqa: B008  # frozen
        super().__init__({}, identity=identity)
        self._events.extend(events)
