"""Audit: who did what to the installation, its rules, its team and people's consent; and every operator's command."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, String, Table, Text, select, update

from domain.broadcasts.events import BroadcastCancelled, BroadcastConfirmed, BroadcastDrafted
from domain.contacts.events import LinkCodeIssued, LinkCodeUsed, LinkRefused
from domain.customers.events import (
    ConsentGranted,
    ConsentWithdrawn,
    CustomerForgotten,
    CustomerMerged,
    CustomerUnmerged,
)
from domain.identity import ContactId, CustomerId, Digest, EventId, OperatorId, ScheduleId, Slug
from domain.installation.events import (
    HistoryImported,
    InstallationPrepared,
    InstallationRestored,
    MarketingPaused,
    MarketingResumed,
    SendingResumed,
)
from domain.message import Event, Recorded
from domain.operators.events import (
    BindCodeIssued,
    BindingRefused,
    CommandGiven,
    CustomerExported,
    DigestTold,
    OperatorAdded,
    OperatorBound,
    OperatorRemoved,
    OperatorTokenIssued,
    OperatorTokensRevoked,
    RoleChanged,
)
from domain.rules.events import RuleAdded, RuleRemoved, WelcomeSet
from domain.schedules.events import ScheduleCreated, ScheduleEnded
from projections.projection import Projection, Row, add
from projections.schema import METADATA, Utc

AUDIT = Table(
    "audit",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Utc, nullable=False, index=True),
    Column("what", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("event", String, nullable=False),
    Column("cause", String),
    Column("operator", String, index=True),
    Column("command", String),
    Column("outcome", String),
    Column("customer", String, index=True),
    Column("contact", String),
    Column("detail", Text),
    Column("order_key", String),
)
FORGETS = Slug("forget")
ABOUT = Table(
    "audit_about",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("customer", String, primary_key=True, index=True),
)
"""Which customers an operator's command, or a digest of cards, told of."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that was done.

    ``what``: the event's slug, such as ``command-given``. ``actor``: who caused it. ``operator``: who gave the command, or whom
    it concerns. ``detail``: the command's line, a role, a topic and its source, a rule's id.
    """

    position: int
    at: datetime
    what: Slug
    actor: Slug
    event: EventId
    cause: EventId | None
    operator: OperatorId | None
    command: Slug | None
    outcome: Slug | None
    customer: CustomerId | None
    contact: ContactId | None
    detail: str | None


# --- apply ---------------------------------------------------------------------------------------------------------


def _linking(event: Event) -> dict[str, Any]:
    match event:
        case DigestTold(operator=operator, order=order):
            return {"operator": operator, "order_key": order}
        case CustomerMerged(customer=customer, into=into, basis=basis):
            return {"customer": customer, "detail": f"{into} {basis}"}
        case CustomerUnmerged(customer=customer, before=before):
            return {"customer": customer, "detail": before}
        case LinkCodeIssued(customer=customer, contact=contact):
            return {"customer": customer, "contact": contact}
        case LinkCodeUsed(contact=contact) | LinkRefused(contact=contact):
            return {"contact": contact}
        case _:
            return {}


def _details(event: Event) -> dict[str, Any]:
    match event:
        case CommandGiven(operator=operator, command=command, line=line, outcome=outcome, order=order):
            given = {"operator": operator, "command": command, "outcome": outcome.value}
            # What /forget said goes with whom it forgot, and it is recorded after that promise.
            detail = None if command == FORGETS else line.value
            return {**given, "detail": detail, "order_key": order}
        case OperatorAdded(operator=operator, role=role) | RoleChanged(operator=operator, role=role):
            return {"operator": operator, "detail": role.value}
        case (
            BindCodeIssued(operator=operator)
            | OperatorRemoved(operator=operator)
            | OperatorTokenIssued(operator=operator)
            | OperatorTokensRevoked(operator=operator)
        ):
            return {"operator": operator}
        case OperatorBound(operator=operator, contact=contact):
            return {"operator": operator, "contact": contact}
        case BindingRefused(contact=contact):
            return {"contact": contact}
        case ConsentGranted() | ConsentWithdrawn():
            return {
                "customer": event.customer,
                "contact": event.contact,
                "detail": f"{event.topic} {event.source.value}",
            }
        case RuleAdded(rule=rule) | RuleRemoved(rule=rule):
            return {"detail": rule}
        case WelcomeSet(text=text):
            return {"detail": text.value}
        case MarketingPaused(operator=operator) | MarketingResumed(operator=operator):
            return {"operator": operator}
        case BroadcastDrafted(broadcast=broadcast, operator=operator):
            return {"operator": operator, "detail": broadcast}
        case BroadcastConfirmed(broadcast=broadcast) | BroadcastCancelled(broadcast=broadcast):
            return {"detail": broadcast}
        case ScheduleCreated(schedule=schedule, operator=operator, customer=customer):
            return {"operator": operator, "customer": customer, "detail": schedule}
        case ScheduleEnded(schedule=schedule):
            return {"detail": schedule}
        case HistoryImported(events=count) | InstallationRestored(head=count):
            return {"detail": str(count)}
        case (
            CustomerExported(customer=customer, operator=operator)
            | CustomerForgotten(customer=customer, operator=operator)
        ):
            return {"operator": operator, "customer": customer}
        case _:
            return _linking(event)


def _row(recorded: Recorded) -> Row:
    return {
        "position": recorded.position,
        "at": recorded.recorded_at,
        "what": recorded.type.partition("/")[0],
        "actor": recorded.actor,
        "event": recorded.id,
        "cause": recorded.cause,
        **_details(recorded.event),
    }


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    add(connection, AUDIT, map(_row, batch))
    about = [
        {"position": recorded.position, "customer": customer}
        for recorded in batch
        if isinstance(recorded.event, CommandGiven | DigestTold)
        for customer in dict.fromkeys(recorded.event.about)
    ]
    add(connection, ABOUT, about)


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    """Who did what when stays; what it said goes."""
    connection.execute(update(AUDIT).where(AUDIT.c.order_key.in_(event.orders)).values(detail=None))


audit = Projection(
    name="audit",
    version=2,
    tables=(AUDIT, ABOUT),
    listens_to=frozenset(
        {
            CommandGiven,
            DigestTold,
            OperatorAdded,
            BindCodeIssued,
            OperatorBound,
            BindingRefused,
            RoleChanged,
            OperatorRemoved,
            OperatorTokenIssued,
            OperatorTokensRevoked,
            ConsentGranted,
            ConsentWithdrawn,
            CustomerMerged,
            CustomerUnmerged,
            LinkCodeIssued,
            LinkCodeUsed,
            LinkRefused,
            RuleAdded,
            RuleRemoved,
            WelcomeSet,
            BroadcastDrafted,
            BroadcastConfirmed,
            BroadcastCancelled,
            ScheduleCreated,
            ScheduleEnded,
            InstallationPrepared,
            MarketingPaused,
            MarketingResumed,
            HistoryImported,
            InstallationRestored,
            SendingResumed,
            CustomerExported,
            CustomerForgotten,
        }
    ),
    apply=_apply,
    forget=_forget,
)


# --- queries -------------------------------------------------------------------------------------------------------


def entries(
    connection: Connection,
    *,
    operator: OperatorId | None = None,
    customer: CustomerId | None = None,
    what: Slug | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[AuditEntry]:
    """Return what was done, newest first: by or to an operator, about a customer, of one kind; ``before`` a position, for pages."""
    statement = select(AUDIT).order_by(AUDIT.c.position.desc()).limit(limit)
    if operator is not None:
        statement = statement.where(AUDIT.c.operator == operator)
    if customer is not None:
        statement = statement.where(AUDIT.c.customer == customer)
    if what is not None:
        statement = statement.where(AUDIT.c.what == what)
    if before is not None:
        statement = statement.where(AUDIT.c.position < before)
    return [
        AuditEntry(**{name: row[name] for name in AuditEntry.__dataclass_fields__})
        for row in connection.execute(statement).mappings()
    ]


def orders_about(connection: Connection, customers: Collection[CustomerId]) -> list[Digest]:
    """Return the orders of operators that told of one of these customers."""
    told = select(ABOUT.c.position).where(ABOUT.c.customer.in_(customers))
    statement = select(AUDIT.c.order_key).where(AUDIT.c.position.in_(told), AUDIT.c.order_key.is_not(None))
    return list(connection.execute(statement.distinct().order_by(AUDIT.c.order_key)).scalars())


def schedules_for(connection: Connection, customers: Collection[CustomerId]) -> list[ScheduleId]:
    """Return the recurring messages that were ever made for one of these customers."""
    made = AUDIT.c.what == "schedule-created"
    statement = select(AUDIT.c.detail).where(made, AUDIT.c.customer.in_(customers)).order_by(AUDIT.c.position)
    return list(connection.execute(statement).scalars())
