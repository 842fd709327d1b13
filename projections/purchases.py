"""Purchases: what each customer ordered, paid and got back, and when they ordered last."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    String,
    Table,
    Text,
    func,
    or_,
    select,
    update,
)

from domain.customers.events import CustomerForgotten
from domain.identity import ContactId, Currency, CustomerId, PurchaseId, Slug
from domain.message import Recorded
from domain.purchases.events import (
    OrderCorrected,
    OrderMatched,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
)
from projections.projection import PARTY_EVENTS, RECORD_EVENTS, Parties, Projection, Row, Rows
from projections.schema import METADATA, Utc, parties_table

PURCHASES = Table(
    "purchases",
    METADATA,
    Column("purchase", String, primary_key=True),
    Column("position", BigInteger, nullable=False, unique=True),
    Column("number", Text, nullable=False, default=""),
    Column("items", JSON(none_as_null=True)),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("paid", BigInteger),
    Column("refunded", BigInteger, nullable=False, default=0),
    Column("ordered_at", Utc, nullable=False, index=True),
    Column("paid_at", Utc),
    Column("refunded_at", Utc),
    Column("source", String, nullable=False),
    Column("matched_by", String),
    Column("contact", String, index=True),
    Column("customer", String, index=True),
    Column("forgotten", Boolean, nullable=False, default=False),
)
"""``contact`` or ``customer``: as the event of the match names them; whose it is now is found through the parties, so a merge rewrites
nothing. Amounts are in the currency's smallest unit. Of a forgotten order a row stays, for what the shop may still tell of it."""
PARTIES = parties_table("purchase_parties")

OrderEvent = OrderPlaced | OrderCorrected | OrderPaid | OrderRefunded | OrderMatched


@dataclass(frozen=True, slots=True)
class Purchase:
    """``customer``: who answers for it now, None while nobody is known. ``paid``: None until it was. ``cursor``: for the next page."""

    id: PurchaseId
    cursor: int
    number: str
    items: list[Any] | None
    amount: int
    currency: Currency
    paid: int | None
    refunded: int
    ordered_at: datetime
    paid_at: datetime | None
    refunded_at: datetime | None
    source: Slug
    matched_by: Slug | None
    contact: ContactId | None
    customer: CustomerId | None


@dataclass(frozen=True, slots=True)
class Totals:
    """What somebody ordered in one currency. ``paid``: less what was given back."""

    currency: Currency
    orders: int
    ordered: int
    paid: int
    last_at: datetime


# --- apply ---------------------------------------------------------------------------------------------------------


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    named = (recorded.event.purchase for recorded in batch if isinstance(recorded.event, OrderEvent))
    rows = Rows(connection, PURCHASES, named)
    parties = Parties(connection, PARTIES, batch)
    for recorded in batch:
        match recorded.event:
            case OrderPlaced() as placed:
                rows.put(_placed(recorded, placed))
            case OrderCorrected() | OrderPaid() | OrderRefunded() | OrderMatched() as event:
                _told(rows[event.purchase], event)
            case event:
                parties.note(event)
    rows.save()
    parties.save()


def _placed(recorded: Recorded, event: OrderPlaced) -> Row:
    return {
        "purchase": event.purchase,
        "position": recorded.position,
        "number": event.number.value,
        "items": None if event.items is None else event.items.value,
        "amount": event.amount,
        "currency": event.currency,
        "ordered_at": event.at,
        "source": event.source,
    }


def _told(row: Row, event: OrderCorrected | OrderPaid | OrderRefunded | OrderMatched) -> None:
    if row["forgotten"]:
        return
    match event:
        case OrderCorrected(amount=amount):
            row["amount"] = amount
        case OrderPaid(amount=amount, at=at):
            row["paid"], row["paid_at"] = amount, at
        case OrderRefunded(amount=amount, at=at):
            row["refunded"] += amount
            row["refunded_at"] = at
        case OrderMatched(by=by, customer=customer, contact=contact):
            row["matched_by"], row["customer"], row["contact"] = by, customer, contact


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    theirs = or_(PURCHASES.c.contact.in_(event.contacts), PURCHASES.c.customer.in_(event.customers))
    nothing = {
        "number": "",
        "items": None,
        "amount": 0,
        "paid": None,
        "refunded": 0,
        "contact": None,
        "customer": None,
        "forgotten": True,
    }
    connection.execute(update(PURCHASES).where(theirs).values(nothing))
    gone = PARTIES.c.party.in_([*event.contacts, *event.customers])
    connection.execute(PARTIES.delete().where(gone))


purchases = Projection(
    name="purchases",
    version=1,
    tables=(PURCHASES, PARTIES),
    listens_to=frozenset(
        {
            *PARTY_EVENTS,
            *RECORD_EVENTS,
            OrderPlaced,
            OrderCorrected,
            OrderPaid,
            OrderRefunded,
            OrderMatched,
            CustomerForgotten,
        }
    ),
    apply=_apply,
    forget=_forget,
)


