"""The tables of deliveries and broadcasts."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from projections.schema import METADATA, Utc, parties_table

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("delivery", String, primary_key=True),
    Column("phase", String, nullable=False),
    Column("reason", String),
    Column("rule", String),
    Column("kind", String, nullable=False),
    Column("occasion", String, nullable=False),
    Column("contact", String, index=True),
    Column("customer", String),
    Column("group_id", String),
    Column("text", Text),
    Column("rendered", Text),
    Column("broadcast", String),
    Column("campaign", String),
    Column("run", String, index=True),
    Column("operator", String),
    Column("automatic", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("provider_message", String),
    Column("subject", String, nullable=False, default=""),
    Column("planned_at", Utc, nullable=False, index=True),
    Column("not_before", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("started_at", Utc),
    Column("ended_at", Utc),
    Index("deliveries_by_campaign", "campaign", "delivery"),
    Index("deliveries_by_broadcast", "broadcast", "delivery"),
    Index("deliveries_by_phase", "phase", "reason", "kind"),
    Index("deliveries_by_message", "contact", "provider_message"),
)
BROADCASTS = Table(
    "delivery_broadcasts",
    METADATA,
    Column("broadcast", String, primary_key=True),
    Column("stage", String, nullable=False),
    Column("audience", String, nullable=False),
    Column("tag", String),
    Column("group_id", String),
    Column("text", Text, nullable=False),
    Column("not_before", Utc, nullable=False),
    Column("recurrence", String),
    Column("operator", String),
    Column("schedule", String),
    Column("planned", Integer),
    Column("drafted_at", Utc, nullable=False, index=True),
)
PARTIES = parties_table("delivery_parties")
