"""How the view of deliveries takes in events."""

from collections.abc import Sequence
from typing import get_args

from sqlalchemy import Connection, delete, or_, update

from domain.broadcasts.broadcast import Stage
from domain.broadcasts.events import (
    BroadcastCancelled,
    BroadcastConfirmed,
    BroadcastDrafted,
    BroadcastFannedOut,
)
from domain.customers.events import CustomerForgotten
from domain.deliveries.delivery import Phase
from domain.deliveries.events import (
    DeliveryAccepted,
    DeliveryConfirmed,
    DeliveryExpired,
    DeliveryPlanned,
    DeliveryPostponed,
    DeliveryRejected,
    DeliveryStarted,
    DeliverySuppressed,
    DeliveryUnknown,
)
from domain.message import Recorded
from projections.deliveries.tables import BROADCASTS, DELIVERIES, PARTIES
from projections.projection import PARTY_EVENTS, Parties, Projection, Row, Rows, of_kind

DeliveryMoved = (
    DeliveryStarted
    | DeliveryPostponed
    | DeliveryAccepted
    | DeliveryConfirmed
    | DeliveryRejected
    | DeliveryUnknown
    | DeliverySuppressed
    | DeliveryExpired
)
BroadcastMoved = BroadcastConfirmed | BroadcastFannedOut | BroadcastCancelled
_MOVING = (
    *("delivery", "phase", "reason", "rule", "rendered", "attempts", "provider_message"),
    *("not_before", "started_at", "ended_at"),
)
"""What a row is known by, and what moves on."""
_MOVED: frozenset[type[DeliveryMoved]] = frozenset(get_args(DeliveryMoved))
_OF_BROADCASTS: frozenset[type[BroadcastDrafted | BroadcastMoved]] = frozenset(
    {BroadcastDrafted, *get_args(BroadcastMoved)}
)


def _planned(recorded: Recorded, event: DeliveryPlanned) -> Row:
    return {
        "delivery": event.delivery,
        "phase": Phase.PLANNED.value,
        "kind": event.kind.value,
        "occasion": event.occasion,
        "subject": event.subject,
        "contact": event.contact,
        "customer": event.customer,
        "group_id": event.group,
        "text": None if event.text is None else event.text.value,
        "broadcast": event.broadcast,
        "campaign": event.campaign,
        "run": event.run,
        "operator": event.operator,
        "automatic": event.automatic,
        "planned_at": recorded.occurred_at,
        "not_before": event.not_before,
        "expires_at": event.expires_at,
    }


def _moved(row: Row, recorded: Recorded, event: DeliveryMoved) -> None:
    row["reason"] = row["rule"] = None
    row["ended_at"] = recorded.occurred_at
    match event:
        case DeliveryStarted(attempt=attempt, rendered=rendered):
            row["phase"], row["attempts"] = Phase.STARTED.value, attempt
            row["rendered"] = None if rendered is None else rendered.value
            row["started_at"], row["ended_at"] = recorded.occurred_at, None
        case DeliveryPostponed(not_before=not_before, reason=reason, rule=rule):
            row["reason"], row["rule"] = reason, rule
            row["not_before"], row["ended_at"] = not_before, None
            if rule is None or row["phase"] != Phase.UNKNOWN.value:  # by a rule, an unknown one stays unknown
                row["phase"] = Phase.PLANNED.value
        case DeliveryAccepted(provider_message=message):
            row["phase"], row["provider_message"] = Phase.ACCEPTED.value, message
        case DeliveryConfirmed(how=how):
            row["phase"], row["reason"] = Phase.CONFIRMED.value, how.value
        case DeliveryRejected(reason=reason):
            row["phase"], row["reason"] = Phase.REJECTED.value, reason
        case DeliveryUnknown(reason=reason):
            row["phase"], row["reason"] = Phase.UNKNOWN.value, reason
        case DeliverySuppressed(reason=reason, rule=rule):
            row["phase"], row["reason"], row["rule"] = Phase.SUPPRESSED.value, reason, rule
        case DeliveryExpired():
            row["phase"] = Phase.EXPIRED.value


def _drafted(recorded: Recorded, event: BroadcastDrafted) -> Row:
    return {
        "broadcast": event.broadcast,
        "stage": Stage.DRAFT.value,
        "audience": event.audience.value,
        "tag": event.tag,
        "group_id": event.group,
        "text": event.text.value,
        "not_before": event.not_before,
        "recurrence": event.recurrence,
        "operator": event.operator,
        "schedule": event.schedule,
        "drafted_at": recorded.occurred_at,
    }


def _staged(row: Row, event: BroadcastMoved) -> None:
    match event:
        case BroadcastConfirmed(not_before=not_before):
            row["stage"], row["not_before"] = Stage.CONFIRMED.value, not_before
        case BroadcastFannedOut(planned=planned):
            row["stage"], row["planned"] = Stage.FANNED_OUT.value, planned
        case BroadcastCancelled():
            row["stage"] = Stage.CANCELLED.value


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    new = {event.delivery for event in of_kind(batch, {DeliveryPlanned})}
    moved = {event.delivery for event in of_kind(batch, _MOVED)}
    rows = Rows(connection, DELIVERIES, moved - new, only=_MOVING)
    broadcasts = Rows(
        connection,
        BROADCASTS,
        (event.broadcast for event in of_kind(batch, _OF_BROADCASTS)),
    )
    parties = Parties(connection, PARTIES, batch)
    for recorded in batch:
        match recorded.event:
            case DeliveryPlanned() as planned:
                rows.put(_planned(recorded, planned))
            case BroadcastDrafted() as drafted:
                broadcasts.put(_drafted(recorded, drafted))
            case event if isinstance(event, DeliveryMoved):
                _moved(rows[event.delivery], recorded, event)
            case event if isinstance(event, BroadcastMoved):
                _staged(broadcasts[event.broadcast], event)
            case event:
                parties.note(event)
    rows.save()
    broadcasts.save()
    parties.save()


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    """A row stays without its text: it is counted, and may still have an outcome to come."""
    about = or_(
        DELIVERIES.c.contact.in_(event.contacts),
        DELIVERIES.c.customer.in_(event.customers),
        DELIVERIES.c.subject.in_(event.subjects),
    )
    connection.execute(update(DELIVERIES).where(about).values(text=None, rendered=None))
    connection.execute(delete(PARTIES).where(PARTIES.c.party.in_([*event.contacts, *event.customers])))


deliveries = Projection(
    name="deliveries",
    version=5,
    tables=(DELIVERIES, BROADCASTS, PARTIES),
    listens_to=frozenset(
        {
            *PARTY_EVENTS,
            DeliveryPlanned,
            DeliveryStarted,
            DeliveryPostponed,
            DeliveryAccepted,
            DeliveryConfirmed,
            DeliveryRejected,
            DeliveryUnknown,
            DeliverySuppressed,
            DeliveryExpired,
            BroadcastDrafted,
            BroadcastConfirmed,
            BroadcastFannedOut,
            BroadcastCancelled,
            CustomerForgotten,
        }
    ),
    apply=_apply,
    forget=_forget,
)
