"""Processes that follow the log: event in, commands out, the position committed with what they caused."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from domain.decider import Process
from domain.dispatch import Failed, Request, answering
from domain.message import Origin, Recorded
from scheduler.follower import Follower

BATCH = 200
"""Events read at once; what they lead to is committed together where it can be."""

log_ = structlog.get_logger(__name__)


class ProcessRunner:
    """Drives one process. Imported history causes nothing; what a process cannot digest is parked and the rest goes on."""

    def __init__(
        self, process: Process, follower: Follower, park: Callable[[str, Recorded, Exception], None]
    ) -> None:
        """``park``: notes (process, event, error) for ``siyu replay``."""
        self.process, self.follower, self.park = process, follower, park

    async def step(self) -> int:
        """React to the next events. Returns how many were read; 0 when the log's head is reached. Raises StoreUnavailable."""
        batch = await self.follower.next(BATCH)
        wanted = [
            r for r in batch if r.origin is Origin.LIVE and isinstance(r.event, self.process.listens_to)
        ]
        if wanted:
            await self._react(wanted)
        if batch:
            await self.follower.passed(batch[-1].position)
        return len(batch)

    async def _react(self, events: Sequence[Recorded]) -> None:
        """Hand in one request an event, in order and all at once: they share a commit, and each moves the position by itself."""
        waiting = list(events)
        while waiting:
            results = await asyncio.gather(*map(self.follower.dispatch, self._requests(waiting)))
            done = next((i for i, result in enumerate(results) if isinstance(result, Failed)), len(waiting))
            if done:
                self.follower.noted = waiting[done - 1].position
            if done < len(waiting):
                await self._once_more(waiting[done])
                done += 1
            waiting = waiting[done:]

    def _requests(self, events: Sequence[Recorded]) -> list[Request]:
        requests, noted = [], self.follower.noted
        for recorded in events:
            progress = replace(self.follower.progress(recorded.position), expected=noted)
            context = answering(recorded, self.process, self.follower.clock())
            requests.append(Request(context, react=(self.process, recorded), progress=progress))
            noted = recorded.position
        return requests

    async def _once_more(self, recorded: Recorded) -> None:
        """One event could not be answered: once more by itself, then park it."""
        again = await self.follower.dispatch(self._requests([recorded])[0])
        if isinstance(again, Failed):
            error = type(again.error).__name__
            log_.error("process.parked", process=self.process.name, position=recorded.position, error=error)
            self.park(self.process.name, recorded, again.error)
            await self.follower.move_to(recorded.position)
        else:
            self.follower.noted = recorded.position
