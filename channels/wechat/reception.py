"""What stands between WeChat's callbacks and the intake: nothing that the domain refuses comes again and again."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import structlog

from channels.channel import Intake
from channels.wechat.parse import MALFORMED
from domain.conversations.commands import NotUnderstood, Receive
from domain.errors import Overloaded, SiyuError, StoreUnavailable

log = structlog.get_logger("channels.wechat")

COME_AGAIN: Final = (Overloaded, StoreUnavailable)


class Reception:
    """An Intake that hands on to the house's. ``in_vain``: told of what could not be taken now."""

    def __init__(self, intake: Intake, in_vain: Callable[[Receive], None]) -> None:
        self._intake, self._in_vain = intake, in_vain

    async def __call__(self, received: Sequence[Receive]) -> None:
        """Return when all of it is durable. Raises Overloaded, StoreUnavailable: come again.

        What the domain refuses is recorded as not understood.
        """
        try:
            for one in received:
                await self._take(one)
        except COME_AGAIN:
            for one in received:
                self._in_vain(one)
            raise

    async def _take(self, received: Receive) -> None:
        unread = replace(received, content=NotUnderstood(reason=MALFORMED), sender=None, opens=None)
        for attempt in (received, unread):
            try:
                await self._intake((attempt,))
            except COME_AGAIN:
                raise
            except SiyuError as error:
                log.warning("callback refused", account=received.account, error=type(error).__name__)
            else:
                return
