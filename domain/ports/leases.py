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

    def close(self) -> None:
        """Give back connections; leases end by themselves."""
        ...


@dataclass(slots=True)
class _Held:
    holder: Slug
    epoch: int
    until: float


class MemoryLeases:
    """Leases in memory. ``clock``: seconds that only grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: dict[str, _Held] = {}

    def live(self) -> Mapping[str, Lease]:
        """See Leases."""
        now = self._clock()
        return {name: Lease(held.holder, held.epoch) for name, held in self._held.items() if held.until > now}

    def hold(
        self, holder: Slug, names: Collection[str], lives_s: float, leaving: Collection[str] = ()
    ) -> Mapping[str, int]:
        """See Leases."""
        now = self._clock()
        for name in leaving:
            if name in self._held and self._held[name].holder == holder:
                self._held[name].until = now
        for name in names:
            held = self._held.setdefault(name, _Held(holder, 1, now))
            if held.holder != holder and held.until <= now:
                held.holder, held.epoch = holder, held.epoch + 1
            if held.holder == holder:
                held.until = now + lives_s
        return {name: self._held[name].epoch for name in names if self._held[name].holder == holder}

    def close(self) -> None:
        """See Leases."""
