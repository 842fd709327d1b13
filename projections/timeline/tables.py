"""The timeline's tables: one row a thing that happened, keyed by contact, customer or group as its event names them."""

from enum import StrEnum

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Table, Text, literal

from projections.schema import METADATA, Utc, parties_table


class Kind(StrEnum):
    """What a row of the timeline tells."""

    MESSAGE = "message"
    """A contact wrote."""
    EDIT = "edit"
    """A contact changed what they wrote; queries also show it at the message."""
    DELIVERY = "delivery"
    """We wrote, or mean to; with its state."""
    BUTTON = "button"
    NOTE = "note"
    NAMED = "named"
    TAGGED = "tagged"
    UNTAGGED = "untagged"
    JOINED = "joined"
    LEFT = "left"
    CONSENTED = "consented"
    WITHDREW = "withdrew"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    HANDED_OVER = "handed-over"
    RETURNED = "returned"
    MERGED = "merged"
    UNMERGED = "unmerged"
    FOLLOWED = "followed"
    SCANNED = "scanned"
    OPENED = "opened"
    CHOSE = "chose"
    """They answered whether we may send a kind of message."""
    ORDERED = "ordered"
    PAID = "paid"
    REFUNDED = "refunded"
    REACHED = "reached"
    """A goal."""
    GIVEN = "given"
    """A code of a pool."""
    REDEEMED = "redeemed"


TIMELINE = Table(
    "timeline",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False, default=0),
    Column("place", BigInteger, nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("at", Utc, nullable=False),
    Column("event", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("contact", String),
    Column("customer", String),
    Column("group_id", String),
    Column("text", Text),
    Column("rendered", Text),
    Column("value", String),
    Column("provider_message", String),
    Column("forwarded", Boolean, nullable=False, default=False),
    Column("delivery", String, unique=True),
    Column("broadcast", String, index=True),
    Column("occasion", String),
    Column("choices", JSON(none_as_null=True)),
    Column("media", String),
    Column("states", JSON(none_as_null=True)),
    Column("subject", String),
    Index("timeline_of_contact", "contact", "place"),
    Index("timeline_of_customer", "customer", "place"),
    Index("timeline_of_group", "group_id", "place"),
)
"""``place``: where the row stands in the conversation, as a position: its own; a delivery moves to where it was sent, or given up.
``part``: several members who joined at once are a row each. ``customer`` only where the event names no contact: the others are found
through the contacts linked to a customer now, so linking rewrites nothing. ``rendered``: what left, where filling in variables made it
another text (searches look at the text as it was planned). ``value``: a tag, a topic, a kind of content, a reason, the source of a scan,
an amount, a goal, a pool of codes.
``subject``: who the text is about, where that is not whom the row belongs to: what operators order, and are told, of customers; a
purchase; a code.
``states``: a delivery's history, [position, state, reason, rule, moment] each, oldest first."""
IS_OF_ANOTHER = TIMELINE.c.subject.is_not(None)
Index("timeline_subjects", TIMELINE.c.subject, sqlite_where=IS_OF_ANOTHER, postgresql_where=IS_OF_ANOTHER)
IS_EDIT = TIMELINE.c.kind == literal(Kind.EDIT.value, literal_execute=True)
"""Spelt out in the statement, so that PostgreSQL sees that the partial index fits."""
Index(
    "timeline_edits",
    TIMELINE.c.contact,
    TIMELINE.c.provider_message,
    sqlite_where=IS_EDIT,
    postgresql_where=IS_EDIT,
)

BROADCASTS = Table(
    "timeline_broadcasts",
    METADATA,
    Column("broadcast", String, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
)
"""What a broadcast says; its deliveries only refer to it."""
FILES = Table(
    "timeline_files",
    METADATA,
    Column("media", String, primary_key=True),
    Column("message", String, nullable=False, index=True),
    Column("contact", String, nullable=False, index=True),
    Column("kind", String),
    Column("content_type", String),
    Column("size", Integer),
    Column("name", Text),
    Column("reason", String),
)
"""What became of the files of messages: kept, or refused for a ``reason``. Messages find theirs by their event, deliveries by its id."""
PARTIES = parties_table("timeline_parties")
