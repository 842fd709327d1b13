"""Processes follow the log: each event is answered once, whatever is killed, away or poisoned."""

import asyncio
from collections.abc import Callable, Iterable

import pytest

from domain.contacts.contact import contacts
from domain.conversations.events import MessageReceived
from domain.customers.commands import AddNote, TagCustomer
from domain.customers.events import NoteAdded
from domain.decider import Process, Streams
from domain.deliveries.events import DeliveryPlanned
from domain.dispatch import Request, Result
from domain.errors import Overloaded, StoreUnavailable
from domain.identity import CustomerId, RuleId, Slug, StreamId, Tag
from domain.message import Command, Event, Origin, Personal, Recorded
from domain.rules.commands import AddRule, SetWelcome
from domain.rules.events import Match
from scheduler.follower import IDLE_MOVE, Dispatch, Follower
from scheduler.process_runner import BATCH, ProcessRunner
from tests.domain.shop import LIN, WANG, said
from tests.scheduler.world import World

RULES = (
    AddRule(rule=RuleId("price"), match=Match.EXACT, pattern=Personal("price"), answer=Personal("9.90")),
    SetWelcome(in_group=False, text=Personal("welcome")),
)


class Killed(BaseException):
    """Stands for SIGKILL: nobody catches it."""


def _note(recorded: Recorded, streams: Streams) -> Iterable[Command]:
    event = recorded.event
    if isinstance(event, MessageReceived):
        match event.text.value:
            case "bug":
                raise KeyError("bug")
            case "refused":
                yield TagCustomer(customer=CustomerId("nobody"), tag=Tag("vip"))
            case text:
                customer = streams.state(contacts, event.contact).customer
                yield AddNote(customer=customer or CustomerId(""), operator=None, note=Personal(text))


NOTES = Process("notes", (MessageReceived,), _note)
"""Notes down every message: done twice it would show."""


class Parked(list[tuple[str, str, str]]):
    """What was parked: process, event type, error."""

    def __call__(self, process: str, recorded: Recorded, error: Exception) -> None:
        self.append((process, recorded.type, type(error).__name__))


def run(
    world: World, process: Process = NOTES, *, park: Parked | None = None, dispatch: Dispatch | None = None
) -> ProcessRunner:
    """Return a runner, as a start of Siyu makes it."""
    follower = Follower(process.name, world.log, dispatch or world.dispatch, lambda: world.now)
    return ProcessRunner(process, follower, park if park is not None else Parked())


async def until_idle(*runners: ProcessRunner) -> None:
    """Step until the head is reached."""
    while any([await runner.step() for runner in runners]):
        pass


def notes(world: World) -> list[str]:
    return [event.note.value for event in world.all_of(NoteAdded)]


async def begun(world: World, process: Process = NOTES) -> World:
    """Let a process have started on what there is so far."""
    await until_idle(run(world, process))
    return world


async def test_a_message_is_answered_and_the_position_stored_with_the_answer() -> None:
    world = await begun(World())
    world.given(said("a"), said("b"))
    head = world.log.head()
    message = max(r.position for r in world.recorded() if isinstance(r.event, MessageReceived))
    runner = run(world)
    await until_idle(runner)
    assert notes(world) == ["a", "b"]
    assert world.log.progress("notes") == message
    noted = world.recorded()[head]
    first = next(r for r in world.recorded() if isinstance(r.event, MessageReceived))
    assert (noted.actor, noted.cause, noted.correlation) == (Slug("process-notes"), first.id, Slug(first.id))


async def test_a_process_that_never_ran_starts_at_the_end_of_the_log() -> None:
    world = World()
    world.given(said("old"))
    runner = run(world)
    await until_idle(runner)
    assert (notes(world), world.log.progress("notes")) == ([], world.log.head())
    world.given(said("new"))
    await until_idle(runner)
    assert notes(world) == ["new"]


async def test_what_came_after_its_first_start_on_an_empty_log_is_answered_by_the_second() -> None:
    world = await begun(World())
    world.given(said("a"))
    await until_idle(run(world))
    assert notes(world) == ["a"]


async def test_imported_history_causes_nothing_and_what_is_live_behind_it_does() -> None:
    world = await begun(World())
    world.when(said("history", LIN), origin=Origin.IMPORT)
    world.damage("inbound", "history", origin=Origin.IMPORT)
    world.given(said("today"))
    parked = Parked()
    await until_idle(run(world, park=parked))
    assert (notes(world), parked) == (["today"], [])


