"""What is about to be said, as providers that take the answer in their own request wait for it."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.unsaid import LATELY_S, Unsaid
from domain.identity import ContactId, StreamId
from domain.message import Event, Origin, Recorded
from domain.registry import EVENT_TYPES
from tests.domain.controls import events
from tests.domain.controls.ids import ALICE, BOB, CONTEXT, NOON

SLUGS = {kind: slug for slug, kind in EVENT_TYPES.items()}


@dataclass
class Someone:
    """Who answers by itself."""

    noted: int = 0
    read_to: int = 0


def recorded(event: Event, position: int) -> Recorded:
    return Recorded(
        position=position,
        stream=StreamId("stream-x"),
        version=1,
        type=SLUGS[type(event)],
        recorded_at=NOON,
        occurred_at=NOON,
        origin=Origin.LIVE,
        actor=CONTEXT.actor,
        cause=None,
        correlation=None,
        event=event,
    )


async def is_silent(waiting: "asyncio.Task[None]") -> bool:
    """Whether the wait has ended, once everything that was to happen has happened."""
    for _ in range(5):
        await asyncio.sleep(0)
    return waiting.done()


async def test_there_is_silence_once_all_who_answer_have_seen_what_was_said() -> None:
    unsaid, rules, welcome = Unsaid(), Someone(), Someone()
    unsaid.answering = {"rules": rules, "welcome": welcome}
    unsaid.note([recorded(events.MESSAGE_RECEIVED, 7)])
    waiting = asyncio.create_task(unsaid.all_said(ALICE))
    assert not await is_silent(waiting)
    rules.read_to = 7
    unsaid.moved()
    assert not await is_silent(waiting)
    welcome.noted = 8
    unsaid.moved()
    assert await is_silent(waiting)


async def test_a_message_that_was_planned_is_waited_for_until_it_has_an_outcome() -> None:
    unsaid = Unsaid()
    unsaid.note([recorded(events.MESSAGE_RECEIVED, 1), recorded(events.DELIVERY_PLANNED, 2)])
    waiting = asyncio.create_task(unsaid.all_said(ALICE))
    unsaid.note([recorded(events.DELIVERY_STARTED, 3)])
    assert not await is_silent(waiting)
    unsaid.note([recorded(events.DELIVERY_ACCEPTED, 4)])
    assert await is_silent(waiting)


async def test_what_is_planned_for_others_or_for_later_is_not_waited_for() -> None:
    unsaid = Unsaid()
    later = replace(events.DELIVERY_PLANNED, contact=BOB, not_before=NOON + timedelta(hours=1))
    unsaid.note([recorded(events.DELIVERY_PLANNED, 1), recorded(later, 2)])
    await unsaid.all_said(BOB)


async def test_what_is_put_off_is_not_waited_for() -> None:
    unsaid = Unsaid()
    unsaid.note([recorded(events.DELIVERY_PLANNED, 1)])
    waiting = asyncio.create_task(unsaid.all_said(ALICE))
    unsaid.note([recorded(events.DELIVERY_POSTPONED, 2)])
    await waiting


async def test_whoever_stops_waiting_leaves_nothing_behind() -> None:
    unsaid = Unsaid()
    unsaid.note([recorded(events.DELIVERY_PLANNED, 1)])
    waiting = asyncio.create_task(unsaid.all_said(ALICE))
    await is_silent(waiting)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    unsaid.note([recorded(events.DELIVERY_ACCEPTED, 2)])
    await unsaid.all_said(ALICE)


async def test_it_tells_that_somebody_waits_and_for_a_moment_afterwards() -> None:
    now = 100.0
    unsaid = Unsaid(lambda: now)
    assert not unsaid.waited_for()
    await unsaid.all_said(ALICE)  # nobody has anything to say: the next one may come at once
    assert unsaid.waited_for()
    now += LATELY_S
    assert not unsaid.waited_for()


async def test_where_other_processes_answer_too_it_waits_as_long_as_it_is_told_and_remembers_nothing() -> (
    None
):
    unsaid, asked = Unsaid(), []

    async def patience(contact: ContactId) -> float:
        asked.append(contact)
        return 0.0

    unsaid.patience = patience
    unsaid.answering = {"rules": Someone()}
    unsaid.note([recorded(events.MESSAGE_RECEIVED, 7)])  # nobody here will ever have seen it
    async with asyncio.timeout(5):
        await unsaid.all_said(ALICE)
    assert asked == [ALICE]