# --- queries -------------------------------------------------------------------------------------------------------

_WRITER, _RECORD = PARTIES.alias("purchase_writer"), PARTIES.alias("purchase_record")
OWNER: ColumnElement[Any] = func.coalesce(_WRITER.c.customer, _RECORD.c.customer, PURCHASES.c.customer)
"""Who answers for it now: whose contact it is, or into whom the customer who is named was merged."""


def _owned(*columns: Any) -> Select[Any]:  # noqa: ANN401  # columns of SQLAlchemy's
    return (
        select(*columns)
        .select_from(PURCHASES)
        .outerjoin(_WRITER, _WRITER.c.party == PURCHASES.c.contact)
        .outerjoin(_RECORD, _RECORD.c.party == PURCHASES.c.customer)
        .where(PURCHASES.c.forgotten.is_(False))
    )


def _theirs(wanted: Collection[CustomerId]) -> ColumnElement[bool]:
    """Their orders, along the indexes of the two columns that name somebody."""
    parties = select(PARTIES.c.party).where(PARTIES.c.customer.in_(wanted))
    return or_(
        PURCHASES.c.contact.in_(parties), PURCHASES.c.customer.in_(parties), PURCHASES.c.customer.in_(wanted)
    ) & OWNER.in_(wanted)


def purchase(connection: Connection, wanted: PurchaseId) -> Purchase | None:
    """Return one order, None where nobody told of it or its buyer was forgotten."""
    return next(_read(connection, _rows().where(PURCHASES.c.purchase == wanted)), None)


def of_customer(
    connection: Connection, customer: CustomerId, *, before: int | None = None, limit: int = 50
) -> list[Purchase]:
    """Return a customer's orders, what was told of last first; ``before``: the cursor of the last one of the page before."""
    statement = _rows().where(_theirs([customer])).order_by(PURCHASES.c.position.desc()).limit(limit)
    if before is not None:
        statement = statement.where(PURCHASES.c.position < before)
    return list(_read(connection, statement))


def listed(
    connection: Connection, *, unmatched: bool = False, after: int = 0, limit: int = 50
) -> list[Purchase]:
    """Return orders in the order in which they were told; ``unmatched``: only those that are nobody's; ``after``: a cursor."""
    statement = _rows().where(PURCHASES.c.position > after).order_by(PURCHASES.c.position).limit(limit)
    if unmatched:
        statement = statement.where(PURCHASES.c.matched_by.is_(None))
    return list(_read(connection, statement))


def totals(connection: Connection, customer: CustomerId) -> list[Totals]:
    """Return what a customer ordered in all, by currency."""
    paid = func.coalesce(PURCHASES.c.paid, 0) - PURCHASES.c.refunded
    columns = (
        PURCHASES.c.currency,
        func.count().label("orders"),
        func.sum(PURCHASES.c.amount).label("ordered"),
        func.sum(paid).label("paid"),
        func.max(PURCHASES.c.ordered_at).label("last_at"),
    )
    statement = _owned(*columns).where(_theirs([customer])).group_by(PURCHASES.c.currency)
    rows = connection.execute(statement.order_by(PURCHASES.c.currency))
    return [Totals(r.currency, r.orders, int(r.ordered), int(r.paid), r.last_at) for r in rows]


def last_ordered(connection: Connection, wanted: Collection[CustomerId]) -> dict[CustomerId, datetime]:
    """Return when each of these customers ordered last; those who never did are missing."""
    latest = func.max(PURCHASES.c.ordered_at).label("latest")
    statement = _owned(OWNER.label("owner"), latest).where(_theirs(wanted)).group_by(OWNER)
    return {row.owner: row.latest for row in connection.execute(statement)}


def ordered_last(since: datetime | None = None, until: datetime | None = None) -> Select[Any]:
    """Return the question for the customers whose last order is of then: from ``since``, before ``until``."""
    latest = func.max(PURCHASES.c.ordered_at)
    statement = _owned(OWNER).where(OWNER.is_not(None)).group_by(OWNER)
    if since is not None:
        statement = statement.having(latest >= since)
    if until is not None:
        statement = statement.having(latest < until)
    return statement


def anybody_ordered(connection: Connection) -> bool:
    """Return whether any order is known at all."""
    return connection.execute(select(PURCHASES.c.purchase).limit(1)).first() is not None


def _rows() -> Select[Any]:
    return _owned(*(column for column in PURCHASES.c if column.name != "customer"), OWNER.label("owner"))


def _read(connection: Connection, statement: Select[Any]) -> Iterator[Purchase]:
    return map(_purchase, connection.execute(statement).mappings())


def _purchase(row: RowMapping) -> Purchase:
    same = (name for name in Purchase.__dataclass_fields__ if name not in {"id", "cursor", "customer"})
    return Purchase(
        id=row["purchase"],
        cursor=row["position"],
        customer=row["owner"],
        **{name: row[name] for name in same},
    )