async def test_a_restart_answers_nothing_twice() -> None:
    world = await begun(World())
    world.given(*(said(f"m{i}") for i in range(3)))
    await until_idle(run(world))
    await until_idle(run(world))
    assert notes(world) == ["m0", "m1", "m2"]


async def test_more_than_a_batch_is_answered_in_order() -> None:
    world = await begun(World())
    expected = [f"m{i}" for i in range(BATCH + 20)]
    world.given(*(said(text) for text in expected))
    await until_idle(run(world))
    assert notes(world) == expected


@pytest.mark.parametrize("poison", ["bug", "refused"])
async def test_an_event_that_cannot_be_answered_is_parked_and_the_others_go_on(poison: str) -> None:
    world = await begun(World())
    world.given(*(said(text) for text in ("a", poison, "b", poison, "c")))
    parked = Parked()
    await until_idle(run(world, park=parked))
    error = {"bug": "KeyError", "refused": "UnknownRecipient"}[poison]
    assert notes(world) == ["a", "b", "c"]
    assert parked == [("notes", "message-received/1", error)] * 2
    await until_idle(run(world, park=parked))
    assert (notes(world), len(parked)) == (["a", "b", "c"], 2)


async def test_an_event_of_its_kind_that_cannot_be_read_is_parked_and_others_are_none_of_its_business() -> (
    None
):
    world = await begun(World())
    world.given(said("a"))
    world.damage("inbound", "later")
    world.given(said("b"))
    parked, elsewhere = Parked(), Parked()
    await until_idle(run(world, park=parked))
    assert notes(world) == ["a", "b"]
    assert parked == [("notes", "message-received/9", "UnknownEvent")]
    listens_elsewhere = Process("elsewhere", (NoteAdded,), lambda _recorded, _streams: ())
    await until_idle(run(world, listens_elsewhere, park=elsewhere))
    world.damage("inbound", "much-later")
    await until_idle(run(world, listens_elsewhere, park=elsewhere))
    assert elsewhere == []


@pytest.mark.parametrize("error", [StoreUnavailable("disk full"), Overloaded("10000 wait")])
async def test_a_store_that_is_away_loses_nothing(error: StoreUnavailable | Overloaded) -> None:
    world = await begun(World())
    world.given(said("a"), said("b"))
    parked = Parked()
    runner = run(world, park=parked)
    world.failures = [error, error]
    for _ in range(2):
        with pytest.raises(type(error)):
            await runner.step()
    await until_idle(runner)
    assert (notes(world), parked) == (["a", "b"], [])


@pytest.mark.parametrize("committed", [False, True])
async def test_a_store_that_goes_away_while_a_batch_is_answered_loses_and_doubles_nothing(
    committed: bool,
) -> None:
    world = await begun(World())
    world.given(*(said(f"m{i}") for i in range(4)))
    parked = Parked()
    runner = run(world, park=parked, dispatch=_cut(world, 1, StoreUnavailable("away"), committed=committed))
    with pytest.raises(StoreUnavailable):
        await runner.step()
    runner.follower.dispatch = world.dispatch
    await until_idle(runner)
    assert (notes(world), parked) == ([f"m{i}" for i in range(4)], [])


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("at", [2, 3, 4, 5])
async def test_a_store_that_goes_away_while_events_are_asked_one_by_one_loses_and_doubles_nothing(
    at: int, committed: bool
) -> None:
    world = await begun(World())
    world.given(
        *(said(f"m{i}") for i in range(4)), said("refused")
    )  # so that they cannot be answered together
    parked = Parked()
    runner = run(world, park=parked, dispatch=_cut(world, at, StoreUnavailable("away"), committed=committed))
    with pytest.raises(StoreUnavailable):
        await runner.step()
    runner.follower.dispatch = world.dispatch
    await until_idle(runner)
    assert notes(world) == [f"m{i}" for i in range(4)]
    assert [error for _, _, error in parked] == ["UnknownRecipient"]


async def test_two_workers_of_one_process_answer_each_event_once() -> None:
    one = await begun(World())
    two = World(beside=one)
    one.given(*(said(f"m{i}", by) for i in range(30) for by in (WANG, LIN)))
    parked = Parked()
    first, second = run(one, park=parked), run(two, park=parked)
    for _ in range(20):
        await asyncio.gather(first.step(), second.step())
        one.given(said("more"))
    await until_idle(first, second)
    assert sorted(notes(one)) == sorted([f"m{i}" for i in range(30) for _ in "ab"] + ["more"] * 20)
    assert parked == []


