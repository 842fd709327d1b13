"""The gate: every message passes here on its way out, whoever planned it.

One append decides on the recipient's own stream and the delivery's; whatever else was read is listed as unchanged, so an opt-out, a
cancel or a pause that commits first wins. Allowed: the cap is reserved and the delivery started, which is the lease. Refused: an event
says why.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from domain.broadcasts.broadcast import Stage, broadcasts
from domain.contacts.contact import contacts
from domain.conversations.conversation import conversations
from domain.conversations.events import ReplySpent
from domain.customers.customer import customers
from domain.customers.events import MARKETING, SendReserved
from domain.decider import Handler, Streams, Write
from domain.deliveries.delivery import DeliveryState, Phase, deliveries
from domain.deliveries.events import (
    DeliveryClass,
    DeliveryExpired,
    DeliveryPostponed,
    DeliveryRejected,
    DeliveryStarted,
    DeliverySuppressed,
)
from domain.errors import UnknownRecipient
from domain.groups.events import GroupSendReserved
from domain.groups.group import groups
from domain.identity import DeliveryId, Slug
from domain.installation.installation import INSTALLATION, installation
from domain.message import Command, Context, Event, Personal, ReplyWindow
from domain.policies.may_contact import (
    Allow,
    Controls,
    Facts,
    Refuse,
    Verdict,
    Wait,
    may_contact,
)
from domain.policies.reply_window import left


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimDelivery:
    """A worker wants to send this message now, holding it until ``until``.

    ``rendered``: the text with its variables filled in, where that changed it. ``defect``: why it cannot be rendered for this recipient
    (``missing_variable``). ``opened`` (the recipient's reply windows; none on a channel without) and ``last_heard`` come
    from the views: a lag there errs on the safe side.
    """

    delivery: DeliveryId
    worker: Slug
    until: datetime
    controls: Controls
    rendered: Personal[str] | None = None
    defect: Slug | None = None
    opened: tuple[ReplyWindow, ...] = ()
    last_heard: datetime | None = None


def claim(command: ClaimDelivery, streams: Streams, context: Context) -> Iterator[Write | Command]:
    """Allow, postpone or refuse. Nothing happens where the delivery is not due, or all sending is on hold."""
    state = streams.state(deliveries, command.delivery)
    now = context.now
    if state.phase is Phase.NONE:
        raise UnknownRecipient("no such delivery")
    if state.phase is Phase.PLANNED and state.expires_at is not None and now >= state.expires_at:
        yield Write(deliveries, command.delivery, (DeliveryExpired(delivery=command.delivery),))
        return
    brand = streams.state(installation, INSTALLATION)
    paused = brand.marketing_paused and state.kind is DeliveryClass.MARKETING
    if not state.may_start(now) or brand.sending_held or paused:
        return
    verdict = may_contact(_facts(command, state, streams, now), command.controls)
    yield from _verdict(command, state, verdict, streams, now)


def _verdict(
    command: ClaimDelivery, state: DeliveryState, verdict: Verdict, streams: Streams, now: datetime
) -> Iterator[Write | Command]:
    match verdict:
        case Allow():
            yield from _reserve(command, state, streams, now)
            started = DeliveryStarted(
                delivery=command.delivery,
                subject=state.subject,
                attempt=state.attempt + 1,
                worker=command.worker,
                until=command.until,
                rendered=command.rendered,
            )
            yield Write(deliveries, command.delivery, (started,))
        case Wait():
            yield Write(deliveries, command.delivery, (_waiting(command.delivery, state, verdict),))
        case Refuse(reason=reason, rule=rule):
            refused: Event = DeliverySuppressed(delivery=command.delivery, reason=reason, rule=rule)
            if (
                state.phase is Phase.UNKNOWN
            ):  # an earlier attempt may have arrived, so it cannot be called suppressed
                refused = DeliveryRejected(delivery=command.delivery, reason=reason, rule=rule)
            yield Write(deliveries, command.delivery, (refused,))


def _waiting(delivery: DeliveryId, state: DeliveryState, wait: Wait) -> Event:
    too_late = state.expires_at is not None and wait.until >= state.expires_at
    if not too_late or state.phase is Phase.UNKNOWN:  # an unknown one stays unknown: it may have arrived
        return DeliveryPostponed(delivery=delivery, not_before=wait.until, reason=wait.reason, rule=wait.rule)
    if wait.left_out_if_too_late:
        return DeliverySuppressed(delivery=delivery, reason=wait.reason, rule=wait.rule)
    return DeliveryExpired(delivery=delivery)


def _reserve(
    command: ClaimDelivery, state: DeliveryState, streams: Streams, now: datetime
) -> Iterator[Write]:
    """Spend window and cap before the send.

    The cap is keyed by the delivery: a new attempt never counts twice. The window is the provider's, who counts whatever arrives.
    """
    delivery = command.delivery
    if command.opened and state.contact is not None:
        spent = ReplySpent(contact=state.contact, delivery=delivery, at=now, attempt=state.attempt + 1)
        yield Write(conversations, state.contact, (spent,))
    if state.kind is not DeliveryClass.MARKETING:
        return
    if state.group is not None:
        yield Write(groups, state.group, (GroupSendReserved(group=state.group, delivery=delivery, at=now),))
    elif state.contact is not None:
        customer = streams.customer_of(state.contact)
        reserved = SendReserved(
            customer=customer, contact=state.contact, delivery=delivery, at=now, broadcast=state.broadcast
        )
        yield Write(customers, customer, (reserved,))


def _facts(command: ClaimDelivery, state: DeliveryState, streams: Streams, now: datetime) -> Facts:
    cancelled = (
        state.broadcast is not None and streams.state(broadcasts, state.broadcast).stage is Stage.CANCELLED
    )
    unreachable: Slug | None = None
    human_until: datetime | None = None
    consents = withdrew = had = False
    sent: list[datetime] = []
    window: ReplyWindow | None = None
    if state.group is not None:
        group = streams.state(groups, state.group)
        unreachable = group.left
        sent = [at for delivery, at in group.reservations if delivery != command.delivery]
    elif state.contact is not None:
        contact = streams.state(contacts, state.contact)
        unreachable = contact.blocked or (None if contact.private else Slug("never-wrote"))
        if contact.forgotten:
            unreachable = Slug("forgotten")
        talk = streams.state(conversations, state.contact)
        human_until = talk.silent_until if talk.human_talking(now) else None
        window = left(command.opened, [spent.at for spent in talk.spent], now)
        # Whom the contact belongs to now: it may have been linked since this was planned.
        customer = streams.state(customers, streams.customer_of(state.contact))
        consents, withdrew = MARKETING in customer.consents, MARKETING in customer.withdrawn
        sent = [held.at for held in customer.reservations if held.delivery != command.delivery]
        had = state.broadcast is not None and customer.had(state.broadcast, other_than=command.delivery)
    return Facts(
        now=now,
        kind=state.kind,
        automatic=state.automatic,
        by_operator=state.by_operator,
        even_at_night=state.even_at_night,
        to_group=state.group is not None,
        unreachable=unreachable,
        consents=consents,
        withdrew=withdrew,
        cancelled=cancelled,
        defect=command.defect,
        human_until=human_until,
        sent=sent,
        window=window,
        last_heard=command.last_heard,
        had=had,
    )


GATE = Handler(ClaimDelivery, claim)
