"""Following the log: where a follower stands, kept in the log itself."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from domain.dispatch import Done, Request, Result
from domain.errors import VersionConflict
from domain.identity import Slug
from domain.message import Context, Recorded
from domain.ports.event_log import EventLog, Progress

IDLE_MOVE = 2_000
"""A follower that had nothing to do for so many events notes its position all the same, so that a restart does not read them again."""

Dispatch = Callable[[Request], Awaitable[Result]]


class Follower:
    """One follower's place in the log. ``noted`` is what is durable; ``read_to`` may be ahead of it where there was nothing to do."""

    def __init__(
        self,
        name: str,
        log: EventLog,
        dispatch: Dispatch,
        clock: Callable[[], datetime],
        starts_at: Callable[[], int] | None = None,
    ) -> None:
        """``starts_at``: where one that never ran starts, asked in a thread; by default at the log's end."""
        self.name, self.log, self.dispatch, self.clock = name, log, dispatch, clock
        self._starts_at = starts_at or log.head
        self.noted = self.read_to = 0
        self._begun = False

    @property
    def place(self) -> int:
        """Up to which position there is nothing left to read. ``noted`` is ahead where the store went away in the middle of a batch."""
        return max(self.read_to, self.noted)

    async def next(self, limit: int) -> list[Recorded]:
        """Return the next events; empty at the head. Raises StoreUnavailable."""
        await self.begin()
        return await self.read(self.place, limit)

    async def read(self, after: int, limit: int) -> list[Recorded]:
        """Return the events after a position. Raises StoreUnavailable."""
        held = self.log.recent(after, limit)
        return held if held is not None else await asyncio.to_thread(self.log.read, after, limit)

    async def begin(self) -> None:
        """Go on from where it stood; once. Raises StoreUnavailable."""
        if self._begun:
            return
        known = await asyncio.to_thread(self.log.progress, self.name)
        if known is None:  # noted even at 0: what comes next must not be taken for the past by a later start
            await self.move_to(await asyncio.to_thread(self._starts_at))
        else:
            self.noted = self.read_to = known
        self._begun = True

    def progress(self, position: int) -> Progress:
        """Return the step from what is noted to a position, to be committed with what it caused."""
        return Progress(self.name, self.noted, position)

    async def passed(self, position: int) -> None:
        """Say that everything up to a position is done; noted at once only where much was passed over."""
        self.read_to = max(self.read_to, position)
        if self.read_to - self.noted >= IDLE_MOVE:
            await self.move_to(self.read_to)

    async def move_to(self, position: int) -> bool:
        """Note a position. Returns False where another worker moved it meanwhile: then it goes on from there."""
        now = self.clock()
        context = Context(actor=Slug(f"process-{self.name}"), occurred_at=now, now=now)
        moved = await self.dispatch(Request(context, progress=self.progress(position)))
        if not isinstance(moved, Done):
            await self.resume()
            return False
        self.noted = position
        self.read_to = max(self.read_to, position)
        return True

    async def resume(self) -> None:
        """Go on from what is durable. Raises VersionConflict where nothing is: then it has not even begun."""
        known = await asyncio.to_thread(self.log.progress, self.name)
        if known is None:
            raise VersionConflict(f"the position of {self.name} could not be noted: try again")
        self.noted = self.read_to = known
