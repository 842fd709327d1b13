"""Somebody who writes to Siyu, whatever they write with: the same scenario holds on every channel."""

from dataclasses import dataclass
from typing import Protocol

from channels.simulators.telegram import TelegramSimulator
from channels.simulators.telegram.actors import User
from channels.simulators.wechat import OUT_OF_ORDER, OfficialAccountUser, WeChatSimulator


class Customer(Protocol):
    """One person on one channel."""

    def says(self, text: str) -> None:
        """Write; the provider delivers it, and again where it is not answered."""
        ...

    def times_read(self, text: str) -> int:
        """How often they were shown this text."""
        ...

    async def delivered(self) -> None:
        """Return once the provider has delivered all that they wrote. Raises AssertionError where it gave up."""
        ...


@dataclass(frozen=True, slots=True)
class InTelegram:
    telegram: TelegramSimulator
    user: User

    def says(self, text: str) -> None:
        self.user.person.started = True
        self.user.says(text)

    def times_read(self, text: str) -> int:
        return sum((sent.chat_id, sent.text) == (self.user.id, text) for sent in self.telegram.sent)

    async def delivered(self) -> None:
        assert self.telegram.pending_updates == []


@dataclass(frozen=True, slots=True)
class InWeChat:
    wechat: WeChatSimulator
    user: OfficialAccountUser

    def says(self, text: str) -> None:
        self.user.says(text)

    def times_read(self, text: str) -> int:
        return self.user.reads.count(text)

    async def delivered(self) -> None:
        await self.wechat.settled()
        assert OUT_OF_ORDER not in self.user.reads
