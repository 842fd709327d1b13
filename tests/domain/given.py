"""Given these events, when this command comes, then these events follow: for one decider, without a log."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from domain.decider import Decider
from domain.errors import Rejected
from domain.message import Command, Event
from tests.domain.controls.ids import CONTEXT, NOON

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Decided(Generic[S]):
    """What a command led to."""

    state: S
    events: Sequence[Event] = ()
    error: Rejected | None = None

    def then(self, *events: Event) -> S:
        """Exactly these events follow; returns the state after them."""
        assert self.error is None, self.error
        assert list(self.events) == list(events)
        return self.state

    def then_nothing(self) -> None:
        """It changes nothing."""
        self.then()

    def then_rejected(self, text: str, kind: type[Rejected] = Rejected) -> None:
        """It is refused, in these words."""
        assert self.error is not None, self.events
        assert (type(self.error), str(self.error)) == (kind, text)


@dataclass(frozen=True, slots=True)
class Given(Generic[S]):
    """A decider, and the state that some events led to."""

    decider: Decider[S]
    state: S

    def when(self, command: Command, *, at: datetime = NOON) -> Decided[S]:
        """Decide a command at a moment."""
        context = replace(CONTEXT, now=at, occurred_at=at)
        try:
            events = self.decider.decide(self.state, command, context)
        except Rejected as error:
            return Decided(self.state, error=error)
        return Decided(_after(self.decider, self.state, events), events)


def given(decider: Decider[S], *events: Event) -> Given[S]:
    """Start from what happened."""
    return Given(decider, _after(decider, decider.initial, events))


def _after(decider: Decider[Any], state: S, events: Sequence[Event]) -> S:
    for event in events:
        state = decider.evolve(state, event)
    return state
