"""The gate: every message passes here on its way out, whoever planned it.

One append decides on the recipient's own stream and the delivery's; whatever else was read is listed as unchanged, so an opt-out, a
cancel or a pause that commits first wins. Allowed: the caps are reserved and the delivery started, which is the lease. Refused: an event
says why.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.broadcasts.broadcast import Stage as BroadcastStage
from domain.broadcasts.broadcast import broadcasts
from domain.campaigns.campaign import Stage, campaigns
from domain.campaigns.plan import CODE_MARK
from domain.codes.holding import CODES, Handed, Wish, next_code, take
from domain.contacts.contact import ContactState, contacts
from domain.conversations.conversation import conversations
from domain.conversations.events import ReplySpent
from domain.customers.customer import customers
from domain.customers.events import SendReserved
from domain.decider import Handler, Streams, Write
from domain.deliveries.delivery import DeliveryState, Phase, deliveries
from domain.deliveries.events import (
    HOLDOUT,
    DeliveryClass,
    DeliveryExpired,
    DeliveryPostponed,
    DeliveryRejected,
    DeliveryStarted,
    DeliverySuppressed,
)
from domain.errors import UnknownRecipient
from domain.groups.events import GroupAnswered, GroupSendReserved
from domain.groups.group import groups
from domain.identity import ContactId, CustomerId, DeliveryId, Digest, GroupId, Slug, ZoneName
from domain.installation.installation import INSTALLATION, installation
from domain.message import Command, Context, Event, Personal, ReplyWindow, Rival
from domain.policies.facts import WHOLE, Controls, Facts
from domain.policies.frequency_cap import Spent
from domain.policies.may_contact import Allow, Refuse, Verdict, Wait, may_contact
from domain.policies.reply_window import left
from domain.policies.routes import Offer, routed


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimDelivery:
    """A worker wants to send this message now, holding it until ``until``.

    ``rendered``: the text with its variables filled in, where that changed it. ``defect``: why it cannot be rendered for this recipient
    (``missing_variable``). ``opened`` (the recipient's reply windows; none on a channel without), ``last_heard`` and ``rivals`` (planned
    marketing of higher priority for the same customer) come from the views: a lag there errs on the safe side, or lets a message go
    before a more important one. ``coded``: it has a place for a code, which the gate puts in (domain/codes). ``offers``: the routes that it
    could take, on a channel that has several.
    """

    delivery: DeliveryId
    worker: Slug
    until: datetime
    controls: Controls
    rendered: Personal[str] | None = None
    defect: Slug | None = None
    opened: tuple[ReplyWindow, ...] = ()
    last_heard: datetime | None = None
    rivals: tuple[Rival, ...] = ()
    coded: bool = False
    offers: tuple[Offer, ...] = ()


def claim(command: ClaimDelivery, streams: Streams, context: Context) -> Iterator[Write | Command]:
    """Allow, postpone or refuse. Nothing happens where the delivery is not due, or its campaign or all sending is on hold."""
    state = streams.state(deliveries, command.delivery)
    now = context.now
    if state.phase is Phase.NONE:
        raise UnknownRecipient("no such delivery")
    if state.phase is Phase.PLANNED and state.expires_at is not None and now >= state.expires_at:
        yield Write(deliveries, command.delivery, (DeliveryExpired(delivery=command.delivery),))
        return
    if not state.may_start(now) or _on_hold(state, streams):
        return
    facts = _facts(command, state, streams, now)
    verdict, offer = _routed(command, state, may_contact(facts, command.controls), streams)
    yield from _verdict(command, state, verdict, offer, streams, now)


def _routed(
    command: ClaimDelivery, state: DeliveryState, verdict: Verdict, streams: Streams
) -> tuple[Verdict, Offer | None]:
    if state.contact is None:
        return verdict, None
    spent = streams.state(conversations, state.contact).spent_of
    return routed(verdict, command.offers, opened=bool(command.opened), spent=spent)


def _on_hold(state: DeliveryState, streams: Streams) -> bool:
    brand = streams.state(installation, INSTALLATION)
    if brand.sending_held:
        return True
    if state.kind is not DeliveryClass.MARKETING:
        return False
    stops = False
    if state.campaign is not None:
        campaign = streams.state(campaigns, state.campaign)
        stops = not campaign.running and campaign.stage is not Stage.CANCELLED  # cancelled: the gate says so
    return brand.marketing_paused or stops


def _verdict(
    command: ClaimDelivery,
    state: DeliveryState,
    verdict: Verdict,
    offer: Offer | None,
    streams: Streams,
    now: datetime,
) -> Iterator[Write | Command]:
    match verdict:
        case Allow():
            yield from _start(command, state, offer, streams, now)
        case Wait():
            yield Write(deliveries, command.delivery, (_waiting(command.delivery, state, verdict),))
        case Refuse():
            yield Write(deliveries, command.delivery, (_refused(command.delivery, state, verdict),))


def _start(
    command: ClaimDelivery, state: DeliveryState, offer: Offer | None, streams: Streams, now: datetime
) -> Iterator[Write | Command]:
    """Take the code that it carries, spend what it spends, and begin; where no code is left for it, it is left out."""
    wish = _wish(command, state, streams)
    handed = None if wish is None else next_code(wish, streams, now)
    if handed is not None and not isinstance(handed, Handed):
        refused = _refused(command.delivery, state, Refuse(handed, CODES))
        yield Write(deliveries, command.delivery, (refused,))
        return
    if wish is not None and handed is not None:
        yield from take(wish, handed, streams)
    yield from _reserve(command, state, offer, streams, now)
    said = command.rendered if offer is None or offer.said is None else offer.said
    started = DeliveryStarted(
        delivery=command.delivery,
        subject=state.subject,
        attempt=state.attempt + 1,
        worker=command.worker,
        until=command.until,
        rendered=_with_code(said, handed),
        route=None if offer is None else offer.route,
        code=None if handed is None else Personal(handed.code),
    )
    yield Write(deliveries, command.delivery, (started,))


def _wish(command: ClaimDelivery, state: DeliveryState, streams: Streams) -> Wish | None:
    """Return which code it wants; None where its campaign hands none out, or this text of it has no place for one."""
    draft = None if state.campaign is None else streams.state(campaigns, state.campaign).drafted
    if not command.coded or draft is None or draft.codes is None:
        return None
    holders: tuple[CustomerId, ...] = ()
    if state.contact is not None:
        customer = streams.customer_of(state.contact)
        holders = (customer, *(part.customer for part in streams.state(customers, customer).parts))
    return Wish(
        pool=draft.codes,
        campaign=draft.campaign,
        holders=tuple(dict.fromkeys(holders)),
        delivery=command.delivery,
        subject=state.subject,
    )


def _with_code(rendered: Personal[str] | None, handed: Handed | None) -> Personal[str] | None:
    if rendered is None or handed is None:
        return rendered
    return Personal(rendered.value.replace(CODE_MARK, handed.code))


def _refused(delivery: DeliveryId, state: DeliveryState, refuse: Refuse) -> Event:
    if state.phase is Phase.UNKNOWN:  # an earlier attempt may have arrived, so it cannot be called suppressed
        return DeliveryRejected(delivery=delivery, reason=refuse.reason, rule=refuse.rule)
    return DeliverySuppressed(delivery=delivery, reason=refuse.reason, rule=refuse.rule)


def _waiting(delivery: DeliveryId, state: DeliveryState, wait: Wait) -> Event:
    too_late = state.expires_at is not None and wait.until >= state.expires_at
    if not too_late or state.phase is Phase.UNKNOWN:  # an unknown one stays unknown: it may have arrived
        return DeliveryPostponed(delivery=delivery, not_before=wait.until, reason=wait.reason, rule=wait.rule)
    if wait.left_out_if_too_late:
        return DeliverySuppressed(delivery=delivery, reason=wait.reason, rule=wait.rule)
    return DeliveryExpired(delivery=delivery)


def _reserve(
    command: ClaimDelivery, state: DeliveryState, offer: Offer | None, streams: Streams, now: datetime
) -> Iterator[Write]:
    """Spend window, allowance and caps before the send.

    A cap is keyed by the delivery: a new attempt never counts twice. The window is the provider's, who counts whatever arrives.
    """
    delivery = command.delivery
    of = None if offer is None else offer.of
    windowed = bool(command.opened) and (offer is None or offer.windowed)
    if state.contact is not None and (windowed or of is not None):
        spent = ReplySpent(contact=state.contact, delivery=delivery, at=now, attempt=state.attempt + 1, of=of)
        yield Write(conversations, state.contact, (spent,))
    marketing = state.kind is DeliveryClass.MARKETING
    if state.group is not None and marketing:
        yield Write(groups, state.group, (GroupSendReserved(group=state.group, delivery=delivery, at=now),))
    elif state.group is not None and command.controls.group_share_percent < WHOLE:
        yield Write(groups, state.group, (GroupAnswered(group=state.group, delivery=delivery, at=now),))
    elif state.contact is not None and marketing:
        customer = streams.customer_of(state.contact)
        yield Write(customers, customer, (reservation(delivery, state, customer, streams, now),))


def reservation(
    delivery: DeliveryId, state: DeliveryState, customer: CustomerId, streams: Streams, now: datetime
) -> SendReserved:
    """Return what a marketing message to one person spends. Raises UnknownRecipient for one to a group."""
    if state.contact is None:
        raise UnknownRecipient("no such recipient")
    return SendReserved(
        customer=customer,
        contact=state.contact,
        delivery=delivery,
        at=now,
        broadcast=state.broadcast,
        channel=streams.state(contacts, state.contact).channel,
        topic=state.topic,
        campaign=state.campaign,
        run=state.run,
    )


def _facts(command: ClaimDelivery, state: DeliveryState, streams: Streams, now: datetime) -> Facts:
    known = Facts(
        now=now,
        kind=state.kind,
        automatic=state.automatic,
        by_operator=state.by_operator,
        even_at_night=state.even_at_night,
        to_group=state.group is not None,
        unreachable=None,
        consents=False,
        withdrew=False,
        cancelled=False,
        defect=command.defect,
        human_until=None,
        sent=(),
        window=None,
        last_heard=command.last_heard,
        held_out=state.variant == HOLDOUT,
        reactivation=state.reactivation,
        topic=state.topic,
        rivals=command.rivals,
    )
    known = _with_cancel(known, state, streams)
    if state.group is not None:
        return _with_group(known, command, state.group, streams)
    if state.contact is not None:
        return _with_person(known, command, state, state.contact, streams)
    return known


def _with_cancel(known: Facts, state: DeliveryState, streams: Streams) -> Facts:
    broadcast, campaign = state.broadcast, state.campaign
    if broadcast is not None and streams.state(broadcasts, broadcast).stage is BroadcastStage.CANCELLED:
        return replace(known, cancelled=True)
    if campaign is not None and streams.state(campaigns, campaign).stage is Stage.CANCELLED:
        return replace(known, cancelled=True, cancelled_by=Slug("campaign"))
    return known


def _with_group(known: Facts, command: ClaimDelivery, group: GroupId, streams: Streams) -> Facts:
    state = streams.state(groups, group)
    others = [at for delivery, at in state.reservations if delivery != command.delivery]
    return replace(
        known,
        unreachable=state.left,
        channel=state.channel,
        sent=tuple(Spent(at, state.channel) for at in others),
        said_otherwise=tuple(at for _, at in state.answers),
    )


def _with_person(
    known: Facts, command: ClaimDelivery, state: DeliveryState, contact: ContactId, streams: Streams
) -> Facts:
    reached, talk = streams.state(contacts, contact), streams.state(conversations, contact)
    # Whom the contact belongs to now: it may have been linked since this was planned.
    customer = streams.customer_of(contact)
    person = streams.state(customers, customer)
    others = [held for held in person.reservations if held.delivery != command.delivery]
    return replace(
        known,
        unreachable=_unreachable(reached),
        consents=person.agrees(contact, state.topic),
        withdrew=person.ended(state.topic),
        human_until=talk.silent_until if talk.human_talking(known.now) else None,
        sent=tuple(Spent(held.at, held.channel, held.topic) for held in others),
        window=left(command.opened, talk.spent_of_window, known.now),
        had=any(
            occurrence is not None and person.had(occurrence, other_than=command.delivery)
            for occurrence in (state.broadcast, state.run)
        ),
        held_out_of_all=is_held_out(customer, command.controls.holdout_percent, streams.digest),
        channel=reached.channel,
        zone=known_zone(person.zone, reached.zone),
    )


def _unreachable(contact: ContactState) -> Slug | None:
    if contact.forgotten:
        return Slug("forgotten")
    return contact.blocked or (None if contact.private else Slug("never-wrote"))


def is_held_out(customer: CustomerId, percent: int, digest: Callable[..., Digest]) -> bool:
    """Whether somebody is among the ``percent`` of all customers who get no marketing: drawn by keyed hash, so it stays as it is.

    Of a merged customer the record that stays is asked. A higher per cent adds people and takes none away.
    """
    return percent > 0 and int(digest("global-holdout", customer), 16) % WHOLE < percent


def known_zone(*told: ZoneName | None) -> ZoneName | None:
    """Return the first zone that somebody told and this machine knows (its tables of zones may be older); None where there is none."""
    for zone in filter(None, told):
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
        return zone
    return None


GATE = Handler(ClaimDelivery, claim)
