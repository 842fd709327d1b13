"""A Siyu that is killed again and again while customers write, answers go out and broadcasts run; and what must hold afterwards."""

import asyncio
import random
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field

from channels.simulators.telegram import TelegramSimulator
from channels.simulators.telegram.actors import User
from domain.errors import StoreUnavailable
from tests.scenarios.crowd import Crowd, messages_of, people_of
from tests.scenarios.installation import Event, Installation, until_async

CUSTOMERS = 6
ANSWER = "we heard you"
CONFIRMED = {
    "STOP": "You are unsubscribed: we send you no more offers. Write START to subscribe again.",
    "START": "You are subscribed again.",
}
ANSWERS = {ANSWER, *CONFIRMED.values()}
ANSWERED_BY = {"auto-reply", "stop-confirmed", "start-confirmed"}
CHANGES_THEIR_MIND = 0.2
OVER_WECHAT = 0.3
"""How often somebody writes over WeChat too while somebody writes over Telegram."""
SAYS_EVERY_S = (0.01, 0.08)
LIVES_S = (0.05, 0.9)
STARTING_S = (0.0, 0.5)
KILLED_WHILE_STARTING = 0.25
AHEAD_S = 120
"""By which the last run's clock is ahead: every lease has ended then, and the 30 s of grace too (delivery.md, "Frozen workers")."""
LAST_RUN = ("--ahead", str(AHEAD_S), "--proof", "0.5")
MAX_ATTEMPTS = 3
SETTLES_WITHIN_S = 120.0


@dataclass(slots=True)
class Storm:
    """``said``: each customer's messages, in order. ``offers``: texts of broadcasts, those included that nobody confirmed to us.

    ``crowd``: who writes over WeChat meanwhile.
    """

    siyu: Installation
    telegram: TelegramSimulator
    chance: random.Random
    customers: list[User] = field(default_factory=list)
    said: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    offers: list[str] = field(default_factory=list)
    crowd: Crowd | None = None

    async def run(self, kills: int) -> "Aftermath":
        """Kill it so many times, let it come to rest, and return what is left."""
        await self._open()
        talking = asyncio.create_task(self._talk())
        for _ in range(kills):
            await self._live()
        talking.cancel()
        with suppress(asyncio.CancelledError):
            await talking
        return await self._rest(kills)

    async def _open(self) -> None:
        await self.siyu.start()
        await self.siyu.do(f"/rule add any => {ANSWER}")
        self.customers = [self.telegram.user(7001 + n, f"Customer {n}") for n in range(CUSTOMERS)]
        for customer in self.customers:
            self._says(customer, "/start")
        if self.crowd is not None:
            self.crowd.all_say("/start")
            await self.crowd.wechat.settled()
        await self.telegram.wait_for(lambda sent: len(sent) >= 2 * CUSTOMERS, timeout_s=SETTLES_WITHIN_S)
        await self.siyu.kill()

    def _says(self, customer: User, text: str) -> None:
        self.said[customer.id].append(text)
        customer.says(text)

    async def _talk(self) -> None:
        while True:
            customer = self.chance.choice(self.customers)
            said = self.said[customer.id]
            text = f"{customer.person.first_name}: {len(said)}"
            if self.chance.random() < CHANGES_THEIR_MIND:
                stopped = [wish for wish in said if wish in CONFIRMED][-1:] == ["STOP"]
                text = "START" if stopped else "STOP"
            self._says(customer, text)
            if self.crowd is not None and self.crowd.chance.random() < OVER_WECHAT:
                self.crowd.says_something(list(CONFIRMED))
            await asyncio.sleep(self.chance.uniform(*SAYS_EVERY_S))

    async def _live(self) -> None:
        """One life: begun, at work or not yet, ended."""
        if self.chance.random() < KILLED_WHILE_STARTING:
            await self.siyu.begin()
            await asyncio.sleep(self.chance.uniform(*STARTING_S))
        else:
            await self.siyu.start()
            ends = asyncio.get_running_loop().time() + self.chance.uniform(*LIVES_S)
            offering = asyncio.create_task(self._offer())
            await asyncio.sleep(max(0.0, ends - asyncio.get_running_loop().time()))
            await self.siyu.kill()
            with suppress(StoreUnavailable, ConnectionError, AssertionError):
                await offering
        await self.siyu.kill()

    async def _offer(self) -> None:
        self.offers.append(f"offer {len(self.offers)}")
        await self.siyu.do(f"/broadcast all {self.offers[-1]}", yes=True)

    async def _rest(self, kills: int) -> "Aftermath":
        async def at_rest() -> list[Event]:
            return [] if self.telegram.pending_updates else await self._answered()

        await self.siyu.start(*LAST_RUN, main="tests.scenarios.crashing:main")
        if self.crowd is not None:
            await self.crowd.wechat.settled()
        with suppress(TimeoutError):  # what is missing then, the checks say better
            await until_async(at_rest, SETTLES_WITHIN_S)
        events = await self.siyu.events()
        verdict = await self.siyu.ask("verify")
        assert await self.siyu.stop() == 0
        return Aftermath(self, kills, events, verdict)

    async def _answered(self) -> list[Event]:
        """Return the log if everything in it was answered and has its outcome, otherwise nothing."""
        events = await self.siyu.settled()
        heard = messages_of(events, people_of(events, "telegram"))
        if sum(map(len, self.said.values())) > len(heard):
            return []
        histories = history_of_deliveries(events, "reply")
        return events if all(map(finished, histories.values())) else []


