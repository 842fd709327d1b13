"""Inbound facts, and who answers in a conversation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from domain.conversations.commands import HandOver, ReturnToBot
from domain.conversations.events import EVENTS, INBOUND_EVENTS, ConversationHandedOver, ConversationReturned
from domain.decider import Decider, Streams
from domain.message import Context, Event


@dataclass(frozen=True, slots=True)
class ConversationState:
    """``silent_until``: a person is answering until then."""

    silent_until: datetime | None = None

    def human_talking(self, now: datetime) -> bool:
        """Whether the bot keeps silent."""
        return self.silent_until is not None and now < self.silent_until


def decide(state: ConversationState, command: HandOver | ReturnToBot, _context: Context) -> Sequence[Event]:
    """Decide who answers."""
    match command:
        case HandOver(contact=contact, operator=operator, until=until):
            return (ConversationHandedOver(contact=contact, operator=operator, until=until),)
        case ReturnToBot(contact=contact):
            return (ConversationReturned(contact=contact),) if state.silent_until is not None else ()
        case _:
            assert_never(command)


def evolve(
    _state: ConversationState, event: ConversationHandedOver | ConversationReturned
) -> ConversationState:
    """Fold one event into the state."""
    match event:
        case ConversationHandedOver(until=until):
            return ConversationState(silent_until=until)
        case ConversationReturned():
            return ConversationState()
        case _:
            assert_never(event)


def _key(command: HandOver | ReturnToBot, _streams: Streams) -> str:
    return command.contact


conversations = Decider(
    category="conversation",
    initial=ConversationState(),
    decide=decide,
    evolve=evolve,
    events=EVENTS,
    commands=(HandOver, ReturnToBot),
    key=_key,
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
