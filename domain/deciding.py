"""Deciding a batch: each request becomes one unit, and a unit sees the pending writes of those before it. Nothing is stored here."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from domain.contacts.contact import contacts
from domain.decider import Decider, Handler, Process, Write
from domain.errors import SiyuError, UnknownEvent, UnknownRecipient
from domain.identity import (
    Address,
    ContactId,
    CustomerId,
    Digest,
    EventId,
    GroupId,
    Slug,
    StreamId,
    stream,
)
from domain.message import Command, Context, Event, Origin, Recorded
from domain.ports.event_log import Append, NewEvent, Progress, StreamWrite, Unreadable
from domain.ports.identities import Identities

S = TypeVar("S")

MAX_COMMANDS_PER_UNIT = 2_000
"""Commands that one request may lead to in the same append; more is a loop."""


@dataclass(frozen=True, slots=True)
class Request:
    """Commands to be decided together, in one append; ``reactions`` let a process answer events, moving its ``progress``."""

    context: Context
    commands: tuple[Command, ...] = ()
    reactions: "tuple[Reaction, ...]" = ()
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Reaction:
    """A process is asked about an event when its turn has come: by then it sees what came before it in this append."""

    process: Process
    recorded: Recorded
    now: datetime
    """Of what it brings about."""


@dataclass(frozen=True, slots=True)
class Done:
    """Decided and durable. ``duplicate``: it had been done before."""

    events: tuple[Recorded, ...] = ()
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """Not done; ``error`` says why. Nothing was stored."""

    error: SiyuError


Result = Done | Failed


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything that decides: built once from the literal tuples in domain/registry.py."""

    deciders: Mapping[type, Decider[Any]]
    handlers: Mapping[type, Handler]
    immediate: Mapping[type, tuple[Process, ...]]
    slugs: Mapping[type, str]
    """By event class: slug and version."""
    snapshots: Mapping[str, int]
    """By category: the version of the state's form, where there are snapshots."""

    @classmethod
    def build(
        cls, deciders: Iterable[Decider[Any]], handlers: Iterable[Handler], processes: Iterable[Process]
    ) -> "Registry":
        """Index the tuples by command and by event class."""
        immediate: dict[type, tuple[Process, ...]] = {}
        for process in processes:
            for event in process.listens_to if process.immediate else ():
                immediate[event] = (*immediate.get(event, ()), process)
        known = tuple(deciders)
        return cls(
            {command: decider for decider in known for command in decider.commands},
            {handler.command: handler for handler in handlers},
            immediate,
            {event: slug for decider in known for slug, event in decider.events},
            {decider.category: decider.snapshots for decider in known if decider.snapshots},
        )


class Sources(Protocol):
    """What deciding reads: the dispatcher, as seen from here."""

    registry: Registry
    identities: Identities

    @property
    def digest(self) -> Callable[..., Digest]:
        """Keyed hash under the installation's secret."""
        ...

    @property
    def fresh(self) -> Callable[[], str]:
        """Make a new random id."""
        ...

    def load(self, decider: Decider[S], name: StreamId) -> tuple[int, S]:
        """Return (version, state) of a stream. Raises UnknownEvent for a stream with a damaged event."""
        ...

    def held(self, name: StreamId) -> tuple[int, Any] | None:
        """Return the same where it is in memory, without reading anything."""
        ...


@dataclass(slots=True)
class Batch:
    """States as the units of this batch have left them so far."""

    sources: Sources
    known: dict[Address, str]
    pending: dict[StreamId, tuple[int, Any]] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    """Ids made in this batch: nobody can have written their streams."""
    hopeful: bool = False
    """Whether what a command begins is taken to be new. If it is not, the log refuses the unit, and it is decided again with open eyes."""
    hoped: set[StreamId] = field(default_factory=set)
    """Streams that were taken so."""

    def decide(self, request: Request) -> tuple[Append, Result | None]:
        """Return the unit for the log and, where it was decided to store nothing, what to answer.

        Such a unit goes to the log too: what was seen may be old, or the pending write of a unit that is dropped.
        """
        unit = _Unit(self, request)
        try:
            unit.run()
        except SiyuError as error:
            return unit.checked(), Failed(error)
        if unit.duplicate:
            return unit.checked(), Done(duplicate=True)
        self.pending.update(unit.states)
        return unit.append(), None

    def hope(self, name: StreamId) -> None:
        """Take a stream to be new, where nothing of it is in memory."""
        if self.hopeful and name not in self.pending and self.sources.held(name) is None:
            self.hoped.add(name)

    def is_new(self, name: StreamId) -> bool:
        """Whether there is nothing to read of it."""
        return name in self.hoped or name.partition("-")[2] in self.fresh


