"""What a process holds in memory does not grow with those who write to it."""

import asyncio
import gc
from collections import OrderedDict, deque
from collections.abc import Iterator, Sized
from datetime import timedelta
from pathlib import Path

import pytest

from bot.house import done
from domain.conversations.commands import Message, Receive, Sender
from domain.dispatch import Request
from domain.identity import ProviderMessageId, Slug
from domain.message import Context
from tests.bot.premises import BOT, NOON, TELEGRAM, Premises

PEOPLE, AT_ONCE = 8_000, 200
BOUNDED = {"Dispatcher", "Latest", "Remembered", "Unsaid"}
"""Who may know all of them here: each has a bound, and a test of it."""
OURS = {"bot", "channels", "domain", "projections", "scheduler"}
COLLECTIONS = (dict, list, set, deque, OrderedDict)


def message_of(number: int, times: int) -> Request:
    at = NOON + timedelta(seconds=number)
    key = f"{times}-{number}"
    receive = Receive(
        channel=TELEGRAM,
        account=BOT,
        key=key,
        occurred_at=at,
        content=Message(text=f"请问这个还有货吗？ {key}", provider_message=ProviderMessageId(key)),
        sender=Sender(external_id=str(number), name=f"Ann{number}", username=f"ann{number}"),
    )
    return Request(Context(actor=Slug("customer"), occurred_at=at, now=at), (receive,))


async def write(premises: Premises, times: int) -> None:
    """Let everybody write once, while the views follow."""
    for start in range(0, PEOPLE, AT_ONCE):
        requests = [message_of(number, times) for number in range(start, start + AT_ONCE)]
        for result in await asyncio.gather(*map(premises.house.submit, requests)):
            done(result)
        await asyncio.to_thread(premises.house.catch_up)


def collections() -> Iterator[Sized]:
    """Everything that the collector knows, and what hangs on it: it does not know dictionaries of texts."""
    seen = set()
    for known in gc.get_objects():
        for found in (known, *gc.get_referents(known)):
            if isinstance(found, COLLECTIONS) and id(found) not in seen:
                seen.add(id(found))
                yield found


def owners_of_crowds() -> set[str]:
    """Return who holds a collection with as many things as there are people."""
    gc.collect()
    crowds = [found for found in collections() if len(found) >= PEOPLE]
    owners = set()
    for crowd in crowds:
        for referrer in gc.get_referrers(crowd):
            holders = gc.get_referrers(referrer) if isinstance(referrer, dict) else [referrer]
            owners |= {
                type(one).__name__ for one in holders if type(one).__module__.partition(".")[0] in OURS
            }
    return owners


@pytest.mark.nightly
def test_nobody_knows_everybody_but_what_has_a_bound(tmp_path: Path) -> None:
    premises = Premises(tmp_path)
    try:
        asyncio.run(write(premises, 1))
        asyncio.run(write(premises, 2))
        premises.house.snapshots.flush()

        assert owners_of_crowds() <= BOUNDED
    finally:
        premises.close()
