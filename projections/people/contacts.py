"""Contacts: one account of somebody on one channel, as the provider shows it now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Boolean, Column, Connection, Index, RowMapping, String, Table, delete, func, select

from domain.contacts.events import (
    ContactBlocked,
    ContactBoundToOperator,
    ContactCompleted,
    ContactLinked,
    ContactProfileChanged,
    ContactReached,
    ContactSeen,
    ContactUnblocked,
    ContactUnbound,
    CustomerIntroduced,
)
from domain.conversations.events import ButtonPressed, MemberJoined, MessageEdited, MessageReceived
from domain.customers.events import CustomerForgotten
from domain.identity import Account, Channel, ContactId, CustomerId, Locale, OperatorId, Slug
from domain.message import Recorded
from domain.policies.text import folded
from projections.projection import Projection, Row, Rows
from projections.schema import METADATA, Utc

CONTACTS = Table(
    "contacts",
    METADATA,
    Column("contact", String, primary_key=True),
    Column("customer", String, index=True),
    Column("channel", String, nullable=False, default=""),
    Column("account", String, nullable=False, default=""),
    Column("external_id", String, nullable=False, default=""),
    Column("name", String, nullable=False, default=""),
    Column("name_key", String, nullable=False, default="", index=True),
    Column("username", String, nullable=False, default=""),
    Column("username_key", String, nullable=False, default="", index=True),
    Column("own_name", String, nullable=False, default=""),
    Column("own_name_key", String, nullable=False, default="", index=True),
    Column("language", String),
    Column("private", Boolean, nullable=False, default=False),
    Column("blocked", String),
    Column("operator", String),
    Column("source", String),
    Column("first_seen", Utc),
    Column("last_seen", Utc),
    Column("last_in", Utc, index=True),
    Index("contacts_by_address", "channel", "external_id"),
)
"""``own_name``: what they said they are called. ``name_key`` and the like: folded, for finding. The fact that somebody wrote lies before
``ContactSeen`` in the log, so for the rest of a batch a row may have no channel yet."""


@dataclass(frozen=True, slots=True)
class Contact:
    """``own_name``: what they said they are called. ``private``: they wrote to us alone. ``blocked``: why they cannot be reached.

    ``last_in``: when their last message was sent.
    """

    id: ContactId
    customer: CustomerId
    channel: Channel
    account: Account
    external_id: str
    name: str
    username: str
    own_name: str
    language: Locale | None
    private: bool
    blocked: Slug | None
    operator: OperatorId | None
    source: Slug | None
    first_seen: datetime
    last_seen: datetime
    last_in: datetime | None


def key(text: str) -> str:
    """Return what a name is found by: width and case do not count, nor what comes after 200 characters (an index entry is limited)."""
    return folded(text)[:200]


# --- apply ---------------------------------------------------------------------------------------------------------


_Active = MessageReceived | MessageEdited | ButtonPressed | MemberJoined
"""They say nothing of somebody but that they are there."""
_ACTIVITY = ("contact", "first_seen", "last_seen", "last_in")
_Told = (
    ContactSeen
    | ContactProfileChanged
    | ContactReached
    | ContactBlocked
    | ContactUnblocked
    | ContactBoundToOperator
    | ContactUnbound
    | ContactLinked
    | ContactCompleted
    | CustomerIntroduced
)


def _people(event: object) -> Sequence[ContactId]:
    match event:
        case MemberJoined(contacts=joined):
            return joined
        case MessageReceived() | MessageEdited() | ButtonPressed():
            return (event.contact,)
        case _:
            return (event.contact,) if isinstance(event, _Told) else ()


def _fold(row: Row, recorded: Recorded) -> None:
    match recorded.event:
        case MessageReceived():
            row["last_in"] = max(row["last_in"] or recorded.occurred_at, recorded.occurred_at)
            _active(row, recorded.occurred_at)
        case ContactSeen() as seen:
            row["customer"], row["channel"], row["account"] = seen.customer, seen.channel, seen.account
            row["external_id"] = seen.external_id.value
            row["private"], row["source"] = seen.private, seen.source
            _profile(row, seen)
            _active(row, recorded.occurred_at)
        case ContactProfileChanged() as profile:
            _profile(row, profile)
        case ContactReached():
            row["private"] = True
        case ContactBlocked(reason=reason):
            row["blocked"] = reason
        case ContactUnblocked():
            row["blocked"] = None
        case ContactBoundToOperator(operator=operator):
            row["operator"] = operator
        case ContactUnbound():
            row["operator"] = None
        case ContactLinked(customer=customer):
            row["customer"] = customer
        case ContactCompleted(language=language, source=source):
            row["language"], row["source"] = row["language"] or language, row["source"] or source
        case CustomerIntroduced(name=name):
            row["own_name"], row["own_name_key"] = name.value, key(name.value)
        case _:
            _active(row, recorded.occurred_at)


def _profile(row: Row, event: ContactSeen | ContactProfileChanged) -> None:
    row["name"], row["username"] = event.name.value, event.username.value
    row["name_key"], row["username_key"] = key(event.name.value), key(event.username.value).removeprefix("@")
    row["language"] = event.language or row["language"]


def _active(row: Row, at: datetime) -> None:
    """Late and imported messages may be older than what is known."""
    row["first_seen"] = min(row["first_seen"] or at, at)
    row["last_seen"] = max(row["last_seen"] or at, at)


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    named = [(contact, recorded) for recorded in batch for contact in _people(recorded.event)]
    told = {contact for contact, recorded in named if not isinstance(recorded.event, _Active)}
    changed = Rows(connection, CONTACTS, told)
    active = {contact for contact, _ in named} - told
    seen = Rows(connection, CONTACTS, active, only=_ACTIVITY)
    for contact, recorded in named:
        _fold((changed if contact in told else seen).open(contact), recorded)
    changed.save()
    seen.save()


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    connection.execute(delete(CONTACTS).where(CONTACTS.c.contact.in_(event.contacts)))


contacts = Projection(
    name="contacts",
    version=3,
    tables=(CONTACTS,),
    listens_to=frozenset(
        {
            ContactSeen,
            ContactProfileChanged,
            ContactReached,
            ContactBlocked,
            ContactUnblocked,
            ContactBoundToOperator,
            ContactUnbound,
            ContactLinked,
            ContactCompleted,
            CustomerIntroduced,
            MessageReceived,
            MessageEdited,
            ButtonPressed,
            MemberJoined,
            CustomerForgotten,
        }
    ),
    apply=_apply,
    forget=_forget,
)


# --- queries -------------------------------------------------------------------------------------------------------


def as_contact(row: RowMapping) -> Contact:
    """Return a row of CONTACTS as the record that queries give."""
    return Contact(
        id=row["contact"],
        **{name: row[name] for name in Contact.__dataclass_fields__ if name != "id"},
    )


def contact(connection: Connection, wanted: ContactId) -> Contact | None:
    """Return one contact, None where nobody is known by this id."""
    return next(iter(contacts_by_id(connection, [wanted]).values()), None)


def contacts_by_id(connection: Connection, wanted: Collection[ContactId]) -> dict[ContactId, Contact]:
    """Return those of the contacts that are known."""
    rows = connection.execute(
        select(CONTACTS).where(CONTACTS.c.contact.in_(wanted), CONTACTS.c.customer.is_not(None))
    )
    return {row["contact"]: as_contact(row) for row in rows.mappings()}


def contacts_of(connection: Connection, customer: CustomerId) -> list[Contact]:
    """Return a customer's contacts, the one who wrote last first."""
    rows = connection.execute(
        select(CONTACTS)
        .where(CONTACTS.c.customer == customer)
        .order_by(CONTACTS.c.last_in.desc().nulls_last(), CONTACTS.c.contact)
    )
    return [as_contact(row) for row in rows.mappings()]


