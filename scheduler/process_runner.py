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
        wanted = [r for r in batch if r.origin is Origin.LIVE and self._listens_to(r)]
        if await self._react(wanted) and batch:
            await self.follower.passed(batch[-1].position)
        return len(batch)

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
            if len(readable) > 1 and await self._together(readable):
                waiting = waiting[len(readable) :]
                continue
            done, stopped = await self._ask(readable)
            if stopped is None and readable:
                waiting = waiting[done:]
                continue
            if not await self._pass(waiting[done]):
                return False
            waiting = waiting[done + 1 :]
        return True

    async def _together(self, events: Sequence[Recorded]) -> bool:
        """Answer events in one append, which is cheap. Returns False where that failed: then each is asked about by itself."""
        now = self.follower.clock()
        reactions = tuple(Reaction(self.process, r, answering(r, self.process, now)) for r in events)
        progress = self.follower.progress(events[-1].position)
        request = Request(reactions[-1].context, reactions=reactions, progress=progress)
        try:
            result = await self.follower.dispatch(request)
        except (StoreUnavailable, Overloaded):
            raise
        except Exception:  # noqa: BLE001  # a bug in one of them: asked one by one, it is parked and told
            return False
        if isinstance(result, Done):
            self.follower.noted = events[-1].position
            return True
        return False

    async def _ask(self, events: Sequence[Recorded]) -> tuple[int, Exception | None]:
        """Hand in one request an event, all at once: they share a commit, and each moves the position by itself.

        Returns how many were answered, and what stopped the next one. Raises StoreUnavailable, Overloaded.
        """
        asked = map(self.follower.dispatch, self._requests(events))
        for done, result in enumerate(await asyncio.gather(*asked, return_exceptions=True)):
            if isinstance(result, Done):
                self.follower.noted = events[done].position
                continue
            error = result.error if isinstance(result, Failed) else result
            if isinstance(error, StoreUnavailable | Overloaded) or not isinstance(error, Exception):
                raise error
            return done, error
        return len(events), None

    def _requests(self, events: Sequence[Recorded]) -> list[Request]:
        requests, noted = [], self.follower.noted
        for recorded in events:
            progress = replace(self.follower.progress(recorded.position), expected=noted)
            context = answering(recorded, self.process, self.follower.clock())
            reaction = Reaction(self.process, recorded, context)
            requests.append(Request(context, reactions=(reaction,), progress=progress))
            noted = recorded.position
        return requests

    async def _pass(self, recorded: Recorded) -> bool:
        """One event could not be answered: once more by itself, then park it. Returns as ``_react`` does."""
        if isinstance(recorded.event, Unreadable):
            return await self._park(recorded, UnknownEvent(recorded.event.error))
        _, stopped = await self._ask([recorded])
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
