"""The only writer of the log: load -> decide -> append, many streams in one append, many appends in one transaction.

``Dispatcher.step`` takes a batch of requests and is plain synchronous code; whoever drives it (a thread in ``bot``, a test) decides
when. Each request becomes one unit; a unit sees the pending writes of earlier units of its batch.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from domain.contacts.contact import contacts
from domain.decider import Decider
from domain.deciding import (
    Batch,
    Done,
    Failed,
    Reaction,
    Registry,
    Request,
    Result,
    answering,
    caused_by,
    fold,
)
from domain.errors import SiyuError, VersionConflict
from domain.identity import Address, KeyedHash, Party, StreamId, category, stream
from domain.ports.event_log import Append, Appended, Conflict, Duplicate, EventLog, Unreadable
from domain.ports.identities import Identities
from domain.ports.snapshots import MemorySnapshots, Snapshot, Snapshots

__all__ = [
    "Dispatcher",
    "Done",
    "Failed",
    "Reaction",
    "Registry",
    "Request",
    "Result",
    "answering",
    "caused_by",
    "fold",
]

S = TypeVar("S")

MAX_TRIES = 5
"""A command whose streams somebody else wrote first is decided again so often."""
SNAPSHOT_EVERY = 100
"""Events of a long stream between two snapshots."""
CACHED_STREAMS = 50_000
"""States of recently used streams that are kept with their version."""
LARGE_APPEND = 50
"""Streams that one append begins; of more, none is kept: a chunk of a fan-out is claimed minutes later, and one by one."""


class Dispatcher:
    """Decides requests and appends what comes of them."""

    def __init__(
        self,
        log: EventLog,
        identities: Identities,
        registry: Registry,
        digest: KeyedHash,
        fresh: Callable[[], str],
        snapshots: Snapshots | None = None,
    ) -> None:
        """``digest``: keyed hash under the installation's secret; ``fresh``: makes a new random id."""
        self.snapshots: Snapshots = snapshots if snapshots is not None else MemorySnapshots()
        self.log, self.identities, self.registry = log, identities, registry
        self.digest, self.fresh = digest, fresh
        self._cache: OrderedDict[StreamId, tuple[int, Any]] = OrderedDict()
        self._stale = False

    def forget_states(self) -> None:
        """Remember no stream from the next step on: somebody was forgotten. From any thread."""
        self._stale = True

    def step(self, requests: Sequence[Request]) -> list[Result]:
        """Decide a batch and append it in one transaction; conflicts are decided again.

        Raises StoreUnavailable, SubjectForgotten: then nothing of the batch was stored.
        """
        if self._stale:
            self._stale = False
            self._cache.clear()
        results: list[Result | None] = [None] * len(requests)
        waiting = list(range(len(requests)))
        error: SiyuError = VersionConflict(f"others wrote the same streams {MAX_TRIES} times: try again")
        for tried in range(MAX_TRIES):
            try:
                waiting = self._try(requests, waiting, results, hopeful=not tried)
            except SiyuError as stopped:
                if len(waiting) == len(requests):
                    raise
                error = stopped  # some are stored already: only the others are told
                break
            if not waiting:
                break
        return [result or Failed(error) for result in results]

    def _try(
        self, requests: Sequence[Request], wanted: list[int], results: list[Result | None], *, hopeful: bool
    ) -> list[int]:
        known = self.identities.resolve(self._addresses(requests[index] for index in wanted))
        self._prefetch(known)
        batch = Batch(self, dict(known), hopeful=hopeful)
        decided = [(index, *batch.decide(requests[index])) for index in wanted]
        try:
            outcomes = self.log.append([unit for _, unit, _ in decided])
        except Exception:
            self._cache.clear()
            raise
        again = []
        for (index, _, nothing), outcome in zip(decided, outcomes, strict=True):
            match outcome:
                case Appended(events=events):
                    results[index] = nothing or Done(events)
                case Duplicate():
                    results[index] = Done(duplicate=True)
                case Conflict():
                    again.append(index)
        if all(isinstance(outcome, Appended) for outcome in outcomes):
            self._remember(batch.pending)
            for _, unit, _ in decided:
                self._let_go(unit)
        else:  # what lies behind a dropped unit was decided on states that never came to be
            for _, unit, _ in decided:
                self._forget(unit)
        return again

    def _addresses(self, requests: Iterable[Request]) -> set[Address]:
        return {
            address
            for request in requests
            for command in request.commands
            if (handler := self.registry.handlers.get(type(command))) is not None
            for address in handler.addresses(command)
        }

    def _prefetch(self, known: Mapping[Address, str]) -> None:
        """Read the contacts of a batch in one question instead of one each."""
        names = [
            stream(contacts.category, key) for address, key in known.items() if address.party is Party.CONTACT
        ]
        missing = [name for name in names if name not in self._cache]
        for name, recorded in self.log.read_streams(missing).items() if missing else ():
            damaged = any(isinstance(r.event, Unreadable) for r in recorded)
            if not damaged:  # load says what is wrong, to whom it concerns
                self._keep(name, (recorded[-1].version if recorded else 0, fold(contacts, recorded)))

    def held(self, name: StreamId) -> tuple[int, Any] | None:
        """Return (version, state) of a stream that is remembered."""
        cached = self._cache.get(name)
        if cached is not None:
            self._cache.move_to_end(name)
        return cached

    def load(self, decider: Decider[S], name: StreamId) -> tuple[int, S]:
        """Return (version, state) of a stream, from the cache or the log. Raises UnknownEvent for a stream with a damaged event."""
        cached = self.held(name)
        if cached is not None:
            return cached
        version, state = self._snapshot(decider, name)
        recorded = self.log.read_stream(name, version)
        entry = (recorded[-1].version if recorded else version), fold(decider, recorded, state)
        self._keep(name, entry)
        return entry

    def _snapshot(self, decider: Decider[S], name: StreamId) -> tuple[int, S]:
        if decider.snapshots:
            found = self.snapshots.load(name, type(decider.initial), decider.snapshots)
            if found is not None:
                return found.version, found.state
        return 0, decider.initial

    def _remember(self, states: Mapping[StreamId, tuple[int, Any]]) -> None:
        grown: list[Snapshot] = []
        for name, (version, state) in states.items():
            kind = category(name)
            if kind == "inbound":  # never decided on again
                continue
            shape = self.registry.snapshots.get(kind, 0)
            before = self._cache.get(name, (0, None))[0]
            if shape and version // SNAPSHOT_EVERY > before // SNAPSHOT_EVERY:
                grown.append(Snapshot(name, version, shape, state))
            self._keep(name, (version, state))
        if grown:
            self.snapshots.save(grown)

    def _keep(self, name: StreamId, entry: tuple[int, Any]) -> None:
        self._cache[name] = entry
        self._cache.move_to_end(name)
        if len(self._cache) > CACHED_STREAMS:
            self._cache.popitem(last=False)

    def _let_go(self, unit: Append) -> None:
        begun = [write.stream for write in unit.writes if not write.expected]
        if len(begun) > LARGE_APPEND:
            for name in begun:
                self._cache.pop(name, None)

    def _forget(self, unit: Append) -> None:
        for name in (*unit.unchanged, *(write.stream for write in unit.writes)):
            self._cache.pop(name, None)
