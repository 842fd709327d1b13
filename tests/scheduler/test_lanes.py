"""Lanes: several workers share a process, each person's order holds, and nothing is done twice or left out when lanes change hands."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.contacts.contact import contacts
from domain.conversations.commands import Sender
from domain.conversations.events import MessageReceived
from domain.customers.commands import AddNote
from domain.customers.events import NoteAdded
from domain.decider import Process, Streams
from domain.errors import StoreUnavailable
from domain.identity import ContactId, CustomerId, stream
from domain.message import Command, Personal, Recorded
from scheduler.follower import IDLE_MOVE, Follower
from scheduler.lanes import BLOCKS, LANES, LaneRunner, block, lane_of
from scheduler.process_runner import BATCH, ProcessRunner
from tests.domain.shop import said
from tests.scheduler.world import World

PEOPLE = [Sender(external_id=f"person-{number}") for number in range(12)]


def _note(recorded: Recorded, streams: Streams) -> Iterable[Command]:
    event = recorded.event
    if isinstance(event, MessageReceived):
        if event.text.value == "bug":
            raise KeyError("bug")
        customer = streams.state(contacts, event.contact).customer or CustomerId("")
        yield AddNote(customer=customer, operator=None, note=Personal(event.text.value))


NOTES = Process("notes", (MessageReceived,), _note)
"""Notes down every message: done twice it would show."""


class Parked(list[str]):
    """What was parked: errors."""

    def __call__(self, _process: str, _recorded: Recorded, error: Exception) -> None:
        self.append(type(error).__name__)


def runner(world: World, *blocks: int, parked: Parked | None = None) -> LaneRunner:
    """A worker that has these blocks of lanes."""

    def makes(name: str, starts_at: Callable[[], int] | None) -> Follower:
        return Follower(name, world.log, world.dispatch, lambda: world.now, starts_at)

    made = LaneRunner(NOTES, makes, parked if parked is not None else Parked())
    for number in blocks:
        made.take(block(number))
    return made


def everything(world: World) -> LaneRunner:
    return runner(world, *range(BLOCKS))


async def until_idle(*runners: LaneRunner) -> None:
    while any([await one.step() for one in runners]):
        pass


def speak(world: World, count: int, start: int = 0) -> None:
    """Let everybody say numbers, in turns."""
    spoken = [(PEOPLE[n % len(PEOPLE)], f"m{start + n}") for n in range(count)]
    world.given(*(said(text, who) for who, text in spoken))


def notes(world: World) -> dict[CustomerId, list[str]]:
    found: dict[CustomerId, list[str]] = defaultdict(list)
    for event in world.all_of(NoteAdded):
        found[event.customer].append(event.note.value)
    return found


def messages(world: World) -> dict[CustomerId, list[str]]:
    """What everybody said, in order."""
    found: dict[CustomerId, list[str]] = defaultdict(list)
    for recorded in world.recorded():
        if isinstance(event := recorded.event, MessageReceived):
            found[_customer(world, event.contact)].append(event.text.value)
    return found


def _customer(world: World, contact: ContactId) -> CustomerId:
    seen = world.log.read_stream(stream(contacts.category, contact))
    return CustomerId(seen[0].event.customer)  # type: ignore[attr-defined]  # ContactSeen


async def begun() -> World:
    """A world on whose empty log every lane has begun."""
    world = World()
    await until_idle(everything(world))
    return world


def test_a_lane_is_the_same_for_ever() -> None:
    world = World()
    speak(world, 24)
    lanes = {r.event.contact: lane_of(r) for r in world.recorded() if isinstance(r.event, MessageReceived)}
    assert all(lane_of(r) == lanes[r.event.contact] for r in world.recorded() if hasattr(r.event, "contact"))
    assert 1 < len(set(lanes.values())) <= LANES
    # Positions of lanes lie in every log there is: a change here would answer again, or never.
    assert {lane for number in range(BLOCKS) for lane in block(number)} == set(range(64))


async def test_one_worker_with_all_lanes_does_everything_once_and_in_order() -> None:
    world = await begun()
    speak(world, BATCH + 40)
    await until_idle(everything(world))
    await until_idle(everything(world))
    assert notes(world) == messages(world)


async def test_workers_that_have_different_lanes_share_it() -> None:
    world = await begun()
    speak(world, 60)
    one, two = runner(world, 0, 1, 2, 3), runner(world, 4, 5, 6, 7)
    await until_idle(one)
    first = sum(map(len, notes(world).values()))
    await until_idle(two)
    assert 0 < first < 60
    assert notes(world) == messages(world)


async def test_lanes_that_nobody_has_wait_and_lose_nothing() -> None:
    world = await begun()
    speak(world, 30)
    one = runner(world, 0)
    await until_idle(one)
    speak(world, 30, start=30)
    for number in range(1, BLOCKS):
        one.take(block(number))
    await until_idle(one)
    assert notes(world) == messages(world)


async def test_what_a_frozen_worker_still_does_with_lanes_that_are_anothers_changes_nothing() -> None:
    world = await begun()
    frozen, other = everything(world), everything(World(beside=world))
    speak(world, 40)
    await until_idle(other)
    await asyncio.gather(until_idle(frozen), until_idle(other))
    speak(world, 40, start=40)
    await asyncio.gather(until_idle(frozen), until_idle(other))
    assert notes(world) == messages(world)


async def test_a_lane_that_never_ran_starts_where_the_process_stood_before_it_had_lanes() -> None:
    world = World()
    follower = Follower(NOTES.name, world.log, world.dispatch, lambda: world.now)
    whole = ProcessRunner(NOTES, follower, Parked())
    while await whole.step():
        pass
    speak(world, 20)
    await whole.step()
    speak(world, 20, start=20)
    await until_idle(everything(world))
    assert notes(world) == messages(world)


async def test_a_process_that_never_ran_starts_at_the_end_of_the_log_in_every_lane() -> None:
    world = World()
    speak(world, 20)
    one = runner(world, 0)
    await until_idle(one)
    speak(world, 20, start=20)
    await until_idle(everything(world))
    assert sorted(n for said_ in notes(world).values() for n in said_) == sorted(
        f"m{n}" for n in range(20, 40)
    )


async def test_poison_in_one_lane_is_parked_and_no_other_lane_waits() -> None:
    world = await begun()
    world.given(said("bug", PEOPLE[0]))
    speak(world, 24)
    parked = Parked()
    await until_idle(runner(world, *range(BLOCKS), parked=parked))
    assert parked == ["KeyError"]
    assert sum(map(len, notes(world).values())) == 24


async def test_a_store_that_goes_away_in_the_middle_loses_nothing() -> None:
    world = await begun()
    speak(world, 60)
    one = everything(world)
    await one.step()
    speak(world, 60, start=60)
    world.failures = [StoreUnavailable("away")]
    with pytest.raises(StoreUnavailable):
        await until_idle(one)
    await until_idle(one)
    assert notes(world) == messages(world)


async def test_idle_lanes_note_their_place_once_in_a_while() -> None:
    world = await begun()
    talker = said("hello", PEOPLE[0])
    world.given(talker)
    lane = next(lane_of(r) for r in world.recorded() if isinstance(r.event, MessageReceived))
    idle = next(number for number in range(LANES) if number != lane)
    one = everything(world)
    await until_idle(one)
    before = world.log.progress(f"notes/{idle}") or 0
    world.given(*(said(f"m{n}", PEOPLE[0]) for n in range(IDLE_MOVE // 2)))  # at least two events each
    await until_idle(one)
    assert (world.log.progress(f"notes/{idle}") or 0) >= before + IDLE_MOVE


@settings(max_examples=25, deadline=None)
@given(
    moves=st.lists(
        st.tuples(st.sampled_from(["speak", "step one", "step two", "move"]), st.integers(0, BLOCKS - 1)),
        max_size=25,
    )
)
def test_however_lanes_move_each_message_is_noted_once_and_in_order(moves: Sequence[tuple[str, int]]) -> None:
    asyncio.run(_moved(moves))


async def _moved(moves: Sequence[tuple[str, int]]) -> None:
    world = await begun()
    workers = [everything(world), runner(World(beside=world))]
    spoken = 0
    for what, number in moves:
        match what:
            case "speak":
                speak(world, 10, start=spoken)
                spoken += 10
            case "move":
                giver = next(w for w in workers if block(number)[0] in w.lanes)
                taker = workers[1 - workers.index(giver)]
                taker.take(block(number))
                if number % 2:  # it does not know yet
                    await asyncio.gather(*(w.step() for w in workers))
                giver.leave(block(number))
            case _:
                await workers[what == "step two"].step()
    await until_idle(*workers)
    assert notes(world) == messages(world)
