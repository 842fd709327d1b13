"""What outlives a process: the log, the identities, the views, and the small notes beside them."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from domain.errors import StoreUnavailable
from domain.identity import Address, StreamId
from domain.message import Recorded
from domain.ports.event_log import (
    Append,
    Appended,
    Conflict,
    EventLog,
    LogIdentity,
    MemoryEventLog,
    Outcome,
)
from domain.ports.identities import MemoryIdentities
from domain.registry import EVENT_TYPES
from tests.simulation.reads import Reads

SLUGS = {event: slug for slug, event in EVENT_TYPES.items()}


class OrderedIdentities(MemoryIdentities):
    """New ids are made in the order of the addresses: a set's own order is another one in every interpreter."""

    def resolve(self, addresses: Iterable[Address]) -> Mapping[Address, str]:
        """See Identities."""
        ordered = sorted(addresses, key=lambda a: (a.party, a.channel, a.account, a.external_id))
        return super().resolve(ordered)


@dataclass(slots=True)
class Disk:
    """``pacing``: what each worker noted of its token buckets. ``parked``: what a process could not digest."""

    log: MemoryEventLog
    identities: MemoryIdentities
    reads: Reads
    pacing: dict[str, str] = field(default_factory=dict)
    parked: list[str] = field(default_factory=list)

    def close(self) -> None:
        """Throw it away."""
        self.reads.close()


class IdSeries:
    """Ids that look as fresh ones do, later ones sort later, and the same seed makes the same."""

    def __init__(self, seed: str) -> None:
        self._seed, self._made = seed, 0

    def __call__(self) -> str:
        """Return the next one: 32 hexadecimal digits."""
        self._made += 1
        tail = hashlib.sha256(f"{self._seed}:{self._made}".encode()).hexdigest()[:20]
        return f"{self._made:012x}{tail}"


@dataclass(slots=True)
class ReachedLog:
    """domain.ports.event_log.EventLog as one process reaches it.

    ``away``: asked before each append; ``lost``: asked after it, whether its answer is lost.
    ``appended``: told of what was stored, whoever asked for it.
    """

    log: MemoryEventLog
    away: Callable[[], bool]
    lost: Callable[[], bool]
    appended: Callable[[Sequence[Recorded]], None]

    def append(self, units: Sequence[Append]) -> list[Outcome]:
        if self.away():
            raise StoreUnavailable("the disk is full")
        outcomes = self.log.append(units)
        stored = [r for outcome in outcomes if isinstance(outcome, Appended) for r in outcome.events]
        self.appended(stored)
        conflict = any(isinstance(outcome, Conflict) for outcome in outcomes)
        if stored and not conflict and self.lost():
            raise StoreUnavailable("the answer was lost")
        return outcomes

    def read_stream(self, stream: StreamId, after: int = 0) -> list[Recorded]:
        return self.log.read_stream(stream, after)

    def read_streams(self, streams: Collection[StreamId]) -> dict[StreamId, list[Recorded]]:
        return self.log.read_streams(streams)

    def recent(self, after: int, limit: int) -> list[Recorded] | None:
        return self.log.recent(after, limit)

    def read(self, after: int, limit: int) -> list[Recorded]:
        return self.log.read(after, limit)

    def head(self) -> int:
        return self.log.head()

    def identity(self) -> LogIdentity:
        return self.log.identity()

    def progress(self, name: str) -> int | None:
        return self.log.progress(name)

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        return self.log.subscribe(wake)

    def close(self) -> None:
        """Nothing is held."""


def _is_a_log(log: ReachedLog) -> EventLog:
    return log  # for the type checker: the port is filled
