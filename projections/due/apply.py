"""How the view of what is due takes in events."""

from collections.abc import Sequence
from typing import get_args

from sqlalchemy import (
    Connection,
    update,
)

from domain.broadcasts.events import BroadcastCancelled, BroadcastConfirmed, BroadcastFannedOut
from domain.campaigns.events import CampaignCancelled, CampaignPaused, CampaignResumed
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
from domain.identity import CampaignId
from domain.message import Origin, Recorded
from domain.schedules.events import ScheduleCreated, ScheduleEnded, ScheduleFired
from projections.due.campaigns import Campaigns, Hold, Run, Stage, hold, holds_of
from projections.due.tables import (
    BROADCASTS,
    CAMPAIGNS,
    DUE,
    HELD,
    HOLDS,
    PARTIES,
    PAUSED,
    RUNS,
    SCHEDULES,
    place,
)
from projections.projection import PARTY_EVENTS, Parties, Projection, Rows, of_kind

_Final = DeliveryAccepted | DeliveryConfirmed | DeliveryRejected | DeliverySuppressed | DeliveryExpired
_DeliveryEvent = DeliveryPlanned | DeliveryStarted | DeliveryPostponed | DeliveryUnknown | _Final
_BroadcastEvent = BroadcastConfirmed | BroadcastFannedOut | BroadcastCancelled
_CampaignEvent = CampaignPaused | CampaignResumed | CampaignCancelled
_ScheduleEvent = ScheduleCreated | ScheduleEnded | ScheduleFired
_OF_DELIVERIES: frozenset[type[_DeliveryEvent]] = frozenset(get_args(_DeliveryEvent))
_OF_BROADCASTS: frozenset[type[_BroadcastEvent]] = frozenset(get_args(_BroadcastEvent))
_OF_CAMPAIGNS: frozenset[type[_CampaignEvent]] = frozenset(get_args(_CampaignEvent))
_OF_SCHEDULES: frozenset[type[_ScheduleEvent]] = frozenset(get_args(_ScheduleEvent))
_MOVING = ("delivery", "phase", "not_before", "attempt", "until")
"""What a row is known by, and what moves on."""
_Work = _DeliveryEvent | _BroadcastEvent | _ScheduleEvent | _CampaignEvent | Stage | Run


def _delivery(rows: Rows, paused: Rows, parties: Parties, recorded: Recorded, event: _DeliveryEvent) -> None:
    match event:
        case DeliveryPlanned():
            channel, account = parties.place_of(event.group or event.contact or "") or ("", "")
            held = event.campaign is not None and paused.get(event.campaign) is not None
            rows.put(
                {
                    "delivery": event.delivery,
                    "position": recorded.position,
                    "priority": place(event.kind, event.priority) + (HELD if held else 0),
                    "phase": Phase.PLANNED.value,
                    "contact": event.contact,
                    "customer": event.customer,
                    "group_id": event.group,
                    "channel": channel,
                    "account": account,
                    "broadcast": event.broadcast,
                    "campaign": event.campaign,
                    "topic": event.topic,
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


def _campaign(rows: Rows, event: _CampaignEvent) -> None:
    if isinstance(event, CampaignPaused):
        rows.put({"campaign": event.campaign})
    else:
        rows.discard(event.campaign)


def _hold(connection: Connection, paused: Rows, campaigns: set[CampaignId]) -> None:
    """Let what belongs to these campaigns stand where nobody looks, or in line again."""
    for campaign in sorted(campaigns):
        stops = paused.get(campaign) is not None
        known = (DUE.c.priority < HELD) if stops else (DUE.c.priority >= HELD)
        moved = DUE.c.priority + (HELD if stops else -HELD)
        connection.execute(update(DUE).where(DUE.c.campaign == campaign, known).values(priority=moved))


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
    planned = of_kind(batch, {DeliveryPlanned})
    moved = {event.delivery for event in of_kind(batch, _OF_DELIVERIES)}
    deliveries = Rows(connection, DUE, moved - {event.delivery for event in planned}, only=_MOVING)
    broadcasts = Rows(connection, BROADCASTS, (event.broadcast for event in of_kind(batch, _OF_BROADCASTS)))
    schedules = Rows(connection, SCHEDULES, (event.schedule for event in of_kind(batch, _OF_SCHEDULES)))
    told = {event.campaign for event in of_kind(batch, _OF_CAMPAIGNS)}
    named = {event.campaign for event in planned if event.campaign is not None}
    paused = Rows(connection, PAUSED, told | named)
    campaigns, holds = Campaigns(connection, batch), holds_of(connection, batch)
    parties = Parties(connection, PARTIES, batch, also=(e.group or e.contact or "" for e in planned))
    for recorded in batch:
        event = recorded.event
        if recorded.origin is Origin.IMPORT and isinstance(event, _Work):
            continue  # imported history never causes a send
        if isinstance(event, _DeliveryEvent):
            _delivery(deliveries, paused, parties, recorded, event)
        elif isinstance(event, _BroadcastEvent):
            _broadcast(broadcasts, event)
        elif isinstance(event, _ScheduleEvent):
            _schedule(schedules, event)
        elif isinstance(event, Hold):
            hold(holds, event)
        elif isinstance(event, _CampaignEvent | Stage | Run):
            if isinstance(event, _CampaignEvent):
                _campaign(paused, event)
            if isinstance(event, Stage | Run):
                campaigns.take(recorded, event)
        else:
            parties.note(event)
    for rows in (deliveries, broadcasts, schedules, paused, campaigns, holds, parties):
        rows.save()
    _hold(connection, paused, told)


due = Projection(
    name="due",
    version=3,
    tables=(DUE, PAUSED, BROADCASTS, SCHEDULES, CAMPAIGNS, RUNS, HOLDS, PARTIES),
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
            CampaignPaused,
            CampaignResumed,
            CampaignCancelled,
            ScheduleCreated,
            ScheduleEnded,
            ScheduleFired,
            *get_args(Stage),
            *get_args(Run),
            *get_args(Hold),
        }
    ),
    apply=_apply,
)
