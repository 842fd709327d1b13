"""The tables of campaigns and of what became of them."""

from enum import StrEnum

from sqlalchemy import JSON, BigInteger, Column, Date, Index, Integer, String, Table, Text

from projections.schema import METADATA, Utc, parties_table


class Status(StrEnum):
    """Where a campaign stands with one recipient."""

    WAITING = "waiting"
    """Planned, or just being sent."""
    LEFT_OUT = "left-out"
    SENT = "sent"
    UNKNOWN = "unknown"
    FAILED = "failed"
    EXPIRED = "expired"


CAMPAIGNS = Table(
    "campaigns",
    METADATA,
    Column("campaign", String, primary_key=True),
    Column("stage", String, nullable=False),
    Column("before_pause", String),
    Column("pause_reason", String),
    Column("name", Text, nullable=False),
    Column("topic", String, nullable=False),
    Column("goal", String),
    Column("goal_days", Integer),
    Column("holdout_percent", Integer, nullable=False),
    Column("arms", JSON, nullable=False),
    Column("operator", String),
    Column("approved_by", String),
    Column("meant", Integer),
    Column("drafted_at", Utc, nullable=False, index=True),
    Column("scheduled_for", Utc),
    Column("started_at", Utc),
    Column("ended_at", Utc),
)
"""``arms``: [variant, weight] each, empty where there is one text only."""
RUNS = Table(
    "campaign_runs",
    METADATA,
    Column("run", String, primary_key=True),
    Column("campaign", String, nullable=False, index=True),
    Column("at", Utc, nullable=False),
    Column("day", Date),
    Column("meant", Integer, nullable=False),
    Column("sample", Integer, nullable=False),
    Column("planned", Integer, nullable=False, default=0),
    Column("at_pass", String, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("planned_at", Utc),
)
RECIPIENTS = Table(
    "campaign_recipients",
    METADATA,
    Column("delivery", String, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("campaign", String, nullable=False),
    Column("run", String, nullable=False),
    Column("contact", String, index=True),
    Column("customer", String),
    Column("group_id", String),
    Column("channel", String),
    Column("variant", String),
    Column("topic", String, nullable=False),
    Column("status", String, nullable=False),
    Column("reason", String),
    Column("rule", String),
    Column("route", String),
    Column("planned_at", Utc, nullable=False),
    Column("at", Utc),
    Column("delivered_at", Utc),
    Column("read_at", Utc),
    Column("clicked_at", Utc),
    Column("replied_at", Utc),
    Column("recalled_at", Utc),
    Column("opted_out_at", Utc),
    Column("converted_at", Utc),
    Column("value", BigInteger),
    Column("currency", String),
    Index("campaign_recipients_of", "campaign", "position"),
)
"""One row for each recipient of each run; a broadcast is a campaign and a run of the same name. ``position``: of its plan; rows of a
campaign are read in the order in which they were written, which is much the quickest. ``contact`` and ``customer``: as planned,
None once they were forgotten: then the row only counts. ``at``: when it was sent, or given up; the windows of ``opted_out_at`` and
``converted_at`` begin there. ``value``: of all that counts as the conversion, in the smallest unit of ``currency``."""
OUTCOMES = Table(
    "campaign_outcomes",
    METADATA,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("of", String, nullable=False),
    Column("contact", String, index=True),
    Column("customer", String, index=True),
    Column("at", Utc, nullable=False),
    Column("amount", BigInteger),
    Column("paid", BigInteger),
    Column("refunded", BigInteger, nullable=False, default=0),
    Column("currency", String),
)
"""What people did that a message may have brought about. ``kind``: ``withdrawn`` or ``goal``; ``of``: which topic, or which goal.
``contact`` or ``customer``: as the event names them; who that is now is found through the parties."""
PARTIES = parties_table("campaign_parties")
