"""Telegram for the contract suite, and for its own tests: our adapter and the simulator, joined by real sockets."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from channels.simulators.telegram import FaultKind, TelegramSimulator, User, WebhookRetry
from channels.telegram.adapter import TelegramAdapter
from channels.telegram.backoff import REST_S, Backoff
from channels.telegram.settings import read_settings
from domain.identity import Account, Address, Channel, Party
from tests.channels.harness import ChannelHarness, Shown
from tests.channels.house import House, Web
from tests.channels.telegram.scripted import ScriptedApi

SECRET = "a-secret-for-tests"
SHORT_DEADLINE_S = 0.5


@dataclass
class Pauses:
    """Waits hardly at all, and remembers how long it should have been after failures."""

    asked_s: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        if seconds > REST_S:
            self.asked_s.append(seconds)
        await asyncio.sleep(0.002)


def open_adapter(
    house: House,
    simulator: TelegramSimulator | ScriptedApi,
    *,
    name: str = "main",
    pauses: Pauses | None = None,
    public_url: str | None = None,
    settings: Mapping[str, str] | None = None,
    deadline_s: float = 10.0,
) -> TelegramAdapter:
    """One account of the simulator's bot; `settings` beside its token and address."""
    given = {"token": simulator.token, "api_base": simulator.base} | dict(settings or {})
    read = read_settings(name, given, public_url)
    backoff = Backoff(pause=pauses or Pauses(), jitter=lambda: 0.0)
    return TelegramAdapter(name, read, house.desk(public_url), backoff, deadline_s)


def address(external_id: int, party: Party = Party.CONTACT) -> Address:
    return Address(party, Channel("telegram"), Account("1234567890"), str(external_id))


class TelegramHarness:
    FAULTS: ClassVar[tuple[str, ...]] = tuple(FaultKind)
    MODE: ClassVar[str] = "polling"

    def __init__(self, simulator: TelegramSimulator, adapter: TelegramAdapter, mei: User) -> None:
        self.simulator, self.adapter, self.mei = simulator, adapter, mei
        self.customer = address(mei.id)

    @classmethod
    @asynccontextmanager
    async def open(cls, house: House) -> AsyncIterator[ChannelHarness]:
        async with telegram(house, cls.MODE) as harness:
            yield harness

    def says(self, text: str) -> None:
        self.mei.says(text)

    def does_something_unknown(self) -> None:
        self.simulator.push({"sent_from_the_future": {"to": "us"}})

    def waiting(self) -> int:
        return len(self.simulator.pending_updates)

    def breaks(self, fault: str) -> None:
        self.simulator.faults.add(kind=fault, drip_s=0.0001)

    def shown(self) -> list[Shown]:
        return [
            Shown(str(sent.text), _choices(sent.params))
            for sent in self.simulator.sent
            if sent.method == "sendMessage"
        ]


class TelegramWebhookHarness(TelegramHarness):
    FAULTS: ClassVar[tuple[str, ...]] = ()  # a send is the same in both modes
    MODE: ClassVar[str] = "webhook"


@asynccontextmanager
async def telegram(house: House, mode: str = "polling") -> AsyncIterator[TelegramHarness]:
    """The simulator with one person, Mei, who has not written yet but may be written to."""
    web = Web()
    settings = {"mode": mode} | ({"webhook_secret": SECRET} if mode == "webhook" else {})
    async with TelegramSimulator(webhook_retry=WebhookRetry(0.005, 0.02)) as simulator:
        mei = simulator.user(7, "Mei", "mei", "zh")
        mei.person.started = True
        adapter = open_adapter(
            house, simulator, public_url=web.url, settings=settings, deadline_s=SHORT_DEADLINE_S
        )
        async with web.serving(adapter):
            yield TelegramHarness(simulator, adapter, mei)


def _choices(params: Mapping[str, object]) -> tuple[tuple[tuple[str, str], ...], ...]:
    markup: Any = params.get("reply_markup")
    if markup is None:
        return ()
    return tuple(
        tuple((button["text"], button["callback_data"]) for button in row)
        for row in markup["inline_keyboard"]
    )
