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
    AskRecall,
    CancelDelivery,
    ConfirmDelivery,
    EndRecall,
    LoseTrackOfDelivery,
    PlanDelivery,
    RefuteDelivery,
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
    DeliveryRecallAsked,
    DeliveryRecalled,
    DeliveryRecallRefused,
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
    ProviderMessageId,
    RunId,
    Slug,
    SubjectId,
)
from domain.message import Context, Event

PLANNED_FIELDS = tuple(field.name for field in fields(DeliveryPlanned))
RECALLED = Slug("recalled")
"""Why something that was planned is left out: it was taken back before it left."""
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
    | RefuteDelivery
    | ResolveDelivery
    | CancelDelivery
    | AskRecall
    | EndRecall
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
    | DeliveryRecallAsked
    | DeliveryRecalled
    | DeliveryRecallRefused
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


LEFT = frozenset({Phase.STARTED, Phase.UNKNOWN, Phase.ACCEPTED, Phase.CONFIRMED})
"""It left us, or may have."""


class Recall(StrEnum):
    """Whether it was taken back."""

    NONE = "none"
    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"


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
    route: Slug | None = None
    message: ProviderMessageId | None = None
    recall: Recall = Recall.NONE
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


def _recall(state: DeliveryState, command: AskRecall | EndRecall) -> Sequence[Event]:
    delivery = command.delivery
    if isinstance(command, EndRecall):
        if state.recall is not Recall.ASKED:
            return ()
        refused = command.refused
        if refused is not None:
            return (DeliveryRecallRefused(delivery=delivery, reason=refused),)
        return (DeliveryRecalled(delivery=delivery),)
    if state.phase is Phase.PLANNED:
        return (DeliverySuppressed(delivery=delivery, reason=RECALLED, rule=Slug("operator")),)
    if state.phase not in LEFT:
        raise Rejected("this message never left: it is {phase}", phase=state.phase)
    asked = state.recall in {Recall.ASKED, Recall.DONE}
    return () if asked else (DeliveryRecallAsked(delivery=delivery, operator=command.operator),)


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
            new = state.phase in LEFT and how not in state.confirmed
            return (DeliveryConfirmed(delivery=delivery, how=how),) if new else ()
        case RefuteDelivery(delivery=delivery, reason=reason):
            open_ = state.phase in LEFT - {Phase.CONFIRMED}
            return (DeliveryRejected(delivery=delivery, reason=reason),) if open_ else ()
        case ResolveDelivery():
            return _resolve(state, command)
        case CancelDelivery(delivery=delivery, reason=reason, rule=rule):
            planned = state.phase is Phase.PLANNED
            return (DeliverySuppressed(delivery=delivery, reason=reason, rule=rule),) if planned else ()
        case AskRecall() | EndRecall():
            return _recall(state, command)
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
        case DeliveryStarted(attempt=attempt, until=until, route=route):
            return replace(state, phase=Phase.STARTED, attempt=attempt, until=until, route=route)
        case DeliveryPostponed():
            # By a rule: an Unknown one may still have arrived. Without: an attempt is known to have sent nothing.
            waits = event.rule is not None and state.phase is Phase.UNKNOWN
            phase = Phase.UNKNOWN if waits else Phase.PLANNED
            return replace(state, phase=phase, not_before=event.not_before)
        case DeliveryAccepted(provider_message=message):
            return replace(state, phase=Phase.ACCEPTED, message=message)
        case DeliveryConfirmed(how=how):
            return replace(state, phase=Phase.CONFIRMED, confirmed=state.confirmed | {how})
        case DeliveryRejected():
            return replace(state, phase=Phase.REJECTED)
        case DeliveryUnknown(reason=reason):
            # Without a lease that ended it is not sent again.
            ended = None if reason == RESTORED else state.until
            return replace(state, phase=Phase.UNKNOWN, until=ended)
        case DeliverySuppressed():
            return replace(state, phase=Phase.SUPPRESSED)
        case DeliveryExpired():
            return replace(state, phase=Phase.EXPIRED)
        case DeliveryRecallAsked():
            return replace(state, recall=Recall.ASKED)
        case DeliveryRecalled():
            return replace(state, recall=Recall.DONE)
        case DeliveryRecallRefused():
            return replace(state, recall=Recall.REFUSED)
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
        RefuteDelivery,
        ResolveDelivery,
        CancelDelivery,
        AskRecall,
        EndRecall,
    ),
    key=_key,
    begun_by=(PlanDelivery,),
)
