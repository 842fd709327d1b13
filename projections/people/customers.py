"""Customers: the person behind one or more contacts, with a short number that is never reused."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Integer,
    RowMapping,
    Select,
    String,
    Table,
    and_,
    delete,
    exists,
    func,
    select,
    update,
)

from domain.customers.events import (
    MARKETING,
    ConsentGranted,
    ConsentWithdrawn,
    CustomerAbsorbed,
    CustomerCreated,
    CustomerForgotten,
    CustomerNamed,
    CustomerReleased,
    CustomerUnmerged,
    NoteAdded,
)
from domain.identity import ContactId, CustomerId, Slug, SubjectId
from domain.message import Recorded
from projections.people.contacts import CONTACTS, Contact, as_contact, key
from projections.people.identifiers import IDENTIFIERS, PHONE
from projections.people.records import MadeOf, MergedAway, consent_id, consent_ids, follow, stand
from projections.projection import Projection, Rows
from projections.schema import METADATA, Utc

CUSTOMERS = Table(
    "customers",
    METADATA,
    Column("customer", String, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("remark", String, nullable=False, default=""),
    Column("remark_key", String, nullable=False, default="", index=True),
    Column("notes", Integer, nullable=False, default=0),
    Column("created_at", Utc, nullable=False),
    Column("forgotten", Boolean, nullable=False, default=False),
    Column("merged_into", String, index=True),
)
"""A row is never removed: the number is counted from them. Of the forgotten nothing else is left in it.
``merged_into``: who answers for it now, also where that was merged in between."""
KNOWN = and_(CUSTOMERS.c.forgotten.is_(False), func.coalesce(CUSTOMERS.c.merged_into, "") == "")
"""Who answers for themselves. Not by IS NULL: SQLite would walk the index of those merged, which holds everybody."""
CONSENTS = Table(
    "customer_consents",
    METADATA,
    Column("id", String, primary_key=True),
    Column("customer", String, nullable=False, index=True),
    Column("topic", String, nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("contact", String, nullable=False),
    Column("source", String, nullable=False),
    Column("at", Utc, nullable=False),
    Column("text_version", String),
)


@dataclass(frozen=True, slots=True)
class Consent:
    """Where a customer stands on a topic, and how we know."""

    topic: Slug
    granted: bool
    contact: ContactId
    source: Slug
    at: datetime
    text_version: Slug | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """``remark``: what we call them. ``contacts``: the one who wrote last first.

    ``merged``: the records that are part of this customer, by number. ``phones``: as E.164.
    """

    id: CustomerId
    number: int
    remark: str
    notes: int
    created_at: datetime
    contacts: tuple[Contact, ...]
    consents: tuple[Consent, ...]
    merged: tuple[MergedAway, ...] = ()
    phones: tuple[str, ...] = ()

    @property
    def known_as(self) -> str:
        """What they are called: our remark, else what a channel shows, else what they said themselves; empty where nobody knows."""
        shown = (known.name for known in self.contacts)
        said = (known.own_name for known in self.contacts)
        return next(filter(None, (self.remark, *shown, *said)), "")

    @property
    def name(self) -> str:
        """What to show: what they are called, else the number."""
        return self.known_as or f"#{self.number}"

    @property
    def last_in(self) -> datetime | None:
        """When their last message was sent, over all contacts."""
        return max((known.last_in for known in self.contacts if known.last_in is not None), default=None)

    @property
    def is_staff(self) -> bool:
        """Whether this is one of us."""
        return any(known.operator is not None for known in self.contacts)


# --- apply ---------------------------------------------------------------------------------------------------------

CustomerEvent = CustomerCreated | CustomerNamed | NoteAdded | ConsentGranted | ConsentWithdrawn | MadeOf


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    events: list[tuple[Recorded, CustomerEvent]] = [
        (recorded, recorded.event) for recorded in batch if isinstance(recorded.event, CustomerEvent)
    ]
    customers_ = Rows(
        connection, CUSTOMERS, (customer for _, event in events for customer in _records(event))
    )
    stopped = {event.customer for _, event in events if _ends_all(event)}
    held = select(CONSENTS.c.id).where(CONSENTS.c.customer.in_(stopped))
    topics = connection.execute(held).scalars() if stopped else ()
    agreed = Rows(connection, CONSENTS, [*(row for _, e in events for row in _consent_ids(e)), *topics])
    number: int | None = None
    for recorded, event in events:
        match event:
            case CustomerCreated(customer=customer):
                if number is None:
                    number = connection.execute(
                        select(func.coalesce(func.max(CUSTOMERS.c.number), 0))
                    ).scalar_one()
                number += 1
                customers_.put({"customer": customer, "number": number, "created_at": recorded.occurred_at})
            case CustomerNamed(customer=customer, remark=remark):
                row = customers_[customer]
                row["remark"], row["remark_key"] = remark.value, key(remark.value)
            case NoteAdded(customer=customer):
                customers_[customer]["notes"] += 1
            case ConsentGranted() | ConsentWithdrawn():
                agreed.put(_consent(recorded, event))
                if _ends_all(event):
                    _end_topics(agreed, recorded, event)
            case CustomerAbsorbed() | CustomerReleased() | CustomerUnmerged():
                follow(customers_, event)
                stand(agreed, event, recorded.occurred_at)
    customers_.save()
    agreed.save()


def _records(event: CustomerEvent) -> Iterable[CustomerId]:
    return (part.customer for part in event.parts) if isinstance(event, MadeOf) else (event.customer,)


def _consent_ids(event: CustomerEvent) -> Iterable[str]:
    if isinstance(event, ConsentGranted | ConsentWithdrawn):
        return (consent_id(event.customer, event.topic),)
    return consent_ids(event) if isinstance(event, MadeOf) else ()


def _consent(recorded: Recorded, event: ConsentGranted | ConsentWithdrawn) -> dict[str, Any]:
    return {
        "id": consent_id(event.customer, event.topic),
        "customer": event.customer,
        "topic": event.topic,
        "granted": isinstance(event, ConsentGranted),
        "contact": event.contact,
        "source": event.source.value,
        "at": recorded.occurred_at,
        "text_version": event.text_version,
    }


def _ends_all(event: CustomerEvent) -> bool:
    return isinstance(event, ConsentWithdrawn) and event.topic == MARKETING


def _end_topics(rows: Rows, recorded: Recorded, event: ConsentGranted | ConsentWithdrawn) -> None:
    """Whoever ends everything ends what they agreed to by itself, too."""
    for row in list(rows):
        if row["customer"] == event.customer and row["granted"]:
            rows.put({**_consent(recorded, event), "id": row["id"], "topic": row["topic"]})


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    nothing = {"remark": "", "remark_key": "", "notes": 0, "forgotten": True}
    connection.execute(update(CUSTOMERS).where(CUSTOMERS.c.customer.in_(event.customers)).values(nothing))
    connection.execute(delete(CONSENTS).where(CONSENTS.c.customer.in_(event.customers)))


customers = Projection(
    name="customers",
    version=4,
    tables=(CUSTOMERS, CONSENTS),
    listens_to=frozenset(
        {
            CustomerCreated,
            CustomerNamed,
            NoteAdded,
            ConsentGranted,
            ConsentWithdrawn,
            CustomerAbsorbed,
            CustomerReleased,
            CustomerUnmerged,
            CustomerForgotten,
        }
    ),
    apply=_apply,
    forget=_forget,
)


# --- queries -------------------------------------------------------------------------------------------------------

LAST_IN_FIRST = (CONTACTS.c.last_in.desc().nulls_last(), CONTACTS.c.contact)

Among = Select[Any] | Collection[CustomerId]
"""Whom a query may return: ids, or another view's question for ids (``projections.tags.holders``), asked in the same statement."""


