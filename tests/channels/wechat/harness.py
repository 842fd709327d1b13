"""WeChat for the contract suite, and for its own tests: our adapter and the simulator, joined by real sockets."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from channels.channel import Desk
from channels.simulators.wechat import (
    Callback,
    FaultKind,
    OfficialAccount,
    OfficialAccountUser,
    Outcome,
    Try,
    WeChatSimulator,
)
from channels.simulators.wechat.callback_faults import letter
from channels.wechat.adapter import WeChatAdapter
from channels.wechat.replies import Timing
from channels.wechat.settings import read_settings
from domain.identity import Account, Address, Channel, Party
from tests.channels.harness import ChannelHarness, Shown
from tests.channels.house import NOW, House, Web

SHORT_DEADLINE_S = 0.5
QUICK = Timing(passive_s=4.5, proof_s=0.3)
APP_ID = "wx1234567890abcdef"
SENT = int(NOW.timestamp()) - 1

_CHOICE = re.compile(r'<a href="(weixin://bizmsgmenu\?[^"]+)">(.*?)</a>')


@dataclass
class Pauses:
    """Waits hardly at all, and remembers how long it should have been."""

    asked_s: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.asked_s.append(seconds)
        await asyncio.sleep(0.002)


@dataclass
class Clock:
    """The simulator's, and in some tests ours: stands still unless it is moved."""

    at: float = NOW.timestamp()

    def __call__(self) -> float:
        return self.at


def callback(**fields: str) -> bytes:
    """A decrypted callback of Mei's; what is in `fields` may be XML."""
    return callback_at(SENT, fields)


def callback_at(at: int, fields: Mapping[str, str], openid: str = "o-mei") -> bytes:
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return (
        f"<xml><ToUserName>gh_0123456789ab</ToUserName><FromUserName>{openid}</FromUserName>"
        f"<CreateTime>{at}</CreateTime>{inside}</xml>"
    ).encode()


def address(openid: str, account: str = APP_ID) -> Address:
    return Address(Party.CONTACT, Channel("wechat"), Account(account), openid)


def desk(house: House) -> Desk:
    """The house's desk, which knows who wrote."""

    def contact_of(channel: Channel, account: Account, openid: str) -> object:
        return house.identities.find(Address(Party.CONTACT, channel, account, openid))

    return replace(house.desk(), contact_of=contact_of)  # type: ignore[arg-type]  # ids are strings of one kind here


def settings_of(simulator: WeChatSimulator, **given: str) -> dict[str, str]:
    account = simulator.account
    return {
        "app_id": account.app_id,
        "app_secret": account.app_secret,
        "token": account.token,
        "aes_key": account.aes_key,
        "kind": account.kind,
        "api_base": simulator.api_base,
    } | given


def open_adapter(
    house: House,
    simulator: WeChatSimulator,
    *,
    name: str = "main",
    settings: Mapping[str, str] | None = None,
    pauses: Pauses | None = None,
    timing: Timing = QUICK,
    deadline_s: float = 10.0,
) -> WeChatAdapter:
    """One account of the simulator's; `settings` beside its keys and address."""
    read = read_settings(name, settings_of(simulator, **(settings or {})))
    return WeChatAdapter(
        name, read, desk(house), pause=pauses or Pauses(), timing=timing, deadline_s=deadline_s
    )


class WeChatHarness:
    FAULTS: ClassVar[tuple[str, ...]] = tuple(FaultKind)

    def __init__(
        self, simulator: WeChatSimulator, adapter: WeChatAdapter, mei: OfficialAccountUser, clock: Clock
    ) -> None:
        self.simulator, self.adapter, self.mei, self.clock = simulator, adapter, mei, clock
        self.customer = address(mei.openid)
        self.posted: list[Callback] = []
        self._posting: list[asyncio.Task[Try]] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, house: House) -> AsyncIterator[ChannelHarness]:
        async with wechat(house, deadline_s=SHORT_DEADLINE_S) as harness:
            yield harness

    def says(self, text: str) -> None:
        self.posted.append(self.mei.says(text))

    def does_something_unknown(self) -> None:
        self._posting.append(asyncio.create_task(self.posts(UNKNOWN)))

    async def posts(self, xml: bytes) -> Try:
        """Post what the simulator's people cannot do, in an envelope of its own."""
        now = self.clock()
        sealed = letter(self.simulator.account, self.mei.openid, xml, now)
        return await self.simulator.posts(sealed.query, sealed.body, self.mei.openid)

    def waiting(self) -> int:
        taken = (Outcome.ACCEPTED, Outcome.REPLIED)
        return sum(callback.outcome not in taken for callback in self.posted) + sum(
            not task.done() or task.result().outcome not in taken for task in self._posting
        )

    def breaks(self, fault: str) -> None:
        self.simulator.faults.add(kind=fault, drip_s=0.0001)

    def shown(self) -> list[Shown]:
        return [shown_of(sent.text or "") for sent in self.simulator.sent]


UNKNOWN = callback(MsgType="event", Event="sent_from_the_future")


@asynccontextmanager
async def wechat(
    house: House,
    *,
    reply: str = "auto",
    kind: str = "service",
    timing: Timing = QUICK,
    deadline_s: float = 10.0,
    answer_wait_s: float = 5.0,
    clock: Clock | None = None,
) -> AsyncIterator[WeChatHarness]:
    """The simulator with one person, Mei, who follows the account and whose reply window is open without her having written."""
    web, now = Web(), clock or Clock()
    account = OfficialAccount(kind=kind, webhook_url=f"{web.url}/webhooks/wechat")  # type: ignore[arg-type]  # a literal
    async with WeChatSimulator(account, answer_wait_s=answer_wait_s, clock=now) as simulator:
        mei = simulator.user("o-mei")
        mei.person.window.message_came(now())
        settings = {"reply": reply}
        adapter = open_adapter(house, simulator, settings=settings, timing=timing, deadline_s=deadline_s)
        async with web.serving(adapter):
            yield WeChatHarness(simulator, adapter, mei, now)


def shown_of(text: str) -> Shown:
    """What somebody reads: the text, and what can be tapped below it."""
    words, _, below = text.partition("\n<a ")
    rows = f"<a {below}".split("\n") if below else []
    return Shown(words, tuple(tuple(_choice(*found) for found in _CHOICE.findall(row)) for row in rows))


def _choice(link: str, label: str) -> tuple[str, str]:
    query = parse_qs(urlsplit(link).query)
    assert query["msgmenucontent"] == [label]
    return label, query["msgmenuid"][0]
