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
LOWEST, HIGHEST = 1, 9
"""Priorities of campaigns, the higher the sooner."""
MARKETING = 10
"""Places from here on are marketing's: this one and the next eight, for campaigns of priority 9 down to 1."""
PLACES = {
    DeliveryClass.REPLY: (0,),
    DeliveryClass.SERVICE: (1,),
    DeliveryClass.MARKETING: tuple(range(MARKETING, MARKETING + HIGHEST)),
}
"""What ``DUE.priority`` may be for each class, in the order in which they go."""
HELD = 50
"""Added to the place of what belongs to a campaign that is paused: nobody looks there, except for what expires."""


def place(kind: DeliveryClass, priority: int) -> int:
    """Return where a delivery stands in line."""
    if kind is not DeliveryClass.MARKETING:
        return PLACES[kind][0]
    return MARKETING + HIGHEST - min(max(priority, LOWEST), HIGHEST)


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
    Column("channel", String, nullable=False),
    Column("account", String, nullable=False),
    Column("broadcast", String),
    Column("campaign", String, index=True),
    Column("topic", String, nullable=False),
    Column("occasion", String, nullable=False),
    Column("not_before", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("attempt", Integer, nullable=False, default=0),
    Column("until", Utc),
)
"""Deliveries without a final outcome: planned, started, unknown.

``channel``, ``account``: where the recipient is; empty where nobody is known by that id. ``priority``: their place. ``until``: the end of
the last lease.
"""
PLANNED, STARTED, UNKNOWN = (
    DUE.c.phase == literal(phase.value, literal_execute=True)
    for phase in (Phase.PLANNED, Phase.STARTED, Phase.UNKNOWN)
)
"""Spelt out in the statement: PostgreSQL uses a partial index only where it sees that the condition is the index's."""
for _name, _where, _columns in (
    ("due_planned", PLANNED, (DUE.c.priority, DUE.c.not_before)),
    ("due_at", PLANNED, (DUE.c.channel, DUE.c.account, DUE.c.priority, DUE.c.not_before, DUE.c.position)),
    ("due_expiring", PLANNED, (DUE.c.expires_at,)),
    ("due_started", STARTED, (DUE.c.until,)),
    ("due_unknown", UNKNOWN, (DUE.c.until,)),
    ("due_of_customer", PLANNED, (DUE.c.customer,)),
):
    Index(_name, *_columns, sqlite_where=_where, postgresql_where=_where)

PAUSED = Table("due_paused", METADATA, Column("campaign", String, primary_key=True))
"""Campaigns that are paused."""
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
CAMPAIGNS = Table(
    "due_campaigns",
    METADATA,
    Column("campaign", String, primary_key=True),
    Column("last_at", Utc),
)
"""Launched, and neither cancelled nor finished. ``last_at``: when its newest run was to go out."""
RUNS = Table(
    "due_runs",
    METADATA,
    Column("run", String, primary_key=True),
    Column("campaign", String, nullable=False, index=True),
    Column("position", BigInteger, nullable=False),
)
"""Begun, and not planned to their end."""
HOLDS = Table("due_holds", METADATA, Column("hold", String, primary_key=True))
"""What holds messages back altogether: ``marketing`` is paused, or ``sending`` since an import or a restore."""
PARTIES = parties_table("due_parties")
