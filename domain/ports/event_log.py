"""The promise of the log: append units, read by stream, read by position."""

from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import ClassVar, Protocol

from domain.identity import StreamId
from domain.message import Context, Event, Recorded


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be stored, and who brought it about and why."""

    event: Event
    context: Context


@dataclass(frozen=True, slots=True)
class StreamWrite:
    """Events for one stream, which must be at ``expected`` (0: it must be empty)."""

    stream: StreamId
    expected: int
    events: tuple[NewEvent, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """A process moves from one position to the next, together with what it caused."""

    name: str
    expected: int
    position: int


@dataclass(frozen=True, slots=True)
class Append:
    """One command's unit: all of it is stored, or nothing.

    ``once``: a stream that must be new, among ``writes`` where there are any; if it exists the whole unit is a duplicate. ``unchanged``:
    streams that were read, with the version that was seen. ``progress``: position of the process that asks.
    """

    writes: tuple[StreamWrite, ...] = ()
    once: StreamId | None = None
    unchanged: Mapping[StreamId, int] = field(default_factory=dict)
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """Stored and durable; the events as recorded, in order."""

    events: tuple[Recorded, ...]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """``once`` existed: nothing was stored, and nothing needs to be."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """``where`` (a stream, or ``progress:NAME``) was not as expected: nothing was stored, decide again."""

    where: str


Outcome = Appended | Duplicate | Conflict


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """Which log this is. A restored backup is the same log in a new incarnation."""

    id: str
    incarnation: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for an event this Siyu cannot read: its type is unknown, its key is missing, its bytes are damaged."""

    SUBJECT: ClassVar[str] = ""
    error: str


class EventLog(Protocol):
    """An append-only log. Synchronous: threads and tasks only drive it."""

    def append(self, units: Sequence[Append]) -> list[Outcome]:
        """Store a batch in one transaction, in order; a unit sees what earlier units of the batch wrote.

        Returns one outcome a unit. A unit that is a duplicate or in conflict is dropped and does not touch its neighbours; but one that
        comes after it and names a stream it would have written is in conflict too, at whatever version that stream stands: it was decided
        on a state that never came to be. A unit without writes is checked like any other. When this returns, what was appended is
        durable. ``recorded_at`` never decreases with position. Raises StoreUnavailable (nothing of the batch is known to be stored),
        SubjectForgotten.
        """
        ...

    def read_stream(self, stream: StreamId, after: int = 0) -> list[Recorded]:
        """Return the events of one stream with a version above ``after``, oldest first; empty for an unknown stream."""
        ...

    def read_streams(self, streams: Collection[StreamId]) -> dict[StreamId, list[Recorded]]:
        """Return the events of several streams at once, as ``read_stream`` would; an unknown stream is there with no events."""
        ...

    def recent(self, after: int, limit: int) -> list[Recorded] | None:
        """Return what ``read`` would, where this process holds it in memory; None where ``read`` must be asked. Never waits."""
        ...

    def read(self, after: int, limit: int) -> list[Recorded]:
        """Return up to ``limit`` events with a position above ``after``, in order of position.

        Numbers may be missing in between, but an event never appears below a position that was returned. What cannot be read stands there
        as Unreadable.
        """
        ...

    def head(self) -> int:
        """Return the last position; 0 for an empty log."""
        ...

    def identity(self) -> LogIdentity:
        """Return which log this is."""
        ...

    def progress(self, name: str) -> int | None:
        """Return how far a process has come, None if it never ran."""
        ...

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call ``wake`` (quick, from any thread) after an append, by whomever where the store can tell. Returns what ends it."""
        ...

    def close(self) -> None:
        """Give back connections and locks."""
        ...


class MemoryEventLog:
    """The log in memory: for tests, and for trying things out."""

    def __init__(
        self,
        types: Mapping[type, str],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        identity: LogIdentity = LogIdentity("memory", 1),
    ) -> None:
        """``types``: the slug and version of each event class."""
        self._types, self._clock, self._identity = types, clock, identity
        self._events: list[Recorded] = []
        self._streams: dict[StreamId, list[Recorded]] = {}
        self._progress: dict[str, int] = {}
        self._wakes: list[Callable[[], None]] = []

    def append(self, units: Sequence[Append]) -> list[Outcome]:
        """See EventLog."""
        outcomes, dropped = [], set[StreamId]()
        for unit in units:
            outcomes.append(outcome := self._append(unit, dropped))
            if not isinstance(outcome, Appended):
                dropped.update(write.stream for write in unit.writes)
        if any(isinstance(outcome, Appended) and outcome.events for outcome in outcomes):
            for wake in tuple(self._wakes):
                wake()
        return outcomes

    def _append(self, unit: Append, dropped: AbstractSet[StreamId]) -> Outcome:
        if unit.once is not None and self._version(unit.once):
            return Duplicate()
        expected = {**unit.unchanged, **{write.stream: write.expected for write in unit.writes}}
        for stream, version in expected.items():
            if self._version(stream) != version or stream in dropped:
                return Conflict(stream)
        progress = unit.progress
        if progress is not None:
            if self._progress.get(progress.name, 0) != progress.expected:
                return Conflict(f"progress:{progress.name}")
            self._progress[progress.name] = progress.position
        return Appended(
            tuple(self._store(write.stream, new) for write in unit.writes for new in write.events)
        )

    def _version(self, stream: StreamId) -> int:
        return len(self._streams.get(stream, ()))

    def _store(self, stream: StreamId, new: NewEvent) -> Recorded:
        event, context = new.event, new.context
        last = self._events[-1].recorded_at if self._events else None
        now = self._clock()
        recorded = Recorded(
            position=len(self._events) + 1,
            stream=stream,
            version=self._version(stream) + 1,
            type=self._types[type(event)],
            recorded_at=now if last is None else max(now, last),
            occurred_at=context.occurred_at,
            origin=context.origin,
            actor=context.actor,
            cause=context.cause,
            correlation=context.correlation,
            event=event,
        )
        self._events.append(recorded)
        self._streams.setdefault(stream, []).append(recorded)
        return recorded

    def read_stream(self, stream: StreamId, after: int = 0) -> list[Recorded]:
        """See EventLog."""
        return self._streams.get(stream, [])[after:]

    def read_streams(self, streams: Collection[StreamId]) -> dict[StreamId, list[Recorded]]:
        """See EventLog."""
        return {stream: self.read_stream(stream) for stream in streams}

    def recent(self, after: int, limit: int) -> list[Recorded] | None:
        """See EventLog."""
        return self.read(after, limit)

    def read(self, after: int, limit: int) -> list[Recorded]:
        """See EventLog."""
        return self._events[after : after + limit]

    def head(self) -> int:
        """See EventLog."""
        return len(self._events)

    def identity(self) -> LogIdentity:
        """See EventLog."""
        return self._identity

    def progress(self, name: str) -> int | None:
        """See EventLog."""
        return self._progress.get(name)

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        """See EventLog."""
        self._wakes.append(wake)
        return lambda: self._wakes.remove(wake)

    def close(self) -> None:
        """See EventLog."""

    def new_incarnation(self) -> None:
        """Become what a restored backup is: the same log in a new incarnation."""
        self._identity = replace(self._identity, incarnation=self._identity.incarnation + 1)
