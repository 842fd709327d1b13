"""The event log over a store: encodes before the lock, decodes after it, wakes who follows."""

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Literal, Protocol

import structlog

from bot.eventlog.batch import Batch
from bot.eventlog.codec import Codec, Row, microseconds
from domain.identity import StreamId
from domain.message import Recorded
from domain.ports.event_log import Append, Appended, LogIdentity, Outcome

_log = structlog.get_logger(__name__)

LATEST_KEPT = 5_000
"""Events; a follower further behind reads the store."""
Notes = Literal["cursors", "pacing"]
"""Small tables of names and values beside the log."""
NOTES: tuple[Notes, ...] = ("cursors", "pacing")


class Store(Protocol):
    """What a log needs of SQLite or PostgreSQL. Thread-safe. Every method raises StoreUnavailable."""

    def append(self, batch: Batch) -> Sequence[int]:
        """Let the batch judge where things stand and write what it wants, in one transaction under the writers' lock.

        Returns the positions of ``batch.stored``; durable when this returns.
        """
        ...

    def rows(self, after: int, limit: int) -> list[Row]:
        """Return events by position."""
        ...

    def rows_of_many(self, streams: Collection[str]) -> list[Row]:
        """Return the rows of several streams, each stream's oldest first."""
        ...

    def rows_of(self, stream: str, after: int) -> list[Row]:
        """Return events of one stream by version."""
        ...

    def head(self) -> int:
        """Return the last position, 0 where there is none."""
        ...

    def identity(self) -> LogIdentity:
        """Return which log this is."""
        ...

    def new_incarnation(self) -> None:
        """Count the incarnation up."""
        ...

    def progress(self, name: str) -> int | None:
        """Return the position of a process."""
        ...

    def get(self, notes: Notes, name: str) -> str | None:
        """Return a value."""
        ...

    def put(self, notes: Notes, name: str, value: str) -> None:
        """Keep a value; durable when this returns."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


class Latest:
    """The newest events of a log with one writer, as they were appended: followers that keep up need not read them again."""

    def __init__(self, head: int) -> None:
        """``head``: the last position that is not here."""
        self._one_at_a_time = threading.Lock()
        self._events: list[Recorded] = []
        self._before: int | None = head
        self._lock = threading.Lock()

    @contextmanager
    def appending(self) -> Iterator[Callable[[Sequence[Recorded]], None]]:
        """Give what takes the events of an append. While nobody knows whether one was stored, nothing is said to be here."""
        with self._one_at_a_time:
            try:
                yield self._add
            except BaseException:
                with self._lock:
                    self._before, self._events = None, []
                raise

    def _add(self, events: Sequence[Recorded]) -> None:
        with self._lock:
            if events and (
                self._before is None or events[0].position != self._before + len(self._events) + 1
            ):
                self._before, self._events = events[0].position - 1, []
            self._events.extend(events)
            if self._before is not None and len(self._events) > 2 * LATEST_KEPT:
                dropped = len(self._events) - LATEST_KEPT
                self._before += dropped
                self._events = self._events[dropped:]

    def clear(self) -> None:
        """Keep none; those that come are kept again."""
        with self._one_at_a_time, self._lock:
            self._before, self._events = None, []

    def read(self, after: int, limit: int) -> list[Recorded] | None:
        """Return the events above a position; None where some of them are not here."""
        with self._lock:
            if self._before is None or after < self._before:
                return None
            start = after - self._before
            return self._events[start : start + limit]


class StoredEventLog:
    """domain.ports.event_log.EventLog over a store; beside it, polling offsets (cursors) and pacing state. Thread-safe."""

    def __init__(
        self, store: Store, codec: Codec, clock: Callable[[], datetime], latest: "Latest | None" = None
    ) -> None:
        """``latest``: where nobody else writes the store, so that what was appended here is all there is."""
        self._latest = latest
        self._store, self._codec, self._clock = store, codec, clock
        self._wakes: list[Callable[[], None]] = []
        self._wakes_lock = threading.Lock()

    def append(self, units: Sequence[Append]) -> list[Outcome]:
        """See EventLog."""
        if not units:
            return []
        batch = Batch(units, self._codec, microseconds(self._clock()))
        if self._latest is None:
            outcomes = batch.outcomes(self._store.append(batch))
        else:
            with self._latest.appending() as add:
                outcomes = batch.outcomes(self._store.append(batch))
                add([r for o in outcomes if isinstance(o, Appended) for r in o.events])
        if any(isinstance(outcome, Appended) and outcome.events for outcome in outcomes):
            self._wake()
        return outcomes

    def read_stream(self, stream: StreamId, after: int = 0) -> list[Recorded]:
        """See EventLog."""
        return self._codec.decode(self._store.rows_of(stream, after))

    def read_streams(self, streams: Collection[StreamId]) -> dict[StreamId, list[Recorded]]:
        """See EventLog."""
        found: dict[StreamId, list[Recorded]] = {stream: [] for stream in streams}
        for recorded in self._codec.decode(self._store.rows_of_many(streams)) if streams else ():
            found[recorded.stream].append(recorded)
        return found

    def recent(self, after: int, limit: int) -> list[Recorded] | None:
        """See EventLog."""
        return None if self._latest is None else self._latest.read(after, limit)

    def forget_recent(self) -> None:
        """Remember nothing that was appended: some of it may have been destroyed since. The store has the rest."""
        if self._latest is not None:
            self._latest.clear()

    def read(self, after: int, limit: int) -> list[Recorded]:
        """See EventLog."""
        return self._codec.decode(self._store.rows(after, limit))

    def head(self) -> int:
        """See EventLog."""
        return self._store.head()

    def identity(self) -> LogIdentity:
        """See EventLog."""
        return self._store.identity()

    def new_incarnation(self) -> None:
        """Become what a restored backup is: the same log in a new incarnation."""
        self._store.new_incarnation()

    def progress(self, name: str) -> int | None:
        """See EventLog."""
        return self._store.progress(name)

    def get_cursor(self, name: str) -> str | None:
        """Return how far a channel has polled, None before the first time."""
        return self._store.get("cursors", name)

    def set_cursor(self, name: str, value: str) -> None:
        """Move a channel's polling offset; durable when this returns."""
        self._store.put("cursors", name, value)

    def get_pacing(self, name: str) -> str | None:
        """Return the state of a token bucket, None where it was never kept."""
        return self._store.get("pacing", name)

    def set_pacing(self, name: str, value: str) -> None:
        """Keep the state of a token bucket; durable when this returns."""
        self._store.put("pacing", name, value)

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        """See EventLog."""
        with self._wakes_lock:
            self._wakes.append(wake)

        def end() -> None:
            with self._wakes_lock:
                if wake in self._wakes:
                    self._wakes.remove(wake)

        return end

    def _wake(self) -> None:
        with self._wakes_lock:
            wakes = tuple(self._wakes)
        for wake in wakes:
            try:
                wake()
            except Exception:  # noqa: BLE001  # what was appended is durable: nobody's bug may make it look as if it were not
                _log.exception("a follower could not be woken")

    def close(self) -> None:
        """See EventLog."""
        self._store.close()
