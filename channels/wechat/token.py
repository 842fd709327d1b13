"""The access token: asked for once, however many wait for it, renewed early, and replaced when WeChat refuses it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from channels.wechat.errors import MISCONFIGURED_RETRY_S
from channels.wechat.limits import FORCED_REFRESH_S, LONGEST_FORCED_REFRESH_S, TOKEN_EARLY_S
from domain.errors import SendFailed, TemporaryFailure

_AFTER_FAILURE_S: Final = 30.0
"""A token that still works is not renewed again sooner after a failure."""


@dataclass(frozen=True, slots=True, repr=False)
class Issued:
    """A token and its life in seconds."""

    value: str
    lives_s: float


Fetch = Callable[[bool], Awaitable[Issued]]
"""Asks stable_token; True: by force. Raises TemporaryFailure."""


class AccessToken:
    """One account's. ``clock``: monotonic seconds."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float]) -> None:
        self._fetch, self._clock = fetch, clock
        self._value = ""
        self._ends_at = self._early_at = 0.0
        self._under_way: asyncio.Task[str] | None = None
        self._ask_again_at = self._force_again_at = float("-inf")
        self._pause_s = FORCED_REFRESH_S

    async def get(self) -> str:
        """Return a token that should be good. Raises TemporaryFailure."""
        if self._value and self._clock() < self._early_at:
            return self._value
        return await self._shared(self._renewed)

    async def instead_of(self, refused: str) -> str:
        """Return another token than one that WeChat refused. Raises TemporaryFailure: ``token-refused`` where that was tried in vain.

        First whatever WeChat holds for the current one (somebody else may have replaced it), then by force: rarely, since WeChat allows
        that 20 times a day.
        """
        if self._value != refused:
            return await self.get()
        return await self._shared(self._replaced)

    def worked(self) -> None:
        """Take in that WeChat took the token."""
        self._pause_s = FORCED_REFRESH_S

    async def close(self) -> None:
        """End what is under way."""
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.wait((self._under_way,))

    async def _shared(self, obtain: Callable[[], Awaitable[str]]) -> str:
        if self._under_way is None:
            self._under_way = asyncio.ensure_future(_running(obtain))
            self._under_way.add_done_callback(self._landed)
        # Whoever gives up waiting must not end it for the others.
        return await asyncio.shield(self._under_way)

    def _landed(self, task: asyncio.Task[str]) -> None:
        self._under_way = None
        if not task.cancelled():
            task.exception()  # seen, even where nobody waits any more

    async def _renewed(self) -> str:
        try:
            return self._taken(await self._fetch(False))  # noqa: FBT003 - see Fetch
        except SendFailed:
            if self._clock() >= self._ends_at:
                raise
            self._early_at = self._clock() + _AFTER_FAILURE_S
            return self._value

    async def _replaced(self) -> str:
        refused, now = self._value, self._clock()
        if now < self._ask_again_at:
            raise _token_refused()
        self._ask_again_at = now + FORCED_REFRESH_S
        issued = await self._fetch(False)  # noqa: FBT003 - see Fetch
        if issued.value == refused:
            if now < self._force_again_at:
                raise _token_refused()
            self._force_again_at = now + self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_FORCED_REFRESH_S)
            issued = await self._fetch(True)  # noqa: FBT003 - see Fetch
        if issued.value == refused:
            raise _token_refused()
        return self._taken(issued)

    def _taken(self, issued: Issued) -> str:
        now = self._clock()
        self._value, self._ends_at = issued.value, now + issued.lives_s
        self._early_at = self._ends_at - min(TOKEN_EARLY_S, issued.lives_s / 2)
        return issued.value


async def _running(obtain: Callable[[], Awaitable[str]]) -> str:
    return await obtain()


def _token_refused() -> TemporaryFailure:
    return TemporaryFailure("token-refused", retry_after_s=MISCONFIGURED_RETRY_S, whole_account=True)
