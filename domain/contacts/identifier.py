"""Identifiers: one stream for each phone number or unionid, by keyed hash, so that two processes see who else has it."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.contacts.events import IDENTIFIER_EVENTS, IdentifierHeld
from domain.decider import Decider
from domain.identity import ContactId
from domain.message import Context, Event


@dataclass(frozen=True, slots=True)
class IdentifierState:
    """``holders``: the contacts for whom a channel vouches, the first one first."""

    holders: tuple[ContactId, ...] = ()


def _no_commands(_state: IdentifierState, command: object, _context: Context) -> Sequence[Event]:
    raise AssertionError(f"identifiers are written by the linking, not by {type(command).__name__}")


def evolve(state: IdentifierState, event: IdentifierHeld) -> IdentifierState:
    """Fold one event into the state."""
    return IdentifierState((*state.holders, event.contact))


identifiers = Decider(
    category="identifier",
    initial=IdentifierState(),
    decide=_no_commands,
    evolve=evolve,
    events=IDENTIFIER_EVENTS,
    commands=(),
    key=lambda _command, _streams: "",
)
