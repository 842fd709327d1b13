"""One hook at work: follows the log, and tells what is wanted, one request at a time, until each is accepted.

At least once: its position moves when a request was accepted, so what a crash leaves in between is told again under the same ids.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

import structlog

from bot.hooks.letter import Letter, letter
from bot.hooks.post import GONE, Post
from bot.hooks.settings import HookSettings
from bot.hooks.standing import Skip, Standing, Stopped, note, place, skip, standing
from bot.hooks.turn import Turn
from bot.house import House
from domain.errors import PermanentFailure, SendFailed, TemporaryFailure
from domain.message import Origin, Recorded
from scheduler.follower import Follower

BATCH: Final = 100
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 600.0
PARKED_AFTER: Final = timedelta(days=3)

log_ = structlog.get_logger(__name__)

Tell = Callable[[HookSettings, Standing, int], Awaitable[None]]
"""Lets operators know that a hook was stopped: how it stands, and the position up to which it was told."""


def pause_s(attempts: int, chance: float) -> float:
    """Return how long to wait after so many failures in a row. ``chance``: 0 to 1; hooks that failed together come apart."""
    doubled = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempts - 1, 16))
    return max(FIRST_PAUSE_S, doubled * (0.5 + chance / 2))


class Hook:
    """Tells one system."""

    def __init__(
        self,
        settings: HookSettings,
        house: House,
        tell: Tell,
        timer: Callable[[], float],
        chance: Callable[[], float],
        post: Post | None = None,
    ) -> None:
        """``timer``: seconds that only grow. ``chance``: 0 to 1, for the pauses."""
        self.settings, self._house, self._tell = settings, house, tell
        self._timer, self._chance = timer, chance
        self._post = post or Post(settings)
        self._follower = Follower(place(settings.name), house.log, house.submit, house.clock)
        # On SQLite there is nobody else: the folder has a lock.
        self._turn = Turn(settings.name, house) if house.settings.database else None
        self._log = ""
        self._skip: Skip | None = None
        self._not_before = 0.0
        self.standing: Standing | None = None
        """None while it has not begun, and while another Siyu works for this hook."""

    @property
    def passed(self) -> int:
        """Up to which position nothing is left to tell."""
        return max(self._follower.read_to, self._follower.noted)

    async def step(self) -> float | None:
        """Tell the next batch. Returns 0 while there may be more, or the seconds to wait. Raises StoreUnavailable, Overloaded."""
        if self._turn is not None and not await self._turn.mine():
            self.standing = None
            return None
        if self.standing is None or self.standing.attempts:  # a replay may have set it right meanwhile
            self.standing = await asyncio.to_thread(standing, self._house.log, self.settings.name)
            if not self.standing.attempts:
                self._not_before = 0.0
        if self.standing.stopped:
            return None
        rest_s = self._not_before - self._timer()
        if rest_s > 0:
            return rest_s
        batch = await self._next()
        if not batch:
            return None
        wanted = [one for one in batch if one.origin is Origin.LIVE and self.settings.wants(one.type)]
        if not wanted:
            await self._follower.passed(batch[-1].position)
            return 0.0
        told = await asyncio.to_thread(self._letter, wanted)
        try:
            await self._post.deliver(
                told.body, told.headers(self.settings.secret, int(self._house.clock().timestamp()))
            )
        except SendFailed as error:
            return await self._failed(error)
        await self._accepted(batch[-1].position if told.count == len(wanted) else told.last)
        return 0.0

    async def _next(self) -> Sequence[Recorded]:
        """Return what comes next; empty at the log's end, and where a replay has moved the position."""
        batch = await self._follower.next(BATCH)
        known = await asyncio.to_thread(self._house.log.progress, self._follower.name)
        if known != self._follower.noted:
            await self._follower.resume()
            self._skip = None
            batch = await self._follower.next(BATCH)
        if self._skip is None:
            self._skip = await asyncio.to_thread(skip, self._house.log, self.settings.name)
        if self.passed >= self._skip.then:
            return batch
        meant = [recorded for recorded in batch if recorded.position <= self._skip.until]
        if not meant:
            await self._move(self._skip.then)
            return await self._follower.next(BATCH)
        return meant

    def _letter(self, wanted: Sequence[Recorded]) -> Letter:
        if not self._log:
            known = self._house.log.identity()
            self._log = f"{known.id}.{known.incarnation}"
        return letter(self.settings.name, self._log, wanted)

    async def _accepted(self, position: int) -> None:
        if self.standing is not None and self.standing.attempts:
            log_.info("hook.recovered", hook=self.settings.name, attempts=self.standing.attempts)
            await self._note(Standing())
        await self._move(position)

    async def _move(self, position: int) -> None:
        if not await self._follower.move_to(position):
            self._skip = None  # a replay came between: it counts

    async def _failed(self, error: SendFailed) -> float:
        """Note it, stop where there is no hope, and return when to try again."""
        before, now = self.standing or Standing(), self._house.clock()
        since = before.failing_since or now
        stopped = Stopped.NO
        if isinstance(error, PermanentFailure) and error.reason == GONE:
            stopped = Stopped.GONE
        elif now - since >= PARKED_AFTER:
            stopped = Stopped.PARKED
        stands = Standing(since, before.attempts + 1, error.reason, stopped)
        after_s = error.retry_after_s if isinstance(error, TemporaryFailure) else 0.0
        wait_s = max(pause_s(stands.attempts, self._chance()), min(after_s, LONGEST_PAUSE_S))
        self._not_before = self._timer() + wait_s
        if stopped or not before.attempts:
            log_.warning("hook.failing", hook=self.settings.name, error=error.reason, stopped=stopped.value)
        if stopped:  # told first: a crash in between tells it once more, and the second is a duplicate
            await self._tell(self.settings, stands, self._follower.noted)
        await self._note(stands)
        return wait_s

    async def _note(self, stands: Standing) -> None:
        await asyncio.to_thread(note, self._house.log, self.settings.name, stands)
        self.standing = stands
