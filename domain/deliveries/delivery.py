"""The delivery's state machine (shared/design/delivery.md, "Going out").

Planned ─> Started ─> Accepted ─> Confirmed
│          ├─────> Rejected, or back to Planned where provably not sent
│          └─────> Unknown ──> Accepted or Rejected later; reply and service: Started again
└─> Suppressed, Expired
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from domain.decider import Decider, Streams
from domain.deliveries.commands import (
    AcceptDelivery,
    CancelDelivery,
    ConfirmDelivery,
    LoseTrackOfDelivery,
    PlanDelivery,
    RejectDelivery,
    ResolveDelivery,
    ReturnDelivery,
)
from domain.deliveries.events import (
    EVENTS,
    RESTORED,
    Confirmation,
    DeliveryAccepted,
    DeliveryClass,
    DeliveryConfirmed,
    DeliveryExpired,
    DeliveryPlanned,
    DeliveryPostponed,
    DeliveryRejected,
    DeliveryStarted,
    DeliverySuppressed,
    DeliveryUnknown,
)
from domain.errors import Rejected, UnknownRecipient
from domain.identity import (
    MARKETING_TOPIC,
    USUAL_PRIORITY,
    BroadcastId,
    CampaignId,
    ContactId,
    CustomerId,
    GroupId,
    RunId,
    Slug,
    SubjectId,
)
from domain.message import Context, Event

PLANNED_FIELDS = tuple(field.name for field in fields(DeliveryPlanned))
MAX_ATTEMPTS = 3
"""Reply and service are tried so often, within their 24 hours."""
RESEND_AFTER_LEASE = timedelta(seconds=30)
"""An Unknown one is sent again only when its lease ended this long ago: a frozen worker must not wake up into the second send."""

DeliveryCommand = (
    PlanDelivery
    | AcceptDelivery
    | ReturnDelivery
    | RejectDelivery
    | LoseTrackOfDelivery
    | ConfirmDelivery
    | ResolveDelivery
    | CancelDelivery
)
DeliveryEvent = (
    DeliveryPlanned
    | DeliveryStarted
    | DeliveryPostponed
    | DeliveryAccepted
    | DeliveryConfirmed
    | DeliveryRejected
    | DeliveryUnknown
    | DeliverySuppressed
    | DeliveryExpired
)


class Phase(StrEnum):
    """Where a delivery stands."""

    NONE = "none"
    PLANNED = "planned"
    STARTED = "started"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """``attempt`` counts the starts; ``until`` is the end of the last lease. ``confirmed``: what showed that it arrived, each once."""

    phase: Phase = Phase.NONE
    kind: DeliveryClass = DeliveryClass.SERVICE
    contact: ContactId | None = None
    customer: CustomerId | None = None
    group: GroupId | None = None
    broadcast: BroadcastId | None = None
    campaign: CampaignId | None = None
    run: RunId | None = None
    variant: Slug | None = None
    topic: Slug = MARKETING_TOPIC
    priority: int = USUAL_PRIORITY
    reactivation: bool = False
    occasion: Slug = Slug("")
    not_before: datetime | None = None
    expires_at: datetime | None = None
    automatic: bool = False
    even_at_night: bool = False
    attempt: int = 0
    until: datetime | None = None
    by_operator: bool = False
    confirmed: frozenset[Confirmation] = frozenset()
    subject: SubjectId = SubjectId("")

    def may_start(self, now: datetime) -> bool:
        """Whether an attempt may begin now, as far as the delivery itself goes."""
        if self.not_before is None or now < self.not_before:
            return False
        if self.phase is Phase.PLANNED:
            return True
        resendable = self.phase is Phase.UNKNOWN and self.kind is not DeliveryClass.MARKETING
        return (
            resendable
            and self.attempt < MAX_ATTEMPTS
            and (self.expires_at is None or now < self.expires_at)
            and self.until is not None
            and now >= self.until + RESEND_AFTER_LEASE
        )

    def may_have_gone(self, now: datetime) -> bool:
        """Whether it may have been sent by now, or be sent again, unnoticed by this log."""
        if self.not_before is None or now < self.not_before:
            return False
        resendable = self.phase is Phase.UNKNOWN and self.kind is not DeliveryClass.MARKETING
        return self.phase in {Phase.PLANNED, Phase.STARTED} or (resendable and self.until is not None)


def _plan(state: DeliveryState, command: PlanDelivery) -> Sequence[Event]:
    if state.phase is not Phase.NONE:
        return ()
    return (DeliveryPlanned(**{field: getattr(command, field) for field in PLANNED_FIELDS}),)


def _return(state: DeliveryState, command: ReturnDelivery) -> Sequence[Event]:
    if state.expires_at is not None and command.not_before >= state.expires_at:
        return (DeliveryExpired(delivery=command.delivery),)
    return (
        DeliveryPostponed(delivery=command.delivery, not_before=command.not_before, reason=command.reason),
    )


def _outcome(
    state: DeliveryState, command: AcceptDelivery | ReturnDelivery | RejectDelivery | LoseTrackOfDelivery
) -> Sequence[Event]:
    """Decide the outcome of an attempt. A late one still counts while the delivery is open or Unknown."""
    if command.attempt != state.attempt or state.phase not in {Phase.STARTED, Phase.UNKNOWN}:
        late_yes = isinstance(command, AcceptDelivery) and state.phase is Phase.UNKNOWN
        if not late_yes:
            return ()
    match command:
        case AcceptDelivery(delivery=delivery, provider_message=message):
            return (DeliveryAccepted(delivery=delivery, provider_message=message),)
        case ReturnDelivery():
            return _return(state, command)
        case RejectDelivery(delivery=delivery, reason=reason, unreachable=unreachable):
            return (DeliveryRejected(delivery=delivery, reason=reason, unreachable=unreachable),)
        case LoseTrackOfDelivery(delivery=delivery, reason=reason):
            return (
                (DeliveryUnknown(delivery=delivery, reason=reason),) if state.phase is Phase.STARTED else ()
            )
        case _:
            assert_never(command)


def _resolve(state: DeliveryState, command: ResolveDelivery) -> Sequence[Event]:
    if state.phase is not Phase.UNKNOWN:
        raise Rejected("this delivery is {phase}: only an unknown one can be resolved", phase=state.phase)
    if command.sent:
        return (DeliveryAccepted(delivery=command.delivery),)
    return (DeliveryRejected(delivery=command.delivery, reason=Slug("resolved-not-sent")),)


def decide(state: DeliveryState, command: DeliveryCommand, _context: Context) -> Sequence[Event]:
    """Decide what a command means for this delivery."""
    if isinstance(command, PlanDelivery):
        return _plan(state, command)
    if state.phase is Phase.NONE:
        raise UnknownRecipient("no such delivery")
    match command:
        case AcceptDelivery() | ReturnDelivery() | RejectDelivery() | LoseTrackOfDelivery():
            return _outcome(state, command)
        case ConfirmDelivery(delivery=delivery, how=how):
            left_us = state.phase in {Phase.STARTED, Phase.UNKNOWN, Phase.ACCEPTED, Phase.CONFIRMED}
            new = left_us and how not in state.confirmed
            return (DeliveryConfirmed(delivery=delivery, how=how),) if new else ()
        case ResolveDelivery():
            return _resolve(state, command)
        case CancelDelivery(delivery=delivery, reason=reason, rule=rule):
            planned = state.phase is Phase.PLANNED
            return (DeliverySuppressed(delivery=delivery, reason=reason, rule=rule),) if planned else ()
        case _:
            assert_never(command)


def evolve(state: DeliveryState, event: DeliveryEvent) -> DeliveryState:
    """Fold one event into the state."""
    match event:
        case DeliveryPlanned():
            return DeliveryState(
                phase=Phase.PLANNED,
                kind=event.kind,
                contact=event.contact,
                customer=event.customer,
                group=event.group,
                broadcast=event.broadcast,
                campaign=event.campaign,
                run=event.run,
                variant=event.variant,
                topic=event.topic,
                priority=event.priority,
                reactivation=event.reactivation,
                occasion=event.occasion,
                not_before=event.not_before,
                expires_at=event.expires_at,
                automatic=event.automatic,
                even_at_night=event.even_at_night,
                by_operator=event.operator is not None,
                subject=event.subject,
            )
        case DeliveryStarted():
            return replace(state, phase=Phase.STARTED, attempt=event.attempt, until=event.until)
        case DeliveryPostponed():
            # By a rule: an Unknown one may still have arrived. Without: an attempt is known to have sent nothing.
            waits = event.rule is not None and state.phase is Phase.UNKNOWN
            phase = Phase.UNKNOWN if waits else Phase.PLANNED
            return replace(state, phase=phase, not_before=event.not_before)
        case DeliveryAccepted():
            return replace(state, phase=Phase.ACCEPTED)
        case DeliveryConfirmed(how=how):
            return replace(state, phase=Phase.CONFIRMED, confirmed=state.confirmed | {how})
        case DeliveryRejected():
            return replace(state, phase=Phase.REJECTED)
        case DeliveryUnknown(reason=reason):
            # Without a lease that ended it is not sent again.
            until = None if reason == RESTORED else state.until
            return replace(state, phase=Phase.UNKNOWN, until=until)
        case DeliverySuppressed():
            return replace(state, phase=Phase.SUPPRESSED)
        case DeliveryExpired():
            return replace(state, phase=Phase.EXPIRED)
        case _:
            assert_never(event)


def _key(command: DeliveryCommand, _streams: Streams) -> str:
    return command.delivery


deliveries = Decider(
    category="delivery",
    initial=DeliveryState(),
    decide=decide,
    evolve=evolve,
    events=EVENTS,
    commands=(
        PlanDelivery,
        AcceptDelivery,
        ReturnDelivery,
        RejectDelivery,
        LoseTrackOfDelivery,
        ConfirmDelivery,
        ResolveDelivery,
        CancelDelivery,
    ),
    key=_key,
)
