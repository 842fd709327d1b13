"""Duties: each is one process's, spread evenly, and missed for a few seconds at most when a process is killed or frozen."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from domain.errors import StoreUnavailable
from domain.identity import Slug
from domain.ports.leases import Lease, MemoryLeases
from scheduler.duties import (
    GONE_S,
    LEASE_S,
    PRESENT,
    RENEWED_EVERY_S,
    SWEPT_EVERY_S,
    Duties,
    Duty,
    share,
)

NAMES = [f"duty-{number}" for number in range(10)]


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Away(MemoryLeases):
    """Leases whose store can be away."""

    away = False

    def live(self) -> "dict[str, Lease]":
        if self.away:
            raise StoreUnavailable("away")
        return dict(super().live())


class Worker:
    """A process: what it does now, and what became of each duty."""

    def __init__(self, leases: MemoryLeases, clock: Clock, name: str) -> None:
        self.doing: list[str] = []
        self.failing: set[str] = set()
        self.busy: dict[str, asyncio.Event] = {}
        self.uncommon: list[str] = []
        self.duties = Duties(leases, Slug(name), self._all, clock)

    def _all(self) -> list[Duty]:
        return [*map(self._duty, NAMES), *(self._duty(name, common=False) for name in self.uncommon)]

    def _duty(self, name: str, *, common: bool = True) -> Duty:
        async def begin() -> None:
            if name in self.failing:
                raise StoreUnavailable("not now")
            self.doing.append(name)

        async def end() -> None:
            if name in self.busy:
                await self.busy[name].wait()
            self.doing.remove(name)

        return Duty(name, begin, end, common)

    async def step(self) -> None:
        await self.duties.step()
        for _ in range(3):
            await asyncio.sleep(0)


async def turns(*workers: Worker, clock: Clock, seconds: float) -> None:
    """Let them live for a while."""
    for _ in range(int(seconds / RENEWED_EVERY_S)):
        for worker in workers:
            await worker.step()
        clock.now += RENEWED_EVERY_S


def doing(*workers: Worker) -> list[str]:
    return sorted(name for worker in workers for name in worker.doing)


async def test_who_is_alone_does_everything_at_once() -> None:
    clock = Clock()
    worker = Worker(MemoryLeases(clock), clock, "one")
    await worker.step()
    assert doing(worker) == NAMES
    assert all(worker.duties.holds(name) for name in NAMES)


async def test_who_comes_later_gets_as_much_as_the_others_and_nothing_is_done_twice() -> None:
    clock = Clock()
    leases = MemoryLeases(clock)
    one, two, three = (Worker(leases, clock, name) for name in ("one", "two", "three"))
    await one.step()
    for _ in range(6):
        await turns(one, two, three, clock=clock, seconds=1)
        assert len(set(doing(one, two, three))) == len(doing(one, two, three))
    assert doing(one, two, three) == NAMES
    assert sorted(map(len, (one.doing, two.doing, three.doing))) in ([2, 4, 4], [3, 3, 4])


async def test_what_somebody_is_still_at_is_not_begun_by_another() -> None:
    clock = Clock()
    leases = MemoryLeases(clock)
    one, two = Worker(leases, clock, "one"), Worker(leases, clock, "two")
    await one.step()
    one.busy = {name: asyncio.Event() for name in NAMES}
    await turns(two, one, two, one, clock=clock, seconds=10)
    assert two.doing == []
    assert not any(one.duties.holds(name) and name not in one.duties.begun for name in NAMES)
    for event in one.busy.values():
        event.set()
    await turns(two, one, two, one, clock=clock, seconds=3)
    assert (len(one.doing), doing(one, two)) == (5, NAMES)


async def test_what_a_killed_process_did_is_done_by_the_others_within_ten_seconds() -> None:
    clock = Clock()
    leases = MemoryLeases(clock)
    one, two = Worker(leases, clock, "one"), Worker(leases, clock, "two")
    await turns(one, two, clock=clock, seconds=5)
    assert 0 < len(one.doing) < len(NAMES)
    await turns(two, clock=clock, seconds=LEASE_S + 2 * RENEWED_EVERY_S)
    assert doing(two) == NAMES


async def test_who_was_frozen_holds_nothing_when_it_wakes_and_ends_what_others_do_now() -> None:
    clock = Clock()
    leases = MemoryLeases(clock)
    one, two = Worker(leases, clock, "one"), Worker(leases, clock, "two")
    await turns(one, two, clock=clock, seconds=5)
    had = list(one.doing)
    await turns(two, clock=clock, seconds=2 * LEASE_S)
    assert had
    assert not any(one.duties.holds(name) for name in had)  # before it asks anybody
    await one.step()
    assert (one.doing, len(two.doing)) == ([], len(NAMES))


async def test_what_another_had_in_between_is_begun_anew() -> None:
    clock = Clock()
    leases = MemoryLeases(clock)
    one = Worker(leases, clock, "one")
    await one.step()
    clock.now += 2 * LEASE_S
    leases.hold(Slug("two"), NAMES, 0.1)
    clock.now += 1
    await one.step()
    assert one.doing == []
    await turns(one, clock=clock, seconds=3)
    assert doing(one) == NAMES


async def test_what_cannot_begin_is_tried_again_and_keeps_nobody_waiting() -> None:
    clock = Clock()
    worker = Worker(MemoryLeases(clock), clock, "one")
    worker.failing = {NAMES[0]}
    await worker.step()
    assert doing(worker) == NAMES[1:]
    assert not worker.duties.holds(NAMES[0])
    worker.failing = set()
    await worker.step()
    assert doing(worker) == NAMES


async def test_while_the_store_is_away_what_one_has_ends_with_its_lease_and_goes_on_afterwards() -> None:
    clock = Clock()
    leases = Away(clock)
    worker = Worker(leases, clock, "one")
    await worker.step()
    leases.away = True
    clock.now += LEASE_S - 0.1
    assert worker.duties.holds(NAMES[0])
    clock.now += 0.2
    assert not worker.duties.holds(NAMES[0])
    leases.away = False
    await worker.step()
    assert worker.duties.holds(NAMES[0])
    assert doing(worker) == NAMES


async def test_an_end_leaves_everything_to_others_at_once() -> None:
    clock = Clock()
    leases = MemoryLeases(clock)
    one, two = Worker(leases, clock, "one"), Worker(leases, clock, "two")
    await turns(one, two, clock=clock, seconds=5)
    await one.duties.close()
    assert (one.doing, {lease.holder for lease in leases.live().values()}) == ([], {Slug("two")})
    await two.step()
    assert doing(two) == NAMES


async def test_what_processes_left_that_are_gone_does_not_pile_up() -> None:
    clock = Clock()
    leases = MemoryLeases(clock)
    for number in range(50):  # each start has a name of its own, and is killed
        worker = Worker(leases, clock, f"start-{number}")
        worker.uncommon = ["account"]
        await worker.step()
        clock.now += GONE_S / 2
    left = leases.sweep(PRESENT, 0.0)
    assert left <= 2 * (2 + 1)  # two leases of presence each


async def test_who_lives_sweeps_too_and_who_was_frozen_for_long_takes_part_again() -> None:
    clock = Clock()
    leases = MemoryLeases(clock)
    one, two = Worker(leases, clock, "one"), Worker(leases, clock, "two")
    await turns(one, two, clock=clock, seconds=5)
    clock.now += GONE_S + SWEPT_EVERY_S
    await two.step()
    assert leases.sweep(PRESENT, 0.0) == 0  # it was done already
    await turns(one, two, clock=clock, seconds=5)
    assert (len(one.doing), doing(one, two)) == (5, NAMES)


@given(
    holders=st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=len(NAMES), max_size=len(NAMES)),
    present=st.sets(st.sampled_from(["a", "b", "c", "d"]), min_size=1),
)
def test_a_share_is_fair_and_leaves_nothing_to_nobody(holders: list[str], present: set[str]) -> None:
    held = {
        name: Lease(Slug(holder), 1) for name, holder in zip(NAMES, holders, strict=True) if holder != "d"
    }
    live = held | {PRESENT + name: Lease(Slug(name), 1) for name in present}
    free = set(NAMES) - held.keys()
    for name in sorted(present):
        mine = share(NAMES, live, Slug(name))
        fair = -(-len(NAMES) // len(present))
        own = {n for n, lease in held.items() if lease.holder == name}
        assert len(mine.ours) <= fair
        assert set(mine.ours) <= own | free
        assert set(mine.surplus) == own - set(mine.ours)
        assert len(mine.ours) == min(fair, len(own | free))


async def test_what_only_one_of_them_knows_is_never_left_to_nobody() -> None:
    clock = Clock()
    leases = MemoryLeases(clock)
    one, two = Worker(leases, clock, "one"), Worker(leases, clock, "two")
    accounts = [f"account/{number}" for number in range(20)]
    one.uncommon = accounts
    await turns(one, two, clock=clock, seconds=10)
    assert set(accounts) <= set(one.doing)
    assert doing(one, two) == sorted([*NAMES, *accounts])
    two.uncommon = accounts  # now it is connected there as well
    await turns(one, two, clock=clock, seconds=10)
    assert doing(one, two) == sorted([*NAMES, *accounts])
    assert len(one.doing) == len(two.doing) == 15