_Todo = Reaction | tuple[Command, Context]


class _Unit:
    """One request while it is decided. It is the ``Streams`` that handlers and processes look at."""

    def __init__(self, batch: Batch, request: Request) -> None:
        self._batch, self._sources, self._request = batch, batch.sources, request
        self._seen: dict[StreamId, int] = {}
        self._entries: dict[StreamId, tuple[int, Any]] = {}
        self.states: dict[StreamId, tuple[int, Any]] = {}
        """Those that it writes."""
        self._writes: OrderedDict[StreamId, list[NewEvent]] = OrderedDict()
        self._once: StreamId | None = None
        self.duplicate = False

    def run(self) -> None:
        """Decide the request and everything it leads to in the same append."""
        context = self._request.context
        todo: deque[_Todo] = deque((command, context) for command in self._request.commands)
        todo.extend(r for r in self._request.reactions if r.recorded.origin is Origin.LIVE)
        for _ in range(MAX_COMMANDS_PER_UNIT):
            if not todo or self.duplicate:
                return
            # Depth first: what an event leads to comes before the next command.
            todo.extendleft(reversed(self._step(todo.popleft())))
        raise AssertionError(f"{self._request} leads to more than {MAX_COMMANDS_PER_UNIT} commands")

    def _step(self, step: _Todo) -> Sequence[_Todo]:
        if isinstance(step, Reaction):
            commands = list(step.process.react(step.recorded, self))
            if not commands:  # most processes have nothing to say to most events
                return ()
            by = answering(step.recorded, step.process, step.now)
            return [(command, by) for command in commands]
        command, context = step
        handler = self._sources.registry.handlers.get(type(command))
        if handler is not None:
            return self._handle(handler, command, context)
        decider = self._sources.registry.deciders[type(command)]
        key = decider.key(command, self)
        if type(command) in decider.begun_by:
            self._batch.hope(stream(decider.category, key))
        events = tuple(decider.decide(self.state(decider, key), command, context))
        return self._write(Write(decider, key, events), context)[0]

    def _handle(self, handler: Handler, command: Command, context: Context) -> Sequence[_Todo]:
        for name in handler.hopes(command):
            self._batch.hope(name)
        follow: list[_Todo] = []
        reactions: list[Reaction] = []
        because: EventId | None = None
        for part in handler.handle(command, self, context):
            if self.duplicate:
                return ()
            if because is not None:  # only now is it asked for: most facts bring nothing else about
                context, because = caused_by(because, context), None
            if isinstance(part, Write):
                led_to, because = self._write(part, context)
                reactions += led_to
            else:
                follow.append((part, context))
        return [*follow, *reactions]

    def _write(self, write: Write, context: Context) -> tuple[Sequence[Reaction], EventId | None]:
        """Add events to the unit. Returns who reacts to them at once, and the last of them."""
        name = stream(write.decider.category, write.key)
        if write.once:
            self._first(name, write.decider)
        if self.duplicate or not write.events:
            return (), None
        version, state = self._entry(write.decider, name)
        events = self._writes.setdefault(name, [])
        follow: list[Reaction] = []
        for event in write.events:
            version, state = version + 1, write.decider.evolve(state, event)
            self.states[name] = self._entries[name] = (version, state)
            events.append(NewEvent(event, context))
            processes = self._sources.registry.immediate.get(type(event))
            if processes and context.origin is Origin.LIVE:
                slug = self._sources.registry.slugs[type(event)]
                recorded = _preview(slug, name, version, event, context)
                follow += [Reaction(process, recorded, context.now) for process in processes]
        return follow, EventId(f"{name}@{version}")

    def _first(self, name: StreamId, decider: Decider[Any]) -> None:
        if self._once is not None:
            raise AssertionError(f"{name}: an append holds one fact that must be new, and has {self._once}")
        pending = self._batch.pending.get(name)
        self.duplicate = pending is not None
        entry = pending or (0, decider.initial)
        self._seen[name] = entry[0]
        self.states[name] = self._entries[name] = entry
        self._once = name

    def _entry(self, decider: Decider[S], name: StreamId) -> tuple[int, S]:
        entry = self._entries.get(name)
        if entry is None:
            entry = self._batch.pending.get(name)
            if entry is None:
                new = self._batch.is_new(name)
                entry = (0, decider.initial) if new else self._sources.load(decider, name)
            self._entries[name], self._seen[name] = entry, entry[0]
        return entry

    def append(self) -> Append:
        """Return the unit for the log."""
        return Append(
            writes=tuple(
                StreamWrite(name, self._seen[name], tuple(events)) for name, events in self._writes.items()
            ),
            once=self._once,
            unchanged={name: version for name, version in self._seen.items() if name not in self._writes},
            progress=self._request.progress,
        )

    def checked(self) -> Append:
        """Return a unit that stores nothing, and is in conflict where this was decided on what is not so."""
        return Append(once=self._once, unchanged=self._seen)

    # What handlers and processes may ask (domain.decider.Streams).

    def state(self, decider: Decider[S], key: str) -> S:
        return self._entry(decider, stream(decider.category, key))[1]

    def contact(self, address: Address) -> ContactId:
        return ContactId(self._batch.known[address])

    def group(self, address: Address) -> GroupId:
        return GroupId(self._batch.known[address])

    def customer_of(self, contact: ContactId) -> CustomerId:
        customer = self.state(contacts, contact).customer
        if customer is None:
            raise UnknownRecipient("no such contact")
        return customer

    def move(self, group: GroupId, address: Address) -> None:
        self._sources.identities.alias(address, group)
        self._batch.known[address] = group  # what else comes from there in this batch is of the same group

    def digest(self, *parts: str) -> Digest:
        return self._sources.digest(*parts)

    def fresh(self) -> str:
        made = self._sources.fresh()
        self._batch.fresh.add(made)
        return made


