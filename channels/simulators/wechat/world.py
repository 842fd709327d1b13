"""What WeChat knows of one account: followers, what is on their screens, tags, media, QR codes, menu and jobs."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from channels.simulators.wechat.errors import ApiError
from channels.simulators.wechat.media import MediaStore
from channels.simulators.wechat.notices import Fields
from channels.simulators.wechat.replies import Reply
from channels.simulators.wechat.sent import Sent, Via
from channels.simulators.wechat.settings import OfficialAccount
from channels.simulators.wechat.shapes import Json
from channels.simulators.wechat.tokens import Tokens
from channels.simulators.wechat.webhook import Callback, Callbacks
from channels.simulators.wechat.window import Window

OUT_OF_ORDER: Final = "该公众号提供的服务出现故障，请稍后再试"
_FIRST_MSG_ID: Final = 24_000_000_000_000_000
_FIRST_JOB_ID: Final = 1_000_000_001


class ImpossibleAction(Exception):
    """What an actor was told to do cannot be done in WeChat's client."""


@dataclass(slots=True)
class Person:
    """`balances` are the subscribe messages a person agreed to, by template; `mass_got` when mass messages came."""

    openid: str
    unionid: str | None = None
    language: str = "zh_CN"
    subscribed: bool = False
    subscribed_at: int = 0
    subscribe_scene: str = "ADD_SCENE_SEARCH"
    scene: str = ""
    remark: str = ""
    tags: list[int] = field(default_factory=list)
    window: Window = field(default_factory=Window)
    balances: Counter[str] = field(default_factory=Counter)
    rejected: set[str] = field(default_factory=set)
    spoke_at: float = float("-inf")
    typing_until: float = float("-inf")
    mass_got: list[float] = field(default_factory=list)
    screen: list[Sent] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A QR code; `expires_at` None: for ever."""

    ticket: str
    scene: str
    expires_at: float | None
    url: str


@dataclass(frozen=True, slots=True)
class MassJob:
    msg_id: int
    client_msg_id: str
    at: float
    kind: str


async def at_once() -> None:
    """Repeat a callback as soon as it is known that it was not answered."""


class Signal:
    """Wakes everyone who waits, each time. Waiters check their condition again, on the one event loop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def fire(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self) -> None:
        await self._event.wait()


class World:
    """`base` is the simulator's own address, once it is known: pictures and videos are loaded from there."""

    def __init__(
        self,
        account: OfficialAccount,
        clock: Callable[[], float],
        answer_wait_s: float,
        before_again: Callable[[], Awaitable[None]] = at_once,
    ) -> None:
        self.account = account
        self.clock = clock
        self.base = ""
        self.tokens = Tokens(account, clock)
        self.media = MediaStore(clock)
        self.callbacks = Callbacks(
            account,
            clock,
            answer_wait_s,
            is_media=self.media.has,
            shows=self._show_answer,
            before_again=before_again,
        )
        self.people: dict[str, Person] = {}
        self.tags: dict[int, str] = {2: "星标组"}
        self.tickets: list[Ticket] = []
        self.menu: Json | None = None
        self.jobs: list[MassJob] = []
        self.template_ids: dict[tuple[str, str], tuple[int, float]] = {}
        self.sent: list[Sent] = []
        self.sent_more = Signal()
        self._msg_id = _FIRST_MSG_ID + secrets.randbelow(1 << 32)
        self._job_id = _FIRST_JOB_ID

    @property
    def now(self) -> int:
        return int(self.clock())

    def known(self, openid: str) -> Person:
        """Raises ApiError 40003."""
        if (person := self.people.get(openid)) is None:
            raise ApiError(40003)
        return person

    def follower(self, openid: str) -> Person:
        """Raises ApiError 40003, or 43004 for who does not follow the account."""
        person = self.known(openid)
        if not person.subscribed:
            raise ApiError(43004)
        return person

    def followers(self) -> list[Person]:
        return [person for person in self.people.values() if person.subscribed]

    def show(
        self, via: Via, person: Person, kind: str, text: str | None, content: Json, msg_id: int | None = None
    ) -> None:
        """Put a message on a person's screen."""
        shown = Sent(via, person.openid, kind, text, content, self.clock(), msg_id)
        person.screen.append(shown)
        if via is not Via.NOTICE:
            self.sent.append(shown)
        self.sent_more.fire()

    def unshow(self, msg_id: int) -> None:
        """Take a mass message back from every screen; `sent` still tells that it was sent."""
        for person in self.people.values():
            person.screen = [
                shown for shown in person.screen if shown.msg_id != msg_id or shown.via is not Via.MASS
            ]

    def message(self, person: Person, fields: Fields) -> Callback:
        """A message of a person's: with a MsgId, and the window it opens."""
        self._msg_id += secrets.randbelow(1 << 10) + 1
        person.spoke_at = self.clock()
        person.window.message_came(person.spoke_at)
        # In a tapped item's text the id comes last, after MsgId.
        last = [field for field in fields if field[0] == "bizmsgmenuid"]
        first = [field for field in fields if field[0] != "bizmsgmenuid"]
        return self.callbacks.send(person.openid, [*first, ("MsgId", self._msg_id), *last], awaited=True)

    def event(self, openid: str, fields: Fields, *, awaited: bool = False) -> Callback:
        return self.callbacks.send(openid, fields, awaited=awaited)

    def next_job_id(self) -> int:
        self._job_id += 1
        return self._job_id

    def _show_answer(self, openid: str, reply: Reply | None) -> None:
        if (person := self.people.get(openid)) is None:
            return
        if reply is None:
            self.show(Via.NOTICE, person, "text", OUT_OF_ORDER, {})
        elif reply.kind != "transfer_customer_service":
            self.show(Via.PASSIVE, person, reply.kind, reply.text, reply.content)