async def test_two_workers_both_get_past_what_they_cannot_answer() -> None:
    one = await begun(World())
    two = World(beside=one)
    one.given(*(said(text) for text in ("a", "bug", "b", "refused", "c")))
    parked = Parked()
    first, second = run(one, park=parked), run(two, park=parked)
    for _ in range(10):
        await asyncio.gather(first.step(), second.step())
    assert [await first.step(), await second.step()] == [0, 0]
    assert notes(one) == ["a", "b", "c"]
    assert {error for _, _, error in parked} == {"KeyError", "UnknownRecipient"}


async def test_a_worker_that_finds_another_one_ahead_goes_on_behind_it() -> None:
    world = await begun(World())
    slow = run(world)
    world.given(said("a"))
    await slow.follower.next(0)
    await until_idle(run(world))
    world.given(said("b"))
    await until_idle(slow)
    assert notes(world) == ["a", "b"]


async def test_two_workers_that_start_a_process_for_the_first_time_begin_at_one_place() -> None:
    one = World()
    one.given(said("old"))
    two = World(beside=one)
    first, second = run(one), run(two)
    await asyncio.gather(first.step(), second.step())
    one.given(said("new"))
    await asyncio.gather(until_idle(first), until_idle(second))
    assert notes(one) == ["new"]


async def test_a_long_stretch_of_nothing_to_do_is_noted_so_that_a_restart_does_not_read_it_again() -> None:
    world = await begun(World())
    world.given(*RULES[1:])
    note = AddNote(customer=CustomerId(""), operator=None, note=Personal("x"))
    world.given(said("a"))
    await until_idle(run(world))
    customer = world.customer(WANG)
    for _ in range(IDLE_MOVE // 200):
        world.when(*[AddNote(customer=customer, operator=None, note=note.note)] * 200)
    runner = run(world)
    await until_idle(runner)
    assert runner.follower.noted >= IDLE_MOVE
    assert world.log.progress("notes") == runner.follower.noted


def _cut(world: World, after: int, error: BaseException, *, committed: bool) -> Dispatch:
    """Return a dispatch that commits each request by itself; number ``after`` fails, stored or not, and whatever follows."""
    count = 0

    async def dispatch(request: Request) -> Result:
        nonlocal count
        count += 1
        if count > after or (count == after and not committed):
            raise error
        (result,) = world.dispatcher.step([request])
        if count == after:
            raise error
        return result

    return dispatch


def _shop_open() -> World:
    world = World()
    world.given(*RULES)
    return world


async def _day(world: World, first: Dispatch, *, on_kill: Callable[[], None]) -> None:
    """Customers write; the processes follow with a dispatch that may die, and are started again where it does."""
    following = [process for process in world.processes if not process.immediate]
    for process in following:
        await begun(world, process)
    world.given(said("price", key="1"), said("hello", LIN, key="2"), said("price", LIN, key="3"))
    world.given(said("price", key="4"))
    for process in following:
        try:
            await until_idle(run(world, process, dispatch=first))
        except Killed:
            on_kill()
            await until_idle(run(world, process))


def _content(world: World) -> list[tuple[StreamId, Event]]:
    return [(recorded.stream, recorded.event) for recorded in world.recorded()]


@pytest.mark.parametrize("committed", [False, True])
async def test_killed_at_any_append_and_started_again_the_log_is_as_if_nothing_had_happened(
    committed: bool,
) -> None:
    quiet = _shop_open()
    never = _cut(quiet, 10_000, Killed(), committed=True)
    await _day(quiet, never, on_kill=lambda: None)
    assert len(quiet.all_of(DeliveryPlanned)) == 5  # three prices, two welcomes
    kills: list[int] = []
    for after in range(1, 20):
        world = _shop_open()
        killing = _cut(world, after, Killed(), committed=committed)
        await _day(world, killing, on_kill=lambda after=after: kills.append(after))  # type: ignore[misc]
        assert _content(world) == _content(quiet), f"killed at append {after}"
        for process in ("welcome", "auto-reply"):
            assert world.log.progress(process) == quiet.log.progress(process)
        if not kills or kills[-1] != after:
            break
    else:
        pytest.fail("every run was killed: there are more appends than this test cuts")
    assert kills[0] == 1
