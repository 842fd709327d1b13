"""What an operator's cards led to: the question that waits for their next message, and whose cards they want to be spared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import assert_never

from domain.decider import Decider
from domain.identity import CustomerId
from domain.message import Context, Event
from domain.operators.commands import AskForAnswer, EndAnswer, MuteCards, TellDigest, UnmuteCards
from domain.operators.events import (
    DESK_EVENTS,
    DIGEST_EVENTS,
    MUTE_EVENTS,
    AnswerAsked,
    AnswerEnded,
    CardsMuted,
    CardsUnmuted,
    DigestTold,
    Verb,
)


@dataclass(frozen=True, slots=True)
class Question:
    """What the next message is taken for."""

    customer: CustomerId
    verb: Verb
    until: datetime


@dataclass(frozen=True, slots=True)
class DeskState:
    """``question``: the one that was asked last, if it still waits."""

    question: Question | None = None

    def asked(self, now: datetime) -> Question | None:
        """Return the question that a message of ``now`` answers."""
        return self.question if self.question is not None and now < self.question.until else None


def _ask(state: DeskState, command: AskForAnswer | EndAnswer, _context: Context) -> Sequence[Event]:
    match command:
        case AskForAnswer(contact=contact, customer=customer, verb=verb, until=until):
            return (AnswerAsked(contact=contact, customer=customer, verb=verb, until=until),)
        case EndAnswer(contact=contact):
            return (AnswerEnded(contact=contact),) if state.question is not None else ()
        case _:
            assert_never(command)


def _asked(_state: DeskState, event: AnswerAsked | AnswerEnded) -> DeskState:
    match event:
        case AnswerAsked(customer=customer, verb=verb, until=until):
            return DeskState(Question(customer, verb, until))
        case AnswerEnded():
            return DeskState()
        case _:
            assert_never(event)


desks: Decider[DeskState] = Decider(
    category="desk",
    initial=DeskState(),
    decide=_ask,
    evolve=_asked,
    events=DESK_EVENTS,
    commands=(AskForAnswer, EndAnswer),
    key=lambda command, _streams: command.contact,
)
"""One stream a contact: what was asked on one phone is answered on it."""


@dataclass(frozen=True, slots=True)
class MuteState:
    """Until when there are no cards, by customer."""

    until: Mapping[CustomerId, datetime] = field(default_factory=lambda: MappingProxyType({}))

    def covers(self, customer: CustomerId, moment: datetime) -> bool:
        """Whether a card about what was said at ``moment`` is unwanted."""
        return customer in self.until and moment < self.until[customer]


def _mute(state: MuteState, command: MuteCards | UnmuteCards, _context: Context) -> Sequence[Event]:
    match command:
        case MuteCards(operator=operator, customer=customer, until=until):
            same = state.until.get(customer) == until
            return () if same else (CardsMuted(operator=operator, customer=customer, until=until),)
        case UnmuteCards(operator=operator, customer=customer):
            muted = customer in state.until
            return (CardsUnmuted(operator=operator, customer=customer),) if muted else ()
        case _:
            assert_never(command)


def _muted(state: MuteState, event: CardsMuted | CardsUnmuted) -> MuteState:
    others = {customer: until for customer, until in state.until.items() if customer != event.customer}
    if isinstance(event, CardsMuted):
        others[event.customer] = event.until
    return MuteState(MappingProxyType(others))


mutes: Decider[MuteState] = Decider(
    category="mutes",
    initial=MuteState(),
    decide=_mute,
    evolve=_muted,
    events=MUTE_EVENTS,
    commands=(MuteCards, UnmuteCards),
    key=lambda command, _streams: command.operator,
)
"""One stream an operator."""


def _tell(told: bool, command: TellDigest, _context: Context) -> Sequence[Event]:  # noqa: FBT001  # the state is that one fact
    if told:
        return ()
    return (DigestTold(operator=command.operator, order=command.order, about=command.about),)


digests: Decider[bool] = Decider(
    category="digest",
    initial=False,
    decide=_tell,
    evolve=lambda _told, _event: True,
    events=DIGEST_EVENTS,
    commands=(TellDigest,),
    key=lambda command, _streams: command.order,
)
"""One digest a stream."""
