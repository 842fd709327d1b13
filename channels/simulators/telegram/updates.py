"""The queue of updates that wait for the bot, and long polling from it."""

import asyncio
from collections.abc import Callable, Iterable
from itertools import islice, takewhile

from channels.simulators.telegram.errors import OTHER_POLLER, ApiError, conflict
from channels.simulators.telegram.shapes import Json

KEPT_S = 24 * 60 * 60
# An offset further ahead is taken for a mistake: the queue is read from its start (tdlib/td, TQueue.cpp).
_OFFSET_AHEAD_MAX = 10
_NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
_KINDS = _NOT_BY_DEFAULT | {
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "inline_query",
    "chosen_inline_result",
    "callback_query",
    "shipping_query",
    "pre_checkout_query",
    "purchased_paid_media",
    "poll",
    "poll_answer",
    "my_chat_member",
    "chat_join_request",
    "chat_boost",
    "removed_chat_boost",
}


class Signal:
    """Wakes everyone who waits, each time. Waiters check their condition again, on the one event loop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def fire(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self) -> None:
        await self._event.wait()


class UpdateQueue:
    """Updates by rising id until confirmed, or 24 h old. Kinds that are not allowed never enter it."""

    def __init__(self, clock: Callable[[], float], first_update_id: int) -> None:
        self._clock = clock
        self._pending: dict[int, tuple[float, Json]] = {}
        self._next_id = first_update_id
        self._added = Signal()
        self._poller: asyncio.Future[ApiError] | None = None
        self.allowed: frozenset[str] | None = None
        self.on_added: Callable[[Json], None] | None = None

    def __len__(self) -> int:
        return len(self._pending)

    def __contains__(self, update_id: int) -> bool:
        return update_id in self._pending

    @property
    def polled(self) -> bool:
        return self._poller is not None

    def push(self, update: Json) -> Json | None:
        """Number and keep an update; None when its kind is not allowed. Kinds unknown today always pass.

        An `update_id` in it is kept, if it is not below the next one (else ValueError).
        """
        kinds = update.keys() & _KINDS
        allowed = _KINDS - _NOT_BY_DEFAULT if self.allowed is None else self.allowed
        if kinds and not kinds & allowed:
            return None
        update_id = update.get("update_id", self._next_id)
        if update_id < self._next_id:
            raise ValueError(f"update_id {update_id} is below {self._next_id}, the next one")
        numbered = {"update_id": update_id} | update
        self._next_id = update_id + 1
        self._pending[update_id] = (self._clock(), numbered)
        self._added.fire()
        if self.on_added is not None:
            self.on_added(numbered)
        return numbered

    def pending(self, limit: int | None = None) -> list[Json]:
        """The oldest `limit` updates (all without it), by rising id."""
        self._expire()
        return [update for _, update in islice(self._pending.values(), limit)]

    def remove(self, update_id: int) -> None:
        self._pending.pop(update_id, None)

    def clear(self) -> None:
        self._pending.clear()

    def allow(self, kinds: Iterable[str] | None) -> None:
        """Allow kinds for updates from now on; None changes nothing, none at all is Telegram's default."""
        if kinds is not None:
            self.allowed = frozenset(kinds) & _KINDS or None

    def end_poll(self, reason: ApiError) -> None:
        """Answer the long poll that waits, if any, with `reason`."""
        if self._poller is not None and not self._poller.done():
            self._poller.set_result(reason)

    async def poll(self, offset: int, limit: int, timeout_s: float) -> list[Json]:
        """Confirm what is below `offset`, then the next `limit` updates, waiting for one up to `timeout_s`.

        Raises ApiError 409 when a newer call, or a webhook, takes over while it waits.
        """
        self.end_poll(conflict(OTHER_POLLER))
        self._confirm(offset)
        if not self._pending and timeout_s > 0:
            await self._wait_for_update(timeout_s)
        return self.pending(limit)

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            self._forget(list(self._pending)[:offset])
        elif offset <= self._next_id + _OFFSET_AHEAD_MAX:
            self._forget(list(takewhile(lambda update_id: update_id < offset, self._pending)))

    def _expire(self) -> None:
        oldest = self._clock() - KEPT_S
        expired = takewhile(lambda item: item[1][0] < oldest, self._pending.items())
        self._forget([update_id for update_id, _ in expired])

    def _forget(self, update_ids: list[int]) -> None:
        for update_id in update_ids:
            del self._pending[update_id]

    async def _wait_for_update(self, timeout_s: float) -> None:
        ended = asyncio.get_running_loop().create_future()
        self._poller = ended
        added = asyncio.ensure_future(self._added.wait())
        try:
            await asyncio.wait({ended, added}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                raise ended.result()
        finally:
            added.cancel()
            if self._poller is ended:
                self._poller = None
