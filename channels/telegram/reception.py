"""What stands between Telegram's updates and the intake: nothing that the domain refuses may block the rest."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

import structlog

from channels.channel import Intake
from channels.telegram.parse import MALFORMED
from domain.conversations.commands import NotUnderstood, Press, Receive
from domain.errors import Overloaded, SendFailed, SiyuError, StoreUnavailable

log = structlog.get_logger("channels.telegram")

COME_AGAIN: Final = (Overloaded, StoreUnavailable)
_ACKNOWLEDGEMENTS_MAX: Final = 100
"""At once. More are left out: the button then turns a while, and the press is in the log all the same."""


class Reception:
    """An Intake that hands on to the house's, and has pressed buttons acknowledged once that is done."""

    def __init__(self, intake: Intake, acknowledge: Callable[[str], Awaitable[None]]) -> None:
        self._intake, self._acknowledge = intake, acknowledge
        self._acknowledging: set[asyncio.Task[None]] = set()

    async def __call__(self, received: Sequence[Receive]) -> None:
        """Return when all of it is durable. Raises Overloaded, StoreUnavailable: come again.

        If the domain refuses it, each is handed in alone, and what is refused then is recorded as not understood.
        """
        try:
            await self._intake(received)
        except COME_AGAIN:
            raise
        except SiyuError:
            for one in received:
                await self._alone(one)
        for one in received:
            if isinstance(one.content, Press):
                self._begin_acknowledging(one.content.query)

    async def close(self) -> None:
        """End what is still being acknowledged."""
        for task in self._acknowledging:
            task.cancel()
        await asyncio.gather(*self._acknowledging, return_exceptions=True)

    async def _alone(self, received: Receive) -> None:
        content = NotUnderstood(reason=MALFORMED)
        for attempt in (received, replace(received, content=content, sender=None, chat=None)):
            try:
                await self._intake((attempt,))
            except COME_AGAIN:
                raise
            except SiyuError as error:
                log.warning(
                    "update refused", account=received.account, key=received.key, error=type(error).__name__
                )
            else:
                return

    def _begin_acknowledging(self, query: str) -> None:
        if len(self._acknowledging) < _ACKNOWLEDGEMENTS_MAX:
            task = asyncio.create_task(self._acknowledge_one(query))
            self._acknowledging.add(task)
            task.add_done_callback(self._acknowledging.discard)

    async def _acknowledge_one(self, query: str) -> None:
        try:
            await self._acknowledge(query)
        except SendFailed as failure:
            log.info("press not acknowledged", reason=failure.reason)