def contact_at(
    connection: Connection, channel: Channel, account: Account, external_id: str
) -> Contact | None:
    """Return the contact at a provider's address, None where nobody is known there."""
    rows = connection.execute(
        select(CONTACTS).where(
            CONTACTS.c.channel == channel,
            CONTACTS.c.external_id == external_id,
            CONTACTS.c.account == account,
        )
    )
    row = rows.mappings().first()
    return None if row is None else as_contact(row)


def last_heard(connection: Connection, wanted: ContactId) -> datetime | None:
    """Return when this contact's last message was sent; None if they never wrote."""
    return connection.execute(select(CONTACTS.c.last_in).where(CONTACTS.c.contact == wanted)).scalar()


def sources(connection: Connection, limit: int) -> list[tuple[Slug, int]]:
    """Return the codes by which most people came, with how many contacts did, most first."""
    many = func.count().label("many")
    came = select(CONTACTS.c.source, many).where(CONTACTS.c.source.is_not(None)).group_by(CONTACTS.c.source)
    rows = connection.execute(came.order_by(many.desc(), CONTACTS.c.source).limit(limit))
    return [(row.source, row.many) for row in rows]


def anybody_wrote(connection: Connection, channel: Channel, account: Account) -> bool:
    """Return whether anybody ever wrote over an account."""
    wrote = select(CONTACTS.c.contact).where(
        CONTACTS.c.channel == channel, CONTACTS.c.account == account, CONTACTS.c.last_in.is_not(None)
    )
    return connection.execute(wrote.limit(1)).first() is not None