def customer(connection: Connection, wanted: CustomerId) -> Customer | None:
    """Return one customer, None where there is none."""
    return next(iter(customers_by_id(connection, [wanted])), None)


def customers_by_id(connection: Connection, wanted: Collection[CustomerId]) -> list[Customer]:
    """Return those of the customers that exist, by number; for one that was merged into another, that one."""
    return with_contacts(connection, answering(CUSTOMERS.c.customer.in_(wanted)))


def answering(clause: ColumnElement[bool]) -> Select[Any]:
    """Return the question for the customers who answer for the records of a clause over CUSTOMERS, by number."""
    meant = select(func.coalesce(CUSTOMERS.c.merged_into, CUSTOMERS.c.customer)).where(clause).correlate(None)
    return select(CUSTOMERS).where(CUSTOMERS.c.customer.in_(meant)).order_by(CUSTOMERS.c.number)


def listed(
    connection: Connection,
    *,
    among: Among | None = None,
    staff: bool = False,
    after: int = 0,
    limit: int = 50,
) -> list[Customer]:
    """Return customers with a number above ``after``, by number; ``among`` narrows them; those of operators only if asked for."""
    statement = select(CUSTOMERS).where(CUSTOMERS.c.number > after).order_by(CUSTOMERS.c.number).limit(limit)
    if among is not None:
        statement = statement.where(CUSTOMERS.c.customer.in_(among))
    if not staff:
        statement = statement.where(~of_staff())
    return with_contacts(connection, statement)


def count(connection: Connection, *, among: Among | None = None) -> int:
    """Return how many customers there are, without those of operators."""
    statement = select(func.count()).select_from(CUSTOMERS).where(KNOWN, ~of_staff())
    if among is not None:
        statement = statement.where(CUSTOMERS.c.customer.in_(among))
    return connection.execute(statement).scalar_one()


