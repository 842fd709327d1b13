"""D19, small: a campaign to thousands at Telegram's limit while customers chat: nobody waits for it, and memory stays as it is."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from channels.simulators.telegram import TelegramSimulator, WebhookRetry
from channels.simulators.telegram.actors import User
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import Installation, by_webhook, free_port, until

PEOPLE = 4_500
"""Two and a half minutes of the 30 messages a second that Telegram allows."""
MET_AT_ONCE = 200
CHATTING = 10
ASKS_EVERY_S = (2.0, 4.0)
"""Each of those who chat, from an answer to the next question: some three a second in all."""
LOOKS_EVERY_S = 0.005
FIRST_MINUTE_S = 60.0
ENDS_WITHIN_S = 300.0
QUESTIONS = 100
"""At least, or it was no load."""
INTAKE_P99_S, REPLIES_P99_S = 1.0, 3.0
GROWS_BY_MB = 60.0
ANSWER, OFFER = "it costs 5", "the summer tea is here"
FORM = f"""\
name: Summer tea
audience: {{all: true}}
when: now
canary: false
content: {{text: "{OFFER}"}}
"""


@dataclass(slots=True)
class Chat:
    """Customers who ask while a campaign goes out. ``taken``, ``answered``: seconds from each question until then."""

    telegram: TelegramSimulator
    people: Sequence[User]
    taken: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    _untaken: dict[tuple[int, int], float] = field(default_factory=dict)
    _unanswered: dict[int, float] = field(default_factory=dict)
    _seen: int = 0

    async def go_on(self) -> None:
        """Ask and look, until somebody cancels it."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look())
            for number, one in enumerate(self.people):
                group.create_task(self._ask(one, number))

    async def _ask(self, one: User, number: int) -> None:
        shortest, longest = ASKS_EVERY_S
        rest_s = shortest + (longest - shortest) * number / len(self.people)
        while True:
            await asyncio.sleep(rest_s)
            said = one.says("what does it cost?")
            self._untaken[one.id, said["message_id"]] = self._unanswered[one.id] = time.monotonic()
            while one.id in self._unanswered:
                await asyncio.sleep(LOOKS_EVERY_S)

    async def _look(self) -> None:
        while True:
            now = time.monotonic()
            waiting = {_named(update["message"]) for update in self.telegram.pending_updates}
            for message in self._untaken.keys() - waiting:
                self.taken.append(now - self._untaken.pop(message))
            new, self._seen = self.telegram.sent[self._seen :], len(self.telegram.sent)
            for sent in new:
                if sent.text == ANSWER and sent.chat_id in self._unanswered:
                    self.answered.append(now - self._unanswered.pop(sent.chat_id))
            await asyncio.sleep(LOOKS_EVERY_S)


def _named(message: dict[str, Any]) -> tuple[int, int]:
    return message["chat"]["id"], message["message_id"]


def rss_mb(siyu: Installation) -> float:
    """How much memory its process has."""
    assert siyu.process is not None
    lines = Path(f"/proc/{siyu.process.pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def p99(seconds: Sequence[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)]


async def meet(telegram: TelegramSimulator) -> list[User]:
    """Let everybody write, not too many at once."""
    people = [telegram.user(1_000_000 + number, f"Customer {number}") for number in range(PEOPLE)]
    for number, one in enumerate(people):
        one.starts()
        if number % MET_AT_ONCE == 0:
            await until(lambda: len(telegram.pending_updates) < MET_AT_ONCE)
    await until(lambda: not telegram.pending_updates)
    return people


async def memory_while_it_goes_out(siyu: Installation, telegram: TelegramSimulator) -> list[float]:
    """Return how much memory it had, each second from the end of the first minute on."""
    begins, found = time.monotonic(), list[float]()
    while (spent_s := time.monotonic() - begins) < ENDS_WITHIN_S and not everybody_has_it(telegram):
        if spent_s >= FIRST_MINUTE_S:
            found.append(rss_mb(siyu))
        await asyncio.sleep(1.0)
    return found


def everybody_has_it(telegram: TelegramSimulator) -> bool:
    return sum(sent.text == OFFER for sent in telegram.sent) == PEOPLE


@pytest.mark.nightly
@pytest.mark.alone
async def test_customers_who_chat_are_answered_in_time_while_a_campaign_goes_out(
    installs: Installs, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    retry = WebhookRetry(first_s=0.05, cap_s=0.2)
    async with TelegramSimulator(enforce_limits=True, webhook_retry=retry) as telegram:
        paced = {name: said for name, said in by_webhook(telegram, port).items() if "RATE" not in name}
        siyu = installs(paced | {"SIYU_STARTER_RULES": "false"}, port=port)
        await siyu.start()
        await siyu.do(f"/rule add contains cost => {ANSWER}")
        people = await meet(telegram)
        await siyu.do(f"/campaign draft\n{FORM}")
        chat = Chat(telegram, people[:CHATTING])
        await siyu.do("/campaign launch Summer tea", yes=True)
        chatting = asyncio.create_task(chat.go_on())
        memory = await memory_while_it_goes_out(siyu, telegram)
        chatting.cancel()
        with suppress(asyncio.CancelledError):
            await chatting
        got = Counter(sent.chat_id for sent in telegram.sent if sent.text == OFFER)
        assert await siyu.stop() == 0
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(got)} offers, {len(chat.answered)} questions:"
            f" taken in p99 {p99(chat.taken):.3f} s, answered p99 {p99(chat.answered):.3f} s;"
            f" memory {memory[0]:.0f} MB after the first minute, {max(memory):.0f} MB at most\n"
        )
    assert got == {one.id: 1 for one in people}
    assert telegram.violations == []
    assert len(chat.answered) > QUESTIONS
    assert p99(chat.taken) < INTAKE_P99_S
    assert p99(chat.answered) < REPLIES_P99_S
    assert max(memory) - memory[0] < GROWS_BY_MB
