"""Suggestions: which two customers may be one person. Never by name alone; whom somebody told apart is not suggested again."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Index, String, Table, and_, delete, exists, or_, select

from domain.contacts.events import ContactIdentified, ContactProfileChanged, ContactSeen
from domain.customers.events import CustomerForgotten, CustomerUnmerged
from domain.identity import ContactId, CustomerId, Slug
from domain.message import Recorded
from domain.policies.text import folded
from projections.projection import PARTY_EVENTS, Parties, Projection, Rows
from projections.schema import METADATA, Utc, parties_table

USERNAME = Slug("username")
LONGEST_KEY = 200

SIGNS = Table(
    "suggestion_signs",
    METADATA,
    Column("id", String, primary_key=True),
    Column("contact", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("sign", String, nullable=False),
    Column("at", Utc, nullable=False),
    Index("suggestion_signs_alike", "kind", "sign"),
)
"""What two contacts may have in common: a phone number or unionid, by its digest, or the user name."""
APART = Table(
    "suggestions_apart",
    METADATA,
    Column("id", String, primary_key=True),
    Column("one", String, nullable=False),
    Column("other", String, nullable=False),
)
"""Who was un-merged: in both orders."""
PARTIES = parties_table("suggestion_parties")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Two customers who may be one, the older first. ``kind``: what their contacts have in common: phone, unionid, username."""

    kind: Slug
    customers: tuple[CustomerId, CustomerId]
    contacts: tuple[ContactId, ContactId]


_Sign = ContactSeen | ContactProfileChanged | ContactIdentified


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    parties = Parties(connection, PARTIES, batch)
    found = [(recorded, recorded.event) for recorded in batch if isinstance(recorded.event, _Sign)]
    signs = Rows(connection, SIGNS, (_id(event) for _, event in found))
    pairs = [
        pair
        for recorded in batch
        if isinstance(recorded.event, CustomerUnmerged)
        for pair in (
            (recorded.event.customer, recorded.event.before),
            (recorded.event.before, recorded.event.customer),
        )
    ]
    apart = Rows(connection, APART, (f"{one}:{other}" for one, other in pairs))
    for recorded in batch:
        parties.note(recorded.event)
    for recorded, event in found:
        _note(signs, recorded, event)
    for one, other in pairs:
        apart.put({"id": f"{one}:{other}", "one": one, "other": other})
    for rows in (signs, apart, parties):
        rows.save()


def _id(event: _Sign) -> str:
    sign = event.digest if isinstance(event, ContactIdentified) else USERNAME
    return f"{event.contact}:{sign}"


def _note(signs: Rows, recorded: Recorded, event: _Sign) -> None:
    row = {"id": _id(event), "contact": event.contact, "at": recorded.occurred_at}
    if isinstance(event, ContactIdentified):
        signs.put({**row, "kind": event.kind, "sign": event.digest})
        return
    name = folded(event.username.value).removeprefix("@")[:LONGEST_KEY]
    if name:
        signs.put({**row, "kind": USERNAME, "sign": name})
    else:
        signs.discard(_id(event))


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    connection.execute(delete(SIGNS).where(SIGNS.c.contact.in_(event.contacts)))
    connection.execute(delete(PARTIES).where(PARTIES.c.party.in_(event.contacts)))
    gone = or_(APART.c.one.in_(event.customers), APART.c.other.in_(event.customers))
    connection.execute(delete(APART).where(gone))


suggestions = Projection(
    name="suggestions",
    version=1,
    tables=(SIGNS, APART, PARTIES),
    listens_to=frozenset(
        {*PARTY_EVENTS, ContactProfileChanged, ContactIdentified, CustomerUnmerged, CustomerForgotten}
    ),
    apply=_apply,
    forget=_forget,
)


def suggested(connection: Connection, limit: int = 10) -> list[Suggestion]:
    """Return who may be one person, the newest sign first; each two once, operators left out."""
    mine, theirs = SIGNS.alias("mine"), SIGNS.alias("theirs")
    me, them = PARTIES.alias("me"), PARTIES.alias("them")
    elsewhere = or_(mine.c.kind != USERNAME, me.c.channel != them.c.channel)
    told_apart = exists().where(APART.c.one == me.c.customer, APART.c.other == them.c.customer)
    alike = and_(theirs.c.kind == mine.c.kind, theirs.c.sign == mine.c.sign)
    statement = (
        select(
            mine.c.kind,
            me.c.customer.label("one"),
            them.c.customer.label("other"),
            mine.c.contact.label("seen"),
            theirs.c.contact.label("also"),
        )
        .join(theirs, alike)
        .join(me, me.c.party == mine.c.contact)
        .join(them, them.c.party == theirs.c.contact)
        .where(
            me.c.customer < them.c.customer,
            me.c.operator.is_(None),
            them.c.operator.is_(None),
            elsewhere,
            ~told_apart,
        )
        .order_by(theirs.c.at.desc(), mine.c.at.desc(), mine.c.contact, theirs.c.contact, mine.c.kind)
        .limit(limit)
    )
    found: dict[tuple[CustomerId, CustomerId], Suggestion] = {}
    for row in connection.execute(statement):
        both = (row.one, row.other)
        found.setdefault(both, Suggestion(row.kind, both, (row.seen, row.also)))
    return list(found.values())
