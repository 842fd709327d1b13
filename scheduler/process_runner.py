"""Processes that follow the log: event in, commands out, the position committed with what they caused."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import takewhile

import structlog

from domain.decider import Process
from domain.dispatch import Done, Failed, Reaction, Request, answering
from domain.errors import Overloaded, StoreUnavailable, SubjectForgotten, UnknownEvent, VersionConflict
from domain.message import Origin, Recorded
from domain.ports.event_log import Unreadable
from domain.registry import EVENT_TYPES
from scheduler.follower import Follower

BATCH = 200
"""Events read at once; what they lead to is committed together where it can be."""
TOGETHER = 40
"""Of them, those that are answered in one append: the states of what a larger one begins are not remembered (domain/dispatch.py)."""

log_ = structlog.get_logger(__name__)


class ProcessRunner:
    """Drives one process. Imported history causes nothing; what a process cannot digest is parked and the rest goes on."""

    def __init__(
        self, process: Process, follower: Follower, park: Callable[[str, Recorded, Exception], None]
    ) -> None:
        """``park``: notes (process, event, error) for ``siyu replay``; called in a thread."""
        self.process, self.follower, self.park = process, follower, park
        self._slugs = {_slug(name) for name, event in EVENT_TYPES.items() if event in process.listens_to}

    async def step(self) -> int:
        """React to the next events. Returns how many were read; 0 when the log's head is reached. Raises StoreUnavailable, Overloaded."""
        batch = await self.follower.next(BATCH)
        if batch:
            await self.answer([r for r in batch if self.wants(r)], batch[-1].position)
        return len(batch)

    async def answer(self, wanted: Sequence[Recorded], up_to: int) -> None:
        """React to these events: all it wants between where it stands and a position. Raises StoreUnavailable, Overloaded."""
        if await self._react(wanted):
            await self.follower.passed(up_to)

    def wants(self, recorded: Recorded) -> bool:
        """Whether it reacts to an event."""
        return recorded.origin is Origin.LIVE and self._listens_to(recorded)

    def _listens_to(self, recorded: Recorded) -> bool:
        """Whether it is asked about an event; one that cannot be read is told by its type, of whatever version."""
        if isinstance(recorded.event, Unreadable):
            return _slug(recorded.type) in self._slugs
        return isinstance(recorded.event, self.process.listens_to)

    async def _react(self, events: Sequence[Recorded]) -> bool:
        """Answer events in order. Returns False where another worker is ahead: then the follower goes on from what is durable."""
        waiting = list(events)
        while waiting:
            readable = list(takewhile(lambda r: not isinstance(r.event, Unreadable), waiting))
            if len(readable) > 1:
                done = await self._together(readable)
                waiting, readable = waiting[done:], readable[done:]
                if done and not readable:
                    continue
            done, stopped = await self._ask([[recorded] for recorded in readable])
            if stopped is None and readable:
                waiting = waiting[done:]
                continue
            if not await self._pass(waiting[done]):
                return False
            waiting = waiting[done + 1 :]
        return True

    async def _together(self, events: Sequence[Recorded]) -> int:
        """Answer events, many in one append, which is cheap. Returns how many; what stopped the others shows when each is asked."""
        groups = [events[at : at + TOGETHER] for at in range(0, len(events), TOGETHER)]
        done, _ = await self._ask(groups)
        return sum(map(len, groups[:done]))

    async def _ask(self, groups: Sequence[Sequence[Recorded]]) -> tuple[int, Exception | None]:
        """Hand in one request a group of events, all at once: they share a commit, and each moves the position by itself.

        Returns how many groups were answered, and what stopped the next one. Raises StoreUnavailable, Overloaded.
        """
        asked = map(self.follower.dispatch, self._requests(groups))
        for done, result in enumerate(await asyncio.gather(*asked, return_exceptions=True)):
            if isinstance(result, Done):
                self.follower.noted = groups[done][-1].position
                continue
            error = result.error if isinstance(result, Failed) else result
            if isinstance(error, StoreUnavailable | Overloaded) or not isinstance(error, Exception):
                raise error
            return done, error
        return len(groups), None

    def _requests(self, groups: Sequence[Sequence[Recorded]]) -> list[Request]:
        requests, noted, now = [], self.follower.noted, self.follower.clock()
        for events in groups:
            reactions = tuple([Reaction(self.process, recorded, now) for recorded in events])
            progress = replace(self.follower.progress(events[-1].position), expected=noted)
            context = answering(events[-1], self.process, now)
            requests.append(Request(context, reactions=reactions, progress=progress))
            noted = events[-1].position
        return requests

    async def _pass(self, recorded: Recorded) -> bool:
        """One event could not be answered: once more by itself, then park it. Returns as ``_react`` does."""
        if isinstance(recorded.event, Unreadable):
            return await self._park(recorded, UnknownEvent(recorded.event.error))
        _, stopped = await self._ask([[recorded]])
        if stopped is None:
            return True
        if isinstance(stopped, VersionConflict):
            await self.follower.resume()
            return False
        if isinstance(stopped, SubjectForgotten):  # there is nobody to answer any more
            return await self.follower.move_to(recorded.position)
        return await self._park(recorded, stopped)

    async def _park(self, recorded: Recorded, error: Exception) -> bool:
        log_.error(
            "process.parked",
            process=self.process.name,
            position=recorded.position,
            error=type(error).__name__,
        )
        await asyncio.to_thread(self.park, self.process.name, recorded, error)
        return await self.follower.move_to(recorded.position)


def _slug(event_type: str) -> str:
    return event_type.partition("/")[0]
