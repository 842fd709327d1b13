"""What is about to be said: for providers that take the answer to a message in the very request that brought it."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from domain.deliveries.events import DeliveryPlanned, DeliveryStarted
from domain.identity import ContactId
from domain.message import Recorded

LATELY_S = 1.0
REMEMBERED = 10_000
"""Deliveries on their way; what is beyond waits for nobody's request."""


class Answering(Protocol):
    """Somebody who follows the log and answers by itself: how far it has come."""

    noted: int
    read_to: int


class Unsaid:
    """Watches what this process appends. Used from the event loop and from threads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """``monotonic``: seconds that only go forward."""
        self._monotonic = monotonic
        self.answering: dict[str, Answering] = {}
        """By name: one whose duty begins anew takes the place of its former self."""
        self.patience: Callable[[ContactId], Awaitable[float]] | None = None
        """Where other processes answer, too, and nobody sees all that is said: how many seconds to wait for it."""
        self._open: OrderedDict[str, ContactId] = OrderedDict()
        self._head = 0
        self._awaited_until = 0.0
        self._changes: set[asyncio.Future[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def note(self, events: Sequence[Recorded]) -> None:
        """Take in what was appended: a message planned for now is unsaid until it has an outcome."""
        if not events or self.patience is not None:
            return
        self._head = max(self._head, events[-1].position)
        ended = False
        for recorded in events:
            event = recorded.event
            if isinstance(event, DeliveryPlanned):
                if event.contact is not None and event.not_before <= recorded.recorded_at:
                    self._open[event.delivery] = event.contact
                    if len(self._open) > REMEMBERED:
                        self._open.popitem(last=False)
            elif recorded.type.startswith("delivery-") and not isinstance(event, DeliveryStarted):
                ended |= self._open.pop(getattr(event, "delivery", ""), None) is not None
        if ended:
            self.moved()

    def waited_for(self) -> bool:
        """Whether somebody waits for silence, or did lately: who does so once will again."""
        return self._monotonic() < self._awaited_until

    def moved(self) -> None:
        """Say that somebody who answers has come further, or that a message has its outcome."""
        loop = self._loop
        if loop is not None and self._changes and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for change in self._changes:
            if not change.done():
                change.set_result(None)
        self._changes.clear()

    async def all_said(self, contact: ContactId) -> None:
        """See channels.channel.AllSaid."""
        if self.patience is not None:
            await asyncio.sleep(await self.patience(contact))
            return
        self._loop = asyncio.get_running_loop()
        self._awaited_until = self._monotonic() + LATELY_S
        head = self._head
        while not self._silent(contact, head):
            change = self._loop.create_future()
            self._changes.add(change)
            try:
                await change
            finally:
                self._changes.discard(change)

    def _silent(self, contact: ContactId, head: int) -> bool:
        reached = min((max(one.noted, one.read_to) for one in self.answering.values()), default=head)
        return reached >= head and contact not in self._open.values()
