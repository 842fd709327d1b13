"""What a test or a demo holds: people to move, everything that was sent to them, and every call of the API."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from channels.simulators.wechat.actors import OfficialAccountUser
from channels.simulators.wechat.callback_faults import CallbackFaults, Letter
from channels.simulators.wechat.faults import Faults
from channels.simulators.wechat.sent import ApiRequest, Sent
from channels.simulators.wechat.settings import OfficialAccount
from channels.simulators.wechat.tokens import Tokens
from channels.simulators.wechat.webhook import EchoCheck, Try
from channels.simulators.wechat.world import Person, World

_Found = TypeVar("_Found")

_REQUESTS_KEPT: Final = 10_000


class Scene:
    """Methods without `await` return at once. `requests` are the latest 10,000 calls."""

    def __init__(self, world: World) -> None:
        self.faults = Faults()
        self.requests: list[ApiRequest] = []
        self._calls: Counter[str] = Counter()
        self._world = world

    @property
    def account(self) -> OfficialAccount:
        return self._world.account

    @property
    def sent(self) -> list[Sent]:
        """What the account sent, to whom and how, oldest first; passive replies too."""
        return self._world.sent

    @property
    def callback_faults(self) -> CallbackFaults:
        return self._world.callbacks.faults

    @property
    def tokens(self) -> Tokens:
        return self._world.tokens

    def user(
        self, openid: str, *, unionid: str | None = None, language: str = "zh_CN", subscribed: bool = True
    ) -> OfficialAccountUser:
        """A person, who follows the account since before; the same openid is the same person, left as they are."""
        person = self._world.people.get(openid)
        if person is None:
            if not openid:
                raise ValueError("an openid is not empty")
            person = Person(
                openid, unionid, language, subscribed=subscribed, subscribed_at=self._world.now * subscribed
            )
            self._world.people[openid] = person
        return OfficialAccountUser(self._world, person)

    @property
    def users(self) -> list[OfficialAccountUser]:
        return [OfficialAccountUser(self._world, person) for person in self._world.people.values()]

    def known_user(self, openid: str) -> OfficialAccountUser:
        """Raises KeyError."""
        return OfficialAccountUser(self._world, self._world.people[openid])

    def calls(self, path: str) -> int:
        """How often a path was called, with or without /cgi-bin/, refused or not."""
        return self._calls[path.removeprefix("/").removeprefix("cgi-bin/")]

    async def checks_url(self, *, genuine: bool = True) -> EchoCheck:
        """Do as WeChat does when the URL is saved; not `genuine`: with a wrong signature."""
        return await self._world.callbacks.check_url(genuine=genuine)

    async def posts(self, query: Mapping[str, str], body: bytes, openid: str = "") -> Try:
        """Post these bytes to the webhook once. Nobody is shown the answer."""
        return await self._world.callbacks.post(openid, Letter(query, body))

    async def settled(self, *, timeout_s: float = 30.0) -> None:
        """Wait until no callback is under way any more. Raises TimeoutError."""
        await self._world.callbacks.settled(timeout_s)

    async def wait_for(
        self, condition: Callable[[Sequence[Sent]], _Found], *, timeout_s: float = 5.0
    ) -> _Found:
        """The first truthy `condition(sent)`, asked again after each message. Raises TimeoutError."""
        try:
            async with asyncio.timeout(timeout_s):
                while not (found := condition(self.sent)):
                    await self._world.sent_more.wait()
                return found
        except TimeoutError:
            seen = [(sent.via.value, sent.openid, sent.text) for sent in self.sent]
            raise TimeoutError(f"not sent within {timeout_s} s; sent so far: {seen}") from None

    def _count_call(self, path: str) -> None:
        self._calls[path] += 1

    def _record(self, request: ApiRequest) -> None:
        self.requests.append(request)
        if len(self.requests) > _REQUESTS_KEPT:
            del self.requests[0]
