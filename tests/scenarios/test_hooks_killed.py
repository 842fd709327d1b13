"""Outgoing webhooks of a process that is killed while it tells: at least once, in order, and whoever is told sees what comes again."""

import asyncio
import json
from contextlib import suppress
from itertools import count

from channels.simulators.telegram import TelegramSimulator
from channels.simulators.telegram.actors import User
from tests.bot.hooks.receiver import SECRET, Receiver, receiving
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import Installation, by_polling, until, until_async

PEOPLE = 3
SAYS_EVERY_S = 0.02


def told_to(receiver: Receiver) -> dict[str, str]:
    return {
        "SIYU_HOOKS__CRM__URL": receiver.url,
        "SIYU_HOOKS__CRM__SECRET": SECRET,
        "SIYU_HOOKS__CRM__EVENTS": "message-received",
        "SIYU_HOOKS__CRM__ALLOW_PRIVATE": "true",
    }


async def begun(siyu: Installation) -> bool:
    """Whether the hook has its place in the log: what comes from now on is told."""
    (shown,) = await siyu.ask("hook-list", json=True)
    return json.loads(shown)["position"] is not None


async def talk(people: list[User]) -> None:
    for number in count():
        people[number % len(people)].says(f"message {number}")
        await asyncio.sleep(SAYS_EVERY_S)


async def killed_unanswered(siyu: Installation, receiver: Receiver) -> list[str]:
    """Kill it while a request waits for its answer, behind one that was taken. Returns the ids of what nobody keeps."""
    receiver.answers = [200, None]
    await until(lambda: receiver.at_once == 1 and not receiver.answers)
    await siyu.kill()
    await until(lambda: receiver.at_once == 0)
    return receiver.came.pop().ids


async def killed_as_it_was_taken(siyu: Installation, receiver: Receiver) -> None:
    """Kill it at the moment at which a request was taken, noted or not."""
    before = len(receiver.came)
    await until(lambda: len(receiver.came) > before)
    await siyu.kill()


async def test_killed_while_it_tells_every_event_arrives_in_order_under_its_own_name(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    async with receiving() as receiver:
        siyu = installs(by_polling(telegram) | told_to(receiver))
        await siyu.start()
        await until_async(lambda: begun(siyu))
        talking = asyncio.create_task(talk([telegram.user(6001 + n, f"Customer {n}") for n in range(PEOPLE)]))
        unkept = await killed_unanswered(siyu, receiver)
        await siyu.start()
        await killed_as_it_was_taken(siyu, receiver)
        await siyu.start()
        talking.cancel()
        with suppress(asyncio.CancelledError):
            await talking

        async def told() -> list[tuple[str, int]]:
            heard = [(event["stream"], event["version"]) for event in await siyu.events("message-received")]
            there = {(event["stream"], event["version"]) for event in receiver.events}
            return heard if not telegram.pending_updates and there >= set(heard) else []

        heard = await until_async(told)
        assert await siyu.stop() == 0
    came = [(event["stream"], event["version"]) for event in receiver.events]
    assert list(dict.fromkeys(came)) == heard  # nothing is lost, and nothing overtakes
    assert set(unkept) <= {one for came in receiver.came for one in came.ids}
    names = {(came.log, event["position"]): event for came in receiver.came for event in came.events}
    assert len(names) == len(heard)
    assert receiver.most_at_once == 1
