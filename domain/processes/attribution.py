"""Attribution: which delivery brought about what comes back: an answer, or the provider's receipt."""

from collections.abc import Iterable
from datetime import timedelta

from domain.contacts.contact import contacts
from domain.conversations.events import ButtonPressed, MessageReceived, ReceiptReported
from domain.conversations.said import said
from domain.customers.customer import customers
from domain.decider import Process, Streams
from domain.deliveries.commands import ConfirmDelivery, RefuteDelivery
from domain.deliveries.delivery import DeliveryState, Phase, deliveries
from domain.deliveries.events import Confirmation, DeliveryAccepted
from domain.groups.group import groups
from domain.identity import DeliveryId, ProviderMessageId, Slug
from domain.message import Command, Recorded
from domain.policies.stop_words import StopWords, Wish
from domain.receipts.commands import ExpectReceipt, NoteReceipt
from domain.receipts.receipt import ARRIVED, receipt_of, receipts

ANSWERED_WITHIN = timedelta(hours=48)
"""Of marketing: what somebody says later than this, without quoting it, is about something else."""
PROVIDER_SECONDS = timedelta(seconds=1)
"""Providers tell the time of a message in whole seconds: an answer may seem to be that much older than what it answers."""
TOLD_OF = frozenset({Slug("template")})
"""The routes whose messages the provider tells of one by one, by the id it gave them."""

_Known = tuple[DeliveryId, DeliveryState]


def attribution(words: StopWords) -> Process:
    """A reply is to the message it quotes, otherwise to the newest marketing that this contact got within 48 h. A stop word is no reply."""

    def react(recorded: Recorded, streams: Streams) -> Iterable[Command]:
        match recorded.event:
            case MessageReceived() | ButtonPressed() as event:
                return _replied(recorded, event, streams, words)
            case DeliveryAccepted(provider_message=str(message)) as accepted:
                return _expected(accepted, ProviderMessageId(message), streams)
            case ReceiptReported() as told:
                return _told(told, streams)
            case _:
                return ()

    return Process("attribution", (MessageReceived, ButtonPressed, DeliveryAccepted, ReceiptReported), react)


def _replied(
    recorded: Recorded, event: MessageReceived | ButtonPressed, streams: Streams, words: StopWords
) -> Iterable[Command]:
    if streams.state(contacts, event.contact).operator is not None:
        return
    quoted = event.reply_to if isinstance(event, MessageReceived) else event.provider_message
    if event.group is not None:
        held = streams.state(groups, event.group).reservations
        found = _quoted([_known(delivery, streams) for delivery, _ in held], quoted)
    else:
        found = _answered(event, quoted, recorded, streams)
    # What a message wishes is asked last: most answer nothing, which is told sooner.
    if found is not None and _is_reply(event, words):
        yield ConfirmDelivery(delivery=found, how=Confirmation.REPLIED)


def _is_reply(event: MessageReceived | ButtonPressed, words: StopWords) -> bool:
    if isinstance(event, MessageReceived):
        return not event.forwarded and words.wish(event.text.value) not in {Wish.STOP, Wish.START}
    told = said(event)
    return told is not None and words.wish(told) not in {Wish.STOP, Wish.START}


def _answered(
    event: MessageReceived | ButtonPressed,
    quoted: ProviderMessageId | None,
    recorded: Recorded,
    streams: Streams,
) -> DeliveryId | None:
    """Return which of the contact's marketing this answers. A quoted message is that one, or one of which nobody knows the id."""
    customer = streams.state(contacts, event.contact).customer
    if customer is None:
        return None
    held = streams.state(customers, customer).reservations
    until = min(recorded.occurred_at + PROVIDER_SECONDS, recorded.recorded_at)
    since = recorded.occurred_at - ANSWERED_WITHIN
    lately = [h.delivery for h in held if since <= h.at <= until]
    if quoted is None:
        # A button that hangs below no message of ours is a menu's, pressed for its own sake.
        recent = _theirs(lately, event, streams) if isinstance(event, MessageReceived) else []
        # What nobody knows to have arrived is answered by who quotes it, not by who says something.
        arrived = [d for d, state in recent if state.phase in {Phase.ACCEPTED, Phase.CONFIRMED}]
        return arrived[-1] if arrived else None
    found = _quoted(_theirs([h.delivery for h in held], event, streams), quoted)
    unproven = (d for d, state in reversed(_theirs(lately, event, streams)) if state.phase is Phase.UNKNOWN)
    return found or next(unproven, None)


def _theirs(
    held: Iterable[DeliveryId], event: MessageReceived | ButtonPressed, streams: Streams
) -> list[_Known]:
    known = (_known(delivery, streams) for delivery in held)
    return [(delivery, state) for delivery, state in known if state.contact == event.contact]


def _known(delivery: DeliveryId, streams: Streams) -> _Known:
    return delivery, streams.state(deliveries, delivery)


def _quoted(known: Iterable[_Known], quoted: ProviderMessageId | None) -> DeliveryId | None:
    if quoted is None:
        return None
    return next((delivery for delivery, state in known if state.message == quoted), None)


def _expected(event: DeliveryAccepted, message: ProviderMessageId, streams: Streams) -> Iterable[Command]:
    state = streams.state(deliveries, event.delivery)
    if state.route not in TOLD_OF or state.contact is None:
        return
    channel = streams.state(contacts, state.contact).channel
    receipt = receipt_of(streams.digest, channel, message)
    yield ExpectReceipt(receipt=receipt, delivery=event.delivery)
    outcome = streams.state(receipts, receipt).outcome
    if outcome is not None:
        yield _outcome(event.delivery, outcome)


def _told(event: ReceiptReported, streams: Streams) -> Iterable[Command]:
    receipt = receipt_of(streams.digest, event.channel, event.provider_message)
    yield NoteReceipt(receipt=receipt, outcome=event.outcome)
    known = streams.state(receipts, receipt)
    if known.delivery is not None and known.outcome in {None, event.outcome}:
        yield _outcome(known.delivery, event.outcome)


def _outcome(delivery: DeliveryId, outcome: Slug) -> Command:
    if outcome == ARRIVED:
        return ConfirmDelivery(delivery=delivery, how=Confirmation.DELIVERED)
    return RefuteDelivery(delivery=delivery, reason=outcome)
