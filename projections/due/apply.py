"""How the view of what is due takes in events."""

from collections.abc import Sequence

from sqlalchemy import (
    Connection,
)

from domain.broadcasts.events import BroadcastCancelled, BroadcastConfirmed, BroadcastFannedOut
from domain.deliveries.delivery import Phase
from domain.deliveries.events import (
    RESTORED,
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
from domain.message import Origin, Recorded
from domain.schedules.events import ScheduleCreated, ScheduleEnded, ScheduleFired
from projections.due.tables import BROADCASTS, DUE, PARTIES, PRIORITIES, SCHEDULES
from projections.projection import PARTY_EVENTS, Parties, Projection, Rows

_Final = DeliveryAccepted | DeliveryConfirmed | DeliveryRejected | DeliverySuppressed | DeliveryExpired
_DeliveryEvent = DeliveryPlanned | DeliveryStarted | DeliveryPostponed | DeliveryUnknown | _Final
_BroadcastEvent = BroadcastConfirmed | BroadcastFannedOut | BroadcastCancelled
_ScheduleEvent = ScheduleCreated | ScheduleEnded | ScheduleFired


def _delivery(rows: Rows, recorded: Recorded, event: _DeliveryEvent) -> None:
    match event:
        case DeliveryPlanned():
            rows.put(
                {
                    "delivery": event.delivery,
                    "position": recorded.position,
                    "priority": PRIORITIES[event.kind],
                    "phase": Phase.PLANNED.value,
                    "contact": event.contact,
                    "customer": event.customer,
                    "group_id": event.group,
                    "broadcast": event.broadcast,
                    "occasion": event.occasion,
                    "not_before": event.not_before,
                    "expires_at": event.expires_at,
                }
            )
        case DeliveryStarted(delivery=delivery, attempt=attempt, until=until):
            row = rows[delivery]
            row["phase"], row["attempt"], row["until"] = Phase.STARTED.value, attempt, until
        case DeliveryPostponed(delivery=delivery, not_before=not_before, rule=rule):
            row = rows[delivery]
            row["not_before"] = not_before
            if rule is None or row["phase"] != Phase.UNKNOWN.value:  # by a rule, an unknown one stays unknown
                row["phase"] = Phase.PLANNED.value
        case DeliveryUnknown(delivery=delivery, reason=reason):
            row = rows[delivery]
            row["phase"] = Phase.UNKNOWN.value
            if reason == RESTORED:  # no lease that ended: it is not sent again
                row["until"] = None
        case _:
            rows.discard(event.delivery)


def _broadcast(rows: Rows, event: _BroadcastEvent) -> None:
    if isinstance(event, BroadcastConfirmed):
        rows.put({"broadcast": event.broadcast, "not_before": event.not_before})
    else:
        rows.discard(event.broadcast)


def _schedule(rows: Rows, event: _ScheduleEvent) -> None:
    match event:
        case ScheduleCreated(schedule=schedule, recurrence=recurrence, zone=zone, starts_at=starts_at):
            rows.put({"schedule": schedule, "recurrence": recurrence, "zone": zone, "starts_at": starts_at})
        case ScheduleEnded(schedule=schedule):
            rows.discard(schedule)
        case ScheduleFired(schedule=schedule, day=day):
            row = rows.get(schedule)
            if row is not None:  # ended meanwhile
                row["last_day"] = max(row["last_day"] or day, day)


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    events = [recorded.event for recorded in batch]
    deliveries = Rows(
        connection, DUE, (event.delivery for event in events if isinstance(event, _DeliveryEvent))
    )
    broadcasts = Rows(connection, BROADCASTS, (e.broadcast for e in events if isinstance(e, _BroadcastEvent)))
    schedules = Rows(
        connection, SCHEDULES, (event.schedule for event in events if isinstance(event, _ScheduleEvent))
    )
    parties = Parties(connection, PARTIES, batch)
    for recorded in batch:
        event = recorded.event
        work = isinstance(event, _DeliveryEvent | _BroadcastEvent | _ScheduleEvent)
        if work and recorded.origin is Origin.IMPORT:
            continue  # imported history never causes a send
        if isinstance(event, _DeliveryEvent):
            _delivery(deliveries, recorded, event)
        elif isinstance(event, _BroadcastEvent):
            _broadcast(broadcasts, event)
        elif isinstance(event, _ScheduleEvent):
            _schedule(schedules, event)
        else:
            parties.note(event)
    for rows in (deliveries, broadcasts, schedules, parties):
        rows.save()


due = Projection(
    name="due",
    version=1,
    tables=(DUE, BROADCASTS, SCHEDULES, PARTIES),
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
            BroadcastConfirmed,
            BroadcastFannedOut,
            BroadcastCancelled,
            ScheduleCreated,
            ScheduleEnded,
            ScheduleFired,
        }
    ),
    apply=_apply,
)
