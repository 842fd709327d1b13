"""How far each view has come, and which events it could not take."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table, Text, select

from domain.identity import StreamId
from projections.schema import METADATA, Utc

POSITIONS = Table(
    "positions",
    METADATA,
    Column("view", String, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("log_id", String, nullable=False),
    Column("incarnation", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("last_event", String, nullable=False),
)
"""``last_event``: a hash of the id of the event at ``position``: another event there means another log."""
PARKED = Table(
    "parked",
    METADATA,
    Column("view", String, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("stream", String, nullable=False),
    Column("error", Text, nullable=False),
    Column("at", Utc, nullable=False),
)


@dataclass(frozen=True, slots=True)
class ViewPosition:
    """How far a view has come."""

    view: str
    version: int
    position: int


@dataclass(frozen=True, slots=True)
class Parked:
    """An event that a view could not take; the others went on. ``at``: when it was recorded."""

    view: str
    position: int
    stream: StreamId
    error: str
    at: datetime


def positions(connection: Connection) -> list[ViewPosition]:
    """Return how far each view has come, by name."""
    rows = connection.execute(select(POSITIONS).order_by(POSITIONS.c.view))
    return [ViewPosition(row.view, row.version, row.position) for row in rows]


def parked(connection: Connection, views: Sequence[str] = (), position: int | None = None) -> list[Parked]:
    """Return parked events by position and view; all, or those of some views, or those at one position."""
    statement = select(PARKED).order_by(PARKED.c.position, PARKED.c.view)
    if views:
        statement = statement.where(PARKED.c.view.in_(views))
    if position is not None:
        statement = statement.where(PARKED.c.position == position)
    return [
        Parked(row.view, row.position, row.stream, row.error, row.at) for row in connection.execute(statement)
    ]