def subjects_of(connection: Connection, wanted: CustomerId) -> list[SubjectId]:
    """Return whose keys seal what is known of a customer: their own, those of the records merged into it, and their contacts'."""
    known = connection.execute(
        select(CONTACTS.c.contact).where(CONTACTS.c.customer == wanted).order_by(CONTACTS.c.contact)
    )
    merged = connection.execute(
        select(CUSTOMERS.c.customer).where(CUSTOMERS.c.merged_into == wanted).order_by(CUSTOMERS.c.number)
    )
    records = [wanted, *merged.scalars()]
    return [
        *(SubjectId(f"customer-{record}") for record in records),
        *(SubjectId(f"contact-{row.contact}") for row in known),
    ]


def with_contacts(connection: Connection, statement: Select[Any]) -> list[Customer]:
    """Return the customers that a statement over CUSTOMERS gives, in its order, with their contacts and consents."""
    rows = connection.execute(statement.where(KNOWN)).mappings().all()
    wanted = [row["customer"] for row in rows]
    contacts_: dict[CustomerId, list[Contact]] = {}
    by_last_in = select(CONTACTS).where(CONTACTS.c.customer.in_(wanted)).order_by(*LAST_IN_FIRST)
    for row in connection.execute(by_last_in).mappings():
        contacts_.setdefault(row["customer"], []).append(as_contact(row))
    consents: dict[CustomerId, list[Consent]] = {}
    by_topic = select(CONSENTS).where(CONSENTS.c.customer.in_(wanted)).order_by(CONSENTS.c.topic)
    for row in connection.execute(by_topic).mappings():
        consents.setdefault(row["customer"], []).append(_as_consent(row))
    merged, phones = _merged(connection, wanted), _phones(connection, wanted)
    return [
        Customer(
            id=row["customer"],
            number=row["number"],
            remark=row["remark"] or _remark(merged.get(row["customer"], ())),
            notes=row["notes"] + sum(other["notes"] for other in merged.get(row["customer"], ())),
            created_at=row["created_at"],
            contacts=tuple(contacts_.get(row["customer"], ())),
            consents=tuple(consents.get(row["customer"], ())),
            merged=tuple(
                MergedAway(other["customer"], other["number"], other["remark"])
                for other in merged.get(row["customer"], ())
            ),
            phones=tuple(dict.fromkeys(phones.get(row["customer"], ()))),
        )
        for row in rows
    ]


def _merged(connection: Connection, wanted: Sequence[CustomerId]) -> dict[CustomerId, list[RowMapping]]:
    rows = select(CUSTOMERS).where(CUSTOMERS.c.merged_into.in_(wanted)).order_by(CUSTOMERS.c.number)
    found: dict[CustomerId, list[RowMapping]] = {}
    for row in connection.execute(rows).mappings():
        found.setdefault(row["merged_into"], []).append(row)
    return found


def _remark(merged: Sequence[RowMapping]) -> str:
    """Nobody called the one that stayed anything: then what one of the others was called."""
    return next((other["remark"] for other in merged if other["remark"]), "")


def _phones(connection: Connection, wanted: Sequence[CustomerId]) -> dict[CustomerId, list[str]]:
    rows = (
        select(CONTACTS.c.customer, IDENTIFIERS.c.value)
        .join(IDENTIFIERS, IDENTIFIERS.c.contact == CONTACTS.c.contact)
        .where(CONTACTS.c.customer.in_(wanted), IDENTIFIERS.c.kind == PHONE)
        .order_by(IDENTIFIERS.c.value)
    )
    found: dict[CustomerId, list[str]] = {}
    for row in connection.execute(rows):
        found.setdefault(row.customer, []).append(row.value)
    return found


def record(connection: Connection, number: int) -> MergedAway | None:
    """Return the record of this number if it is part of another customer now, None otherwise."""
    row = connection.execute(
        select(CUSTOMERS).where(CUSTOMERS.c.number == number, CUSTOMERS.c.merged_into.is_not(None))
    ).first()
    return None if row is None else MergedAway(row.customer, row.number, row.remark)


def _as_consent(row: RowMapping) -> Consent:
    return Consent(**{name: row[name] for name in Consent.__dataclass_fields__})


def of_staff() -> Any:  # noqa: ANN401  # a clause of SQLAlchemy's
    ours = CONTACTS.alias()  # the outer question may hold contacts of its own
    return exists().where(ours.c.customer == CUSTOMERS.c.customer, ours.c.operator.is_not(None))


def newest(connection: Connection, *, among: Among | None = None, limit: int = 50) -> list[Customer]:
    """Return the customers who wrote last, newest first, without those of operators; ``among`` narrows them."""
    latest = (
        select(CONTACTS.c.customer, func.max(CONTACTS.c.last_in).label("last_in"))
        .group_by(CONTACTS.c.customer)
        .subquery()
    )
    statement = (
        select(CUSTOMERS)
        .join(latest, latest.c.customer == CUSTOMERS.c.customer)
        .where(~of_staff())
        .order_by(latest.c.last_in.desc().nulls_last(), CUSTOMERS.c.number.desc())
        .limit(limit)
    )
    if among is not None:
        statement = statement.where(CUSTOMERS.c.customer.in_(among))
    return with_contacts(connection, statement)
