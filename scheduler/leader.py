"""The leader: of several processes one does what is done for all of them by the clock.

It only saves work. What recurs is kept right by the log: each slot has a stream that must be new. But a leader that was frozen and does not
know that it was deposed must not write either: every write of a leader names its epoch, which the log checks as it does positions.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import structlog

from domain.dispatch import Done, Failed, Request, Result
from domain.errors import StoreUnavailable, VersionConflict
from domain.identity import Slug
from domain.message import Context
from domain.ports.event_log import EventLog, Progress
from scheduler.follower import Dispatch

EPOCH = "leader"
"""Where the epoch stands, among the positions beside the log."""
LOOKED_AT_EVERY_S = 1.0
FROZEN_S = 3.0
"""Who did not look for so long is the leader no more, by its own clock; a store ends the session of one that froze a little later."""

log_ = structlog.get_logger(__name__)


class Leadership(Protocol):
    """What one process at a time has, as long as it lives and is not frozen."""

    def lead(self) -> bool:
        """Take it if it is nobody's. Returns whether it is ours now. Raises StoreUnavailable: then it is not."""
        ...

    def give_up(self) -> None:
        """Let others have it."""
        ...


class SoleLeadership:
    """That of a process that is alone."""

    def lead(self) -> bool:
        """See Leadership."""
        return True

    def give_up(self) -> None:
        """See Leadership."""


class Leader:
    """One process's part in it. ``epoch``: that of its reign, None while another leads, or nobody."""

    def __init__(
        self,
        leadership: Leadership,
        log: EventLog,
        dispatch: Dispatch,
        clock: Callable[[], datetime],
        boottime: Callable[[], float],
    ) -> None:
        """``boottime``: seconds that go on while the machine sleeps, and the process is frozen."""
        self.begun: Callable[[], None] = lambda: None
        """Wakes who acts for it."""
        self._leadership, self._log, self._dispatch = leadership, log, dispatch
        self._clock, self._boottime = clock, boottime
        self._looked_at = 0.0
        self.epoch: int | None = None

    def leads(self) -> bool:
        """Whether it may act now."""
        return self.epoch is not None and self._boottime() < self._looked_at + FROZEN_S

    async def step(self) -> float:
        """Look whether it leads, and count the epoch up where it begins to. Returns after how many seconds to look again."""
        at = self._boottime()
        try:
            ours = await asyncio.to_thread(self._leadership.lead)
        except StoreUnavailable:
            self.epoch = None
            raise
        if not ours:
            self.epoch = None
        elif self.epoch is None:
            await self._begin()
        self._looked_at = at
        return LOOKED_AT_EVERY_S

    async def dispatch(self, request: Request) -> Result:
        """Hand in a request under the epoch: one of a leader that was deposed fails with VersionConflict, and leaves no trace."""
        epoch = self.epoch
        if epoch is None or not self.leads():
            return Failed(VersionConflict("another process does what is done by the clock"))
        result = await self._dispatch(replace(request, progress=Progress(EPOCH, epoch, epoch)))
        if isinstance(result, Failed) and isinstance(result.error, VersionConflict):
            self.epoch = None  # looked up anew by the next step
        return result

    async def _begin(self) -> None:
        now = self._clock()
        context = Context(actor=Slug("scheduler"), occurred_at=now, now=now)
        known = await asyncio.to_thread(self._log.progress, EPOCH) or 0
        begun = await self._dispatch(Request(context, progress=Progress(EPOCH, known, known + 1)))
        if isinstance(begun, Done):
            self.epoch = known + 1
            log_.info("leader.begins", epoch=self.epoch)
            self.begun()
