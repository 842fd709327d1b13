"""The tables of what is due."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    literal,
)

from domain.deliveries.delivery import Phase
from domain.deliveries.events import (
    DeliveryClass,
)
from projections.schema import METADATA, Utc, parties_table

PRIORITIES = {DeliveryClass.REPLY: 0, DeliveryClass.SERVICE: 1, DeliveryClass.MARKETING: 2}
"""Replies overtake marketing."""
MARKETING = PRIORITIES[DeliveryClass.MARKETING]

DUE = Table(
    "due_deliveries",
    METADATA,
    Column("delivery", String, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("phase", String, nullable=False),
    Column("contact", String),
    Column("customer", String),
    Column("group_id", String),
    Column("broadcast", String),
    Column("occasion", String, nullable=False),
    Column("not_before", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("attempt", Integer, nullable=False, default=0),
    Column("until", Utc),
)
"""Deliveries without a final outcome: planned, started, unknown. ``until``: the end of the last lease."""
PLANNED, STARTED, UNKNOWN = (
    DUE.c.phase == literal(phase.value, literal_execute=True)
    for phase in (Phase.PLANNED, Phase.STARTED, Phase.UNKNOWN)
)
"""Spelt out in the statement: PostgreSQL uses a partial index only where it sees that the condition is the index's."""
for _name, _where, _columns in (
    ("due_planned", PLANNED, (DUE.c.priority, DUE.c.not_before, DUE.c.position)),
    ("due_expiring", PLANNED, (DUE.c.expires_at,)),
    ("due_started", STARTED, (DUE.c.until,)),
    ("due_unknown", UNKNOWN, (DUE.c.until,)),
):
    Index(_name, *_columns, sqlite_where=_where, postgresql_where=_where)

BROADCASTS = Table(
    "due_broadcasts",
    METADATA,
    Column("broadcast", String, primary_key=True),
    Column("not_before", Utc, nullable=False, index=True),
)
"""Confirmed, and not fanned out yet."""
SCHEDULES = Table(
    "due_schedules",
    METADATA,
    Column("schedule", String, primary_key=True),
    Column("recurrence", String, nullable=False),
    Column("zone", String, nullable=False),
    Column("starts_at", Utc, nullable=False),
    Column("last_day", Date),
)
PARTIES = parties_table("due_parties")
