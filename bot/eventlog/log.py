"""The event log over a store: encodes before the lock, decodes after it, wakes who follows."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal, Protocol

import structlog

from bot.eventlog.batch import Batch
from bot.eventlog.codec import Codec, Row, microseconds
from domain.identity import StreamId
from domain.message import Recorded
from domain.ports.event_log import Append, Appended, LogIdentity, Outcome

_log = structlog.get_logger(__name__)

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


class StoredEventLog:
    """domain.ports.event_log.EventLog over a store; beside it, polling offsets (cursors) and pacing state. Thread-safe."""

    def __init__(self, store: Store, codec: Codec, clock: Callable[[], datetime]) -> None:
        self._store, self._codec, self._clock = store, codec, clock
        self._wakes: list[Callable[[], None]] = []
        self._wakes_lock = threading.Lock()

    def append(self, units: Sequence[Append]) -> list[Outcome]:
        """See EventLog."""
        batch = Batch(units, self._codec, microseconds(self._clock()))
        outcomes = batch.outcomes(self._store.append(batch))
        if any(isinstance(outcome, Appended) and outcome.events for outcome in outcomes):
            self._wake()
        return outcomes

    def read_stream(self, stream: StreamId, after: int = 0) -> list[Recorded]:
        """See EventLog."""
        return self._codec.decode(self._store.rows_of(stream, after))

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
