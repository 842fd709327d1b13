"""Leases: which of several processes does what. A lease is somebody's until it ends; whoever does not renew it has lost it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from domain.identity import Slug


@dataclass(frozen=True, slots=True)
class Lease:
    """Whose a name is. ``epoch``: how often it has come into other hands, from 1."""

    holder: Slug
    epoch: int


class Leases(Protocol):
    """Names that one holder at a time has, by one clock for all of them. Synchronous: threads and tasks only drive it."""

    def live(self) -> Mapping[str, Lease]:
        """Return every lease that has not ended. Raises StoreUnavailable."""
        ...

    def hold(
        self, holder: Slug, names: Collection[str], lives_s: float, leaving: Collection[str] = ()
    ) -> Mapping[str, int]:
        """Take or renew those of ``names`` that are free or the holder's own, for so many seconds from now, and end those of ``leaving``.

        Returns the epoch of each that is the holder's now. One that ended and that nobody else had since keeps its epoch. Raises
        StoreUnavailable: then nobody knows.
        """
        ...

    def sweep(self, prefix: str, ended_s: float) -> int:
        """Remove leases whose name begins so and that ended at least so many seconds ago, some of them at a time. Returns how many.

        With a lease goes its epoch: this is for names that only one holder ever has. Raises StoreUnavailable.
        """
        ...

    def close(self) -> None:
        """Give back connections; leases end by themselves."""
        ...


class MemoryLeases:
    """Leases in memory. ``clock``: seconds that only grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: dict[str, tuple[Lease, float]] = {}

    def live(self) -> Mapping[str, Lease]:
        """See Leases."""
        now = self._clock()
        return {name: lease for name, (lease, until) in self._held.items() if until > now}

    def hold(
        self, holder: Slug, names: Collection[str], lives_s: float, leaving: Collection[str] = ()
    ) -> Mapping[str, int]:
        """See Leases."""
        now = self._clock()
        for name in leaving:
            if name in self._held and self._held[name][0].holder == holder:
                self._held[name] = self._held[name][0], now
        ours: dict[str, int] = {}
        for name in names:
            lease, until = self._held.get(name, (Lease(holder, 1), now))
            if lease.holder != holder and until <= now:
                lease = Lease(holder, lease.epoch + 1)
            if lease.holder == holder:
                self._held[name] = lease, now + lives_s
                ours[name] = lease.epoch
        return ours

    def sweep(self, prefix: str, ended_s: float) -> int:
        """See Leases."""
        latest = self._clock() - ended_s
        gone = [
            name for name, (_, until) in self._held.items() if name.startswith(prefix) and until <= latest
        ]
        for name in gone:
            del self._held[name]
        return len(gone)

    def close(self) -> None:
        """See Leases."""