@dataclass(slots=True)
class Aftermath:
    """What is left after a storm."""

    storm: Storm
    kills: int
    events: list[Event]
    verdict: list[str]

    def check(self) -> None:
        """Check all that was promised."""
        self.nothing_that_came_in_is_lost_or_doubled()
        self.everything_is_answered()
        self.no_marketing_is_doubled()
        self.no_marketing_is_started_after_a_stop()
        assert [said for said in self.verdict if not said.startswith("fine: ")] == []
        assert b"Traceback" not in self.storm.siyu.output
        assert b"undecidable" not in self.storm.siyu.output
        assert self.storm.telegram.violations == []
        if self.storm.crowd is not None:
            self.storm.crowd.check(self.events, ANSWERS)

    def nothing_that_came_in_is_lost_or_doubled(self) -> None:
        """Each customer's messages are in the log once, in the order in which they were said."""
        names = people_of(self.events, "telegram")
        heard = defaultdict(list)
        for event in messages_of(self.events, names):
            heard[int(names[event["data"]["contact"]])].append(event["data"]["text"])
        for customer, said in self.storm.said.items():
            of = f"{self.storm.siyu.folder.name}, {customer}"
            lost, more = Counter(said) - Counter(heard[customer]), Counter(heard[customer]) - Counter(said)
            assert (lost, more) == (Counter(), Counter()), of
            assert heard[customer] == said, of

    def everything_is_answered(self) -> None:
        """Each message led to one answer, which went out once, and once more at most for each kill it lived through."""
        asked = [f"{e['stream']}@{e['version']}" for e in self.events if e["type"] == "message-received/1"]
        planned = [
            event
            for event in self.events
            if event["type"] == "delivery-planned/1" and event["data"]["occasion"] in ANSWERED_BY
        ]
        assert sorted(event["cause"] for event in planned) == sorted(asked)
        sent = Counter(s.chat_id for s in self.storm.telegram.sent if s.text in ANSWERS)
        for chat, texts in self.storm.said.items():
            assert len(texts) <= sent[chat] <= len(texts) + self.kills, chat

    def no_marketing_is_doubled(self) -> None:
        """Each offer reached each customer once at most, and once where the log says that it was accepted."""
        shown = [(str(sent.chat_id), sent.text) for sent in self.storm.telegram.sent]
        if self.storm.crowd is not None:
            shown += [(sent.openid, sent.text) for sent in self.storm.crowd.wechat.sent]
        sent = Counter((to, text) for to, text in shown if text in self.storm.offers)
        assert [offer for offer, times in sent.items() if times > 1] == []
        histories = history_of_deliveries(self.events, "marketing").values()
        accepted = sum("delivery-accepted/1" in history for history in histories)
        unknown = sum("delivery-unknown/1" in history for history in histories)
        assert accepted <= sum(sent.values()) <= accepted + unknown
        assert accepted > 0

    def no_marketing_is_started_after_a_stop(self) -> None:
        """From the commit of a stop to the next start, no marketing of theirs is claimed."""
        contact_of: dict[str, str] = {}
        stopped: set[str] = set()
        stops = 0
        for event in self.events:
            data = event["data"]
            match event["type"].partition("/")[0]:
                case "consent-withdrawn":
                    stopped.add(data["contact"])
                    stops += 1
                case "consent-granted":
                    stopped.discard(data["contact"])
                case "delivery-planned" if data["kind"] == "marketing":
                    contact_of[event["stream"]] = data["contact"]
                case "delivery-started" if event["stream"] in contact_of:
                    assert contact_of[event["stream"]] not in stopped, event
                case _:
                    pass
        assert stops > 0


def history_of_deliveries(events: list[Event], kind: str) -> dict[str, list[str]]:
    """Return the types of each delivery's events."""
    histories: dict[str, list[str]] = {}
    for event in events:
        if event["type"] == "delivery-planned/1" and event["data"]["kind"] == kind:
            histories[event["stream"]] = []
        if event["stream"] in histories:
            histories[event["stream"]].append(event["type"])
    return histories


def finished(history: list[str]) -> bool:
    """Whether a reply went out, was tried as often as it may be, or met the end of WeChat's reply window."""
    if "delivery-accepted/1" in history or history[-1] in {"delivery-suppressed/1", "delivery-rejected/1"}:
        return True
    return history.count("delivery-started/1") == MAX_ATTEMPTS
