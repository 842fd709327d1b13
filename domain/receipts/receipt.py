"""The receipt of one message: it may come before we know that the provider took the message, since that answer is on its way, too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from domain.decider import Decider, Streams
from domain.identity import Channel, DeliveryId, Digest, ProviderMessageId, Slug
from domain.message import Context, Event
from domain.receipts.commands import ExpectReceipt, NoteReceipt
from domain.receipts.events import EVENTS, ReceiptCame, ReceiptExpected

ARRIVED = Slug("sent")
"""The outcome of a message that reached its recipient; any other says why it did not."""

ReceiptCommand = ExpectReceipt | NoteReceipt
ReceiptEvent = ReceiptExpected | ReceiptCame


@dataclass(frozen=True, slots=True)
class ReceiptState:
    """``delivery``: whose it is, once that is known; ``outcome``: what it said, once it came."""

    delivery: DeliveryId | None = None
    outcome: Slug | None = None


def receipt_of(digest: Callable[..., Digest], channel: Channel, message: ProviderMessageId) -> Digest:
    """Return which receipt tells of a provider's message."""
    return digest("receipt", channel, message)


def decide(state: ReceiptState, command: ReceiptCommand, _context: Context) -> Sequence[Event]:
    """Decide what is new: a receipt is of one delivery, and what came first counts."""
    match command:
        case ExpectReceipt(receipt=receipt, delivery=delivery):
            known = state.delivery is not None
            return () if known else (ReceiptExpected(receipt=receipt, delivery=delivery),)
        case NoteReceipt(receipt=receipt, outcome=outcome):
            came = state.outcome is not None
            return () if came else (ReceiptCame(receipt=receipt, outcome=outcome),)
        case _:
            assert_never(command)


def evolve(state: ReceiptState, event: ReceiptEvent) -> ReceiptState:
    """Fold one event into the state."""
    match event:
        case ReceiptExpected(delivery=delivery):
            return replace(state, delivery=delivery)
        case ReceiptCame(outcome=outcome):
            return replace(state, outcome=outcome)
        case _:
            assert_never(event)


def _key(command: ReceiptCommand, _streams: Streams) -> str:
    return command.receipt


receipts = Decider(
    category="receipt",
    initial=ReceiptState(),
    decide=decide,
    evolve=evolve,
    events=EVENTS,
    commands=(ExpectReceipt, NoteReceipt),
    key=_key,
)
