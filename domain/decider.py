"""What a decider is, and how commands that touch several streams are written.

A **decider** owns one kind of stream: an initial state, ``decide(state, command, context) -> events`` (may raise Rejected) and
``evolve(state, event) -> state``. A **handler** owns a command that concerns several streams (the intake of a message, the gate of a
send): it reads states and returns writes, and commands to be decided in the same append. Both are plain functions without I/O.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from domain.identity import Address, ContactId, CustomerId, Digest, GroupId, StreamId
from domain.message import Command, Context, Event, Recorded

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Decider(Generic[S]):
    """One kind of stream.

    ``events``: (slug/version, class) of each event of these streams. ``commands``: what ``decide`` understands. ``key`` says which
    stream a command goes to; it may look through links and merges.
    """

    category: str
    initial: S
    decide: "Callable[[S, Any, Context], Sequence[Event]]"
    evolve: "Callable[[S, Any], S]"
    events: tuple[tuple[str, type], ...]
    commands: tuple[type, ...]
    key: "Callable[[Any, Streams], str]"
    begun_by: tuple[type, ...] = ()
    """Commands that nearly always begin a stream: nothing is read for them, unless the log says that it is there already."""
    snapshots: int = 0
    """Version of the state's form, for streams that grow long; 0: no snapshots. Raise it when a field of the state changes."""


class Streams(Protocol):
    """What handlers and processes may look at while they decide.

    Every state read is listed in the append with the version that was seen: if somebody else writes that stream first, the command is
    decided again.
    """

    def state(self, decider: Decider[S], key: str) -> S:
        """Return the state of one stream, with what this append has added so far."""
        ...

    def contact(self, address: Address) -> ContactId:
        """Return the contact of this address: known, or made now."""
        ...

    def group(self, address: Address) -> GroupId:
        """Return the group of this address: known, or made now."""
        ...

    def move(self, group: GroupId, address: Address) -> None:
        """Let one more address lead to this group. Kept even if this append fails: a second address does no harm."""
        ...

    def customer_of(self, contact: ContactId) -> CustomerId:
        """Return the customer this contact is linked to. Raises UnknownRecipient for a contact never seen."""
        ...

    def digest(self, *parts: str) -> Digest:
        """Keyed hash, for ids that must come out equal when something happens twice."""
        ...

    def fresh(self) -> str:
        """Return a new random id, time-ordered."""
        ...


@dataclass(frozen=True, slots=True)
class Write:
    """Events for one stream. ``once``: the stream must be new, otherwise the whole append is a duplicate and is dropped."""

    decider: Decider[Any]
    key: str
    events: tuple[Event, ...]
    once: bool = False


@dataclass(frozen=True, slots=True)
class Handler:
    """A command that concerns several streams. ``addresses`` lists whom it names, so that a batch of them is looked up at once.

    ``hopes`` lists streams that most likely do not exist: they are not looked for, and the log refuses what was decided on a wrong hope.
    """

    command: type
    handle: Callable[[Any, Streams, Context], Iterable[Write | Command]]
    addresses: Callable[[Any], Iterable[Address]] = lambda _: ()
    hopes: Callable[[Any], Iterable[StreamId]] = lambda _: ()


@dataclass(frozen=True, slots=True)
class Process:
    """Event in, commands out. ``immediate``: in the append of the event itself, so both happen or neither.

    ``listens_to``: the event classes it is asked about. ``name`` keys its position: never rename it.
    """

    name: str
    listens_to: tuple[type, ...]
    react: Callable[[Recorded, Streams], Iterable[Command]]
    immediate: bool = False
