"""Long polling by our own loop: updates are committed first, then Telegram may forget them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import structlog

from channels.channel import Cursors
from channels.telegram.backoff import Backoff
from channels.telegram.client import TelegramClient
from channels.telegram.identity import BotIdentity
from channels.telegram.judge import judge
from channels.telegram.limits import POLL_TIMEOUT_S, UPDATES_PER_POLL
from channels.telegram.parse import unreadable
from channels.telegram.reception import COME_AGAIN, Reception
from channels.telegram.updates import split_answer, update_id_of
from domain.conversations.commands import Receive
from domain.errors import BadInput, OutcomeUnknown, SendFailed, TemporaryFailure

log = structlog.get_logger("channels.telegram")


class Polling:
    """Asks for updates until it is cancelled.

    The offset is stored after the commit: whatever stops us in between, Telegram sends those updates again, and their keys make that
    harmless.
    """

    def __init__(
        self,
        client: TelegramClient,
        bot: BotIdentity,
        reception: Reception,
        cursors: Cursors,
        clock: Callable[[], datetime],
        backoff: Backoff,
        tell: Callable[[str | None], None] = lambda _reason: None,
    ) -> None:
        """``tell``: is told why Telegram gives no updates, and None once it does."""
        self._client, self._bot, self._reception = client, bot, reception
        self._tell = tell
        self._cursors, self._clock, self._backoff = cursors, clock, backoff
        self._cursor: Final = f"telegram:{bot.id}:offset"
        self._limit = UPDATES_PER_POLL

    async def run(self) -> None:
        """Poll for ever."""
        while True:
            await self.step()

    async def step(self) -> None:
        """Ask once, and take what comes; or wait, where Telegram gives nothing or the house takes nothing."""
        try:
            answer = await self._client.updates(self._offset(), self._limit, POLL_TIMEOUT_S)
            self._tell(None)
            await self._take(self._split(answer))
        except SendFailed as failure:
            self._tell(failure.reason)
            log.warning("telegram gives no updates", account=self._bot.account, reason=failure.reason)
            await self._backoff.wait(failure.retry_after_s if isinstance(failure, TemporaryFailure) else 0.0)
        except COME_AGAIN as error:
            log.warning("updates wait at telegram", account=self._bot.account, error=str(error))
            await self._backoff.wait()
        else:
            self._backoff.reset()

    def _split(self, answer: bytes) -> Sequence[bytes]:
        """Return the updates of an answer, each as its bytes.

        An update that makes the whole answer unreadable (nested without end, say) is found by asking for one at a time; it then is what
        the answer holds.
        """
        try:
            updates = split_answer(answer)
        except BadInput:
            if self._limit == 1:
                return (answer,)
            self._limit = 1
            return ()
        return updates

    async def _take(self, updates: Sequence[bytes]) -> None:
        if not updates:
            await self._backoff.rest()
            return
        numbered = [(number, update) for update in updates if (number := update_id_of(update)) is not None]
        if len(numbered) < len(updates):
            log.error(
                "updates without a number are lost",
                account=self._bot.account,
                lost=len(updates) - len(numbered),
            )
        if not numbered:
            raise OutcomeUnknown("garbage")
        received = [one for number, update in numbered for one in self._judged(number, update)]
        await self._reception(received)
        self._cursors.set_cursor(self._cursor, str(max(number for number, _ in numbered) + 1))
        self._limit = UPDATES_PER_POLL

    def _judged(self, number: int, update: bytes) -> Sequence[Receive]:
        now = self._clock()
        try:
            return judge(update, self._bot, now)
        except BadInput:
            return (unreadable(number, self._bot, update, now),)

    def _offset(self) -> int | None:
        stored = self._cursors.get_cursor(self._cursor)
        return None if stored is None else int(stored)
