"""Recipients: what became of each message of a campaign."""

from domain.deliveries.events import (
    Confirmation,
    DeliveryAccepted,
    DeliveryConfirmed,
    DeliveryExpired,
    DeliveryPlanned,
    DeliveryPostponed,
    DeliveryRecalled,
    DeliveryRejected,
    DeliveryStarted,
    DeliverySuppressed,
    DeliveryUnknown,
)
from domain.message import Recorded
from projections.campaigns.tables import Status
from projections.projection import Row

DeliveryMoved = (
    DeliveryStarted
    | DeliveryPostponed
    | DeliveryAccepted
    | DeliveryConfirmed
    | DeliveryRejected
    | DeliveryUnknown
    | DeliverySuppressed
    | DeliveryExpired
    | DeliveryRecalled
)
_SHOWN_BY = {
    Confirmation.READ: "read_at",
    Confirmation.CLICKED: "clicked_at",
    Confirmation.REPLIED: "replied_at",
}


def is_of_campaign(event: DeliveryPlanned) -> bool:
    """Whether a delivery belongs to a campaign or a broadcast; a campaign's trial does not count."""
    return event.broadcast is not None or (event.campaign is not None and event.run is not None)


def planned(recorded: Recorded, event: DeliveryPlanned, channel: str | None) -> Row:
    """Return the row of such a delivery."""
    campaign, run = (event.campaign, event.run) if event.broadcast is None else (event.broadcast,) * 2
    return {
        "delivery": event.delivery,
        "position": recorded.position,
        "campaign": campaign,
        "run": run,
        "contact": event.contact,
        "customer": event.customer,
        "group_id": event.group,
        "channel": channel,
        "variant": event.variant,
        "topic": event.topic,
        "status": Status.WAITING.value,
        "planned_at": recorded.occurred_at,
    }


def moved(row: Row, recorded: Recorded, event: DeliveryMoved) -> bool:
    """Note what became of it. Returns whether the windows of what may follow begin anew."""
    before = row["at"]
    match event:
        case DeliveryStarted(route=route):
            _stands(row, Status.WAITING)
            row["route"], row["at"] = route, recorded.occurred_at
        case DeliveryPostponed(reason=reason, rule=rule):
            if rule is None or row["status"] != Status.UNKNOWN:  # by a rule, an unknown one stays unknown
                _stands(row, Status.WAITING, reason, rule)
                row["at"] = None
        case DeliveryAccepted():
            _stands(row, Status.SENT)
        case DeliveryConfirmed(how=how):
            _stands(row, Status.SENT)
            row["delivered_at"] = row["delivered_at"] or recorded.occurred_at
            if how in _SHOWN_BY:
                row[_SHOWN_BY[how]] = recorded.occurred_at
        case DeliveryRejected(reason=reason, rule=rule):
            _stands(row, Status.FAILED, reason, rule)
        case DeliveryUnknown(reason=reason):
            _stands(row, Status.UNKNOWN, reason)
        case DeliverySuppressed(reason=reason, rule=rule):
            _stands(row, Status.LEFT_OUT, reason, rule)
            row["at"] = recorded.occurred_at
        case DeliveryExpired():
            _stands(row, Status.EXPIRED)
            row["at"] = recorded.occurred_at
        case DeliveryRecalled():
            row["recalled_at"] = recorded.occurred_at
    return bool(row["at"] != before)


def _stands(row: Row, status: Status, reason: str | None = None, rule: str | None = None) -> None:
    row["status"], row["reason"], row["rule"] = status.value, reason, rule