def fold(decider: Decider[S], events: Iterable[Recorded], state: S | None = None) -> S:
    """Return the state that a stream's events lead to, from ``state`` on. Raises UnknownEvent where one of them is damaged."""
    state = decider.initial if state is None else state
    for recorded in events:
        if isinstance(recorded.event, Unreadable):
            raise UnknownEvent(f"{recorded.id} cannot be read: {recorded.event.error}")
        state = decider.evolve(state, recorded.event)
    return state


def _preview(slug: str, name: StreamId, version: int, event: Event, context: Context) -> Recorded:
    """Return the event as immediate processes see it: in the log's clothes, but without a position yet."""
    return Recorded(
        position=0,
        stream=name,
        version=version,
        type=slug,
        recorded_at=context.now,
        occurred_at=context.occurred_at,
        origin=context.origin,
        actor=context.actor,
        cause=context.cause,
        correlation=context.correlation,
        event=event,
    )


def caused_by(event: EventId, context: Context) -> Context:
    """Return the context of what an event brings about: caused by it, in its correlation.

    Field by field: dataclasses.replace would cost a fan-out a twentieth of its time.
    """
    correlation = context.correlation or Slug(event)
    return Context(context.actor, context.occurred_at, context.now, event, correlation, context.origin)


def answering(recorded: Recorded, process: Process, now: datetime) -> Context:
    """Return the context of what a process does about a recorded event."""
    cause = recorded.id
    actor, correlation = Slug(f"process-{process.name}"), recorded.correlation or Slug(cause)
    return Context(actor, recorded.occurred_at, now, cause, correlation)
