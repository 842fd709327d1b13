"""Inbound facts, who answers in a conversation, and what of the channel's reply window is used."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from domain.conversations.commands import GiveReplyBack, HandOver, ReturnToBot
from domain.conversations.events import (
    EVENTS,
    INBOUND_EVENTS,
    ConversationHandedOver,
    ConversationReturned,
    ReplyGivenBack,
    ReplySpent,
)
from domain.decider import Decider, Streams
from domain.identity import DeliveryId, Slug
from domain.message import Context, Event

SPENT_KEPT = timedelta(hours=49)
"""A little more than the longest reply window of any channel, 48 hours."""

ConversationCommand = HandOver | ReturnToBot | GiveReplyBack
ConversationEvent = ConversationHandedOver | ConversationReturned | ReplySpent | ReplyGivenBack


@dataclass(frozen=True, slots=True)
class Spent:
    """One attempt that the reply window was charged with, or the allowance ``of``."""

    delivery: DeliveryId
    at: datetime
    attempt: int = 1
    of: Slug | None = None

    def is_of(self, delivery: DeliveryId, attempt: int) -> bool:
        return self.delivery == delivery and self.attempt == attempt


@dataclass(frozen=True, slots=True)
class ConversationState:
    """``silent_until``: a person is answering until then. ``spent``: what messages took of the reply window, and of what else."""

    silent_until: datetime | None = None
    spent: tuple[Spent, ...] = ()

    def human_talking(self, now: datetime) -> bool:
        """Whether the bot keeps silent."""
        return self.silent_until is not None and now < self.silent_until

    @property
    def spent_of_window(self) -> list[datetime]:
        """When messages took one of the reply window, lately."""
        return [spent.at for spent in self.spent if spent.of is None]

    def spent_of(self, allowance: Slug) -> int:
        """How many messages took one of an allowance, ever."""
        return sum(spent.of == allowance for spent in self.spent)


def decide(state: ConversationState, command: ConversationCommand, _context: Context) -> Sequence[Event]:
    """Decide who answers, and what of the reply window is used."""
    match command:
        case HandOver(contact=contact, operator=operator, until=until):
            return (ConversationHandedOver(contact=contact, operator=operator, until=until),)
        case ReturnToBot(contact=contact):
            return (ConversationReturned(contact=contact),) if state.silent_until is not None else ()
        case GiveReplyBack(contact=contact, delivery=delivery, attempt=attempt):
            held = any(spent.is_of(delivery, attempt) for spent in state.spent)
            return (ReplyGivenBack(contact=contact, delivery=delivery, attempt=attempt),) if held else ()
        case _:
            assert_never(command)


def evolve(state: ConversationState, event: ConversationEvent) -> ConversationState:
    """Fold one event into the state."""
    match event:
        case ConversationHandedOver(until=until):
            return replace(state, silent_until=until)
        case ConversationReturned():
            return replace(state, silent_until=None)
        case ReplySpent(delivery=delivery, at=at, attempt=attempt, of=of):
            kept = tuple(s for s in state.spent if s.of is not None or at - s.at < SPENT_KEPT)
            return replace(state, spent=(*kept, Spent(delivery, at, attempt, of)))
        case ReplyGivenBack(delivery=delivery, attempt=attempt):
            return replace(state, spent=tuple(s for s in state.spent if not s.is_of(delivery, attempt)))
        case _:
            assert_never(event)


def _key(command: ConversationCommand, _streams: Streams) -> str:
    return command.contact


conversations = Decider(
    category="conversation",
    initial=ConversationState(),
    decide=decide,
    evolve=evolve,
    events=EVENTS,
    commands=(HandOver, ReturnToBot, GiveReplyBack),
    key=_key,
    snapshots=2,
)


def _no_commands(_state: None, command: object, _context: Context) -> Sequence[Event]:
    raise AssertionError(f"inbound facts are written by the intake, not by {type(command).__name__}")


inbound: Decider[None] = Decider(
    category="inbound",
    initial=None,
    decide=_no_commands,
    evolve=lambda _state, _event: None,
    events=INBOUND_EVENTS,
    commands=(),
    key=lambda _command, _streams: "",
)
"""One fact a stream: nothing is ever decided on it, it only must be new."""
