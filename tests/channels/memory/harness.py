"""The memory channel for the contract suite: the "provider" is a task for each thing that is handed over."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

from channels.memory import MemoryAdapter, open_channel
from domain.conversations.commands import Content, Message, NotUnderstood, Sender
from domain.errors import OutcomeUnknown, Overloaded, PermanentFailure, StoreUnavailable, TemporaryFailure
from domain.identity import Address, Party, Slug
from tests.channels.harness import ChannelHarness, Shown
from tests.channels.house import House


class MemoryHarness:
    FAULTS: ClassVar[tuple[str, ...]] = ("temporary", "permanent", "unknown")

    def __init__(self, adapter: MemoryAdapter) -> None:
        self.adapter = adapter
        self.customer = Address(Party.CONTACT, adapter.channel, adapter.account, "mei")
        self._keys = itertools.count(1)
        self._handing_over: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, house: House) -> AsyncIterator[ChannelHarness]:
        harness = cls(open_channel("main", {}, house.desk()))
        await harness.adapter.start()
        yield harness
        for task in harness._handing_over:
            task.cancel()
        await harness.adapter.stop()

    def says(self, text: str) -> None:
        self._hand_over(Message(text=text))

    def does_something_unknown(self) -> None:
        self._hand_over(NotUnderstood(reason=Slug("unknown-kind")))

    def waiting(self) -> int:
        return len(self._handing_over)

    def breaks(self, fault: str) -> None:
        failures = {
            "temporary": TemporaryFailure("busy"),
            "permanent": PermanentFailure("gone"),
            "unknown": OutcomeUnknown("silence"),
        }
        self.adapter.outbox.failures.append(failures[fault])

    def shown(self) -> list[Shown]:
        return [Shown(sent.text, sent.choices) for sent in self.adapter.outbox.sent]

    def _hand_over(self, content: Content) -> None:
        task = asyncio.create_task(self._until_taken(content, f"key{next(self._keys)}"))
        self._handing_over.add(task)
        task.add_done_callback(self._handing_over.discard)

    async def _until_taken(self, content: Content, key: str) -> None:
        sender = None if isinstance(content, NotUnderstood) else Sender(external_id="mei")
        while True:
            try:
                await self.adapter.hands_in(content, key=key, sender=sender)
            except (Overloaded, StoreUnavailable):
                await asyncio.sleep(0.001)
            else:
                return
