"""Duties: the work that one of several processes does. Each is begun when its lease is gained, and ended when that is lost.

Leases keep two processes from doing the same; they are not what keeps the log right: a process that was frozen and goes on as if nothing
had happened meets positions that others moved, versions they wrote, and streams that must be new.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import structlog

from domain.errors import SiyuError
from domain.identity import Slug
from domain.ports.leases import Lease, Leases

LEASE_S = 4.0
"""So long after a process was killed or froze its duties are others'."""
RENEWED_EVERY_S = 1.0
PRESENT = "here/"
"""Begins the leases by which processes tell that they are there at all: as many share the work. No other process takes one of these."""
GONE_S = 3600.0
"""Who was not there for so long is expected no more, and their leases of presence are removed. Who wakes all the same has them anew."""
SWEPT_EVERY_S = 600.0

log_ = structlog.get_logger(__name__)


async def nothing() -> None:
    """Do what a duty does that has nothing to begin, or to end."""


@dataclass(frozen=True, slots=True)
class Duty:
    """``begin``: raises what keeps it from beginning, then it is tried again. ``end``: returns when nothing of it goes on; never raises.

    ``common``: every process knows it. Of one that only some know (an account that is configured here) each of them tells the others.
    """

    name: str
    begin: Callable[[], Awaitable[None]] = nothing
    end: Callable[[], Awaitable[None]] = nothing
    common: bool = True


@dataclass(frozen=True, slots=True)
class Share:
    """``ours``: what to take or keep; ``surplus``: what to leave to others."""

    ours: tuple[str, ...]
    surplus: tuple[str, ...]


def share(
    names: Sequence[str], live: Mapping[str, Lease], holder: Slug, uncommon: Collection[str] = ()
) -> Share:
    """Return what one process may have, of what there is: as much as every other one, rounded up.

    It keeps what it has, as far as that goes, and takes what is free; each process would rather have others than its neighbours, so
    that two that begin at once seldom want the same. What nobody else can have, or has room for, is never left, and always taken.
    ``uncommon``: those of the names that not every process knows.
    """
    others = {lease.holder for name, lease in live.items() if name.startswith(PRESENT)} - {holder}
    fair = -(-len(names) // (len(others) + 1))
    load = Counter(lease.holder for name, lease in live.items() if not name.startswith(PRESENT))

    def others_take(name: str) -> bool:
        knowing = {o for o in others if _known_to(o, name) in live} if name in uncommon else others
        return any(load[other] < fair for other in knowing)

    liked = sorted(names, key=lambda name: blake2b(f"{holder} {name}".encode()).digest())
    ours: list[str] = []
    surplus: list[str] = []
    for name in [name for name in liked if name in live and live[name].holder == holder]:
        (surplus if len(ours) >= fair and others_take(name) else ours).append(name)
    for name in [name for name in liked if name not in live]:
        if len(ours) < fair or not others_take(name):
            ours.append(name)
    return Share(tuple(ours), tuple(surplus))


def _known_to(holder: Slug, name: str) -> str:
    return f"{PRESENT}{holder}/{name}"


class Duties:
    """One process's."""

    def __init__(
        self,
        leases: Leases,
        holder: Slug,
        duties: Callable[[], Sequence[Duty]],
        boottime: Callable[[], float],
    ) -> None:
        """``duties``: all there are, whoever does them. ``boottime``: seconds that go on while the process is frozen."""
        self._leases, self.holder, self._duties, self._boottime = leases, holder, duties, boottime
        self._until: dict[str, float] = {}
        self._begun: dict[str, tuple[Duty, int]] = {}
        self._ending: dict[str, asyncio.Task[None]] = {}
        self._sweep_at = 0.0

    def holds(self, name: str) -> bool:
        """Whether a duty is this process's now. Who was frozen asks before it acts: it may be somebody else's since."""
        return name in self._begun and self.keeps(name)

    def keeps(self, name: str) -> bool:
        """Whether nobody else has it, though it may just be ended here."""
        return self._boottime() < self._until.get(name, 0.0)

    @property
    def begun(self) -> frozenset[str]:
        """Those that are being done."""
        return frozenset(self._begun)

    async def step(self) -> float:
        """Renew, take and leave. Returns after how many seconds to do so again. Raises StoreUnavailable."""
        known = {duty.name: duty for duty in self._duties()}
        live = await asyncio.to_thread(self._leases.live)
        uncommon = {duty.name for duty in known.values() if not duty.common}
        shared = share(list(known), live, self.holder, uncommon)
        for name in self._begun.keys() - set(shared.ours):
            self._end(name)
        over = {name for name, task in self._ending.items() if task.done()}
        for name in over:
            del self._ending[name]
        here = {PRESENT + self.holder, *(_known_to(self.holder, name) for name in uncommon)}
        wanted = ({*shared.ours, *self._ending} | here) - over
        held = await self._hold(wanted, leaving=[*over, *(set(shared.surplus) - wanted)])
        for name in self._begun.keys() - held.keys():
            self._end(name)
        for name in shared.ours:
            if name in held and name not in self._ending:
                await self._begin(known[name], held[name])
        await self._sweep()
        return RENEWED_EVERY_S

    async def _hold(self, names: set[str], leaving: Sequence[str]) -> Mapping[str, int]:
        at = self._boottime()  # before it is asked: the store counts from later on
        held = await asyncio.to_thread(self._leases.hold, self.holder, sorted(names), LEASE_S, leaving)
        self._until = dict.fromkeys(held, at + LEASE_S)
        return held

    async def _sweep(self) -> None:
        """Remove what processes left that are gone: each start has a name of its own, and its leases would stay for ever."""
        at = self._boottime()
        if at < self._sweep_at:
            return
        self._sweep_at = at + SWEPT_EVERY_S
        await asyncio.to_thread(self._leases.sweep, PRESENT, GONE_S)

    async def _begin(self, duty: Duty, epoch: int) -> None:
        before = self._begun.get(duty.name)
        if before is not None:
            if before[1] != epoch:  # somebody else had it in between: begun anew once it is ended
                self._end(duty.name)
            return
        try:
            await duty.begin()
        except SiyuError as error:
            log_.warning("duty.not_begun", duty=duty.name, error=f"{type(error).__name__}: {error}")
        except Exception:
            log_.exception("duty.not_begun", duty=duty.name)
        else:
            self._begun[duty.name] = duty, epoch

    def _end(self, name: str) -> None:
        duty, _ = self._begun.pop(name)
        self._ending[name] = asyncio.create_task(self._ended(duty), name=f"end-{name}")

    async def _ended(self, duty: Duty) -> None:
        try:
            await duty.end()
        except Exception:
            log_.exception("duty.not_ended", duty=duty.name)

    async def close(self) -> None:
        """End everything, and leave it to others at once. Where the store is away they wait until the leases end."""
        for name in list(self._begun):
            self._end(name)
        await asyncio.gather(*self._ending.values())
        told = [_known_to(self.holder, duty.name) for duty in self._duties() if not duty.common]
        leaving = [*self._ending, PRESENT + self.holder, *told]
        self._ending.clear()
        try:
            await asyncio.to_thread(self._leases.hold, self.holder, (), LEASE_S, leaving)
        except SiyuError as error:
            log_.warning("duties.not_left", error=str(error))
