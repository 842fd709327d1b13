"""The port: where bulk work runs. Beside it the runner that needs nothing: threads of this process."""

import asyncio
import itertools
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from bot.bulk.carrying import Ended, Line, Stopped, Work, Works, carried_out, failed
from bot.texts import Told
from domain.errors import Overloaded, StoreUnavailable, UnknownRecipient

AT_ONCE: Final = 2
MOST_WAITING: Final = 100
KEPT: Final = 100
"""Jobs that are over and can still be looked at."""


class State(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self not in {State.WAITING, State.RUNNING}


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work. ``tries``: how often it was begun."""

    number: int
    work: str
    state: State
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """A job, and what it told behind a line. ``last``: the number of the last of these. ``ended``: once it is over."""

    job: Job
    lines: Sequence[Line]
    last: int
    ended: Ended | None = None


class Runner(Protocol):
    """Runs bulk work. ``lasting``: a job outlives the process that it was given to. All of it is blocking."""

    lasting: bool

    def start(self, work: str, arguments: Mapping[str, str]) -> int:
        """Let a piece of work begin soon, and return its number. Arguments are ids and paths: they are kept in clear.

        Raises Overloaded, StoreUnavailable.
        """
        ...

    def look(self, number: int, after: int = 0) -> Seen:
        """Return how a job stands and its lines above ``after``, in order. Raises UnknownRecipient, StoreUnavailable."""
        ...

    def jobs(self) -> Sequence[Job]:
        """Return the jobs there are, the newest first; those that are over are forgotten some time. Raises StoreUnavailable."""
        ...

    def cancel(self, number: int) -> bool:
        """Have a job stopped at its next line. Returns False where it was over already. Raises UnknownRecipient, StoreUnavailable."""
        ...

    async def work(self) -> None:
        """Take jobs until cancelled; where they are taken anyway, wait for that."""
        ...

    def stop(self) -> None:
        """Let nobody wait for a job of this process any more: ``look`` raises StoreUnavailable."""
        ...

    def close(self) -> None:
        """Stop, end what runs here at its next line, and return when it has."""
        ...


def unknown(number: int) -> UnknownRecipient:
    """Return what there is to say of a number that no job has."""
    return UnknownRecipient("there is no job {number}: siyu jobs list", number=number)


def stopping(number: int) -> StoreUnavailable:
    """Return what whoever waits for a job is told when Siyu stops."""
    return StoreUnavailable(
        "Siyu stops: siyu jobs follow {number} tells more once it runs again", number=number
    )


@dataclass(slots=True)
class _Kept:
    work: str
    state: State = State.WAITING
    lines: list[Line] = field(default_factory=list)
    ended: Ended | None = None
    unwanted: bool = False


def _job(number: int, work: str, state: State) -> Job:
    return Job(number, work, state, tries=0 if state is State.WAITING else 1)


class InProcess:
    """Runs work in threads of this process, and forgets it with the process."""

    lasting = False

    def __init__(self, works: Works) -> None:
        self._works = works
        self._pool = ThreadPoolExecutor(AT_ONCE, "siyu-bulk")
        self._lock = threading.Lock()
        self._kept: dict[int, _Kept] = {}
        self._numbers = itertools.count(1)
        self._closing = self._stopping = False

    def start(self, work: str, arguments: Mapping[str, str]) -> int:
        """See Runner."""
        carried = self._works()[work]
        with self._lock:
            if sum(kept.state is State.WAITING for kept in self._kept.values()) >= MOST_WAITING:
                raise Overloaded("too many jobs are waiting: try again later")
            number = next(self._numbers)
            kept = self._kept[number] = _Kept(work)
            over = [old for old, job in self._kept.items() if job.state.over]
            for old in over[: max(0, len(over) - KEPT)]:
                del self._kept[old]
        self._pool.submit(self._run, kept, carried, dict(arguments))
        return number

    def look(self, number: int, after: int = 0) -> Seen:
        """See Runner."""
        if self._stopping:
            raise stopping(number)
        kept = self._find(number)
        ended, state = kept.ended, kept.state  # before the lines: all of them are there once it is over
        lines = kept.lines[after:]
        return Seen(_job(number, kept.work, state), lines, after + len(lines), ended)

    def jobs(self) -> Sequence[Job]:
        """See Runner."""
        with self._lock:
            return [_job(number, kept.work, kept.state) for number, kept in reversed(self._kept.items())]

    def cancel(self, number: int) -> bool:
        """See Runner."""
        kept = self._find(number)
        with self._lock:
            kept.unwanted = True
            if kept.state is State.WAITING:
                kept.state, kept.ended = State.CANCELLED, Ended(1)
                return True
            return not kept.state.over

    async def work(self) -> None:
        """See Runner: its threads take what comes."""
        await asyncio.Event().wait()

    def stop(self) -> None:
        """See Runner."""
        self._stopping = True

    def close(self) -> None:
        """See Runner."""
        self._stopping = self._closing = True
        self._pool.shutdown(cancel_futures=True)

    def _find(self, number: int) -> _Kept:
        with self._lock:
            kept = self._kept.get(number)
        if kept is None:
            raise unknown(number)
        return kept

    def _run(self, kept: _Kept, work: Work, arguments: Mapping[str, str]) -> None:
        with self._lock:
            if kept.state.over:
                return
            kept.state = State.RUNNING
        try:
            ended, state = self._attempt(kept, work, arguments)
        except Stopped:
            ended, state = Ended(1), State.CANCELLED
        except (StoreUnavailable, Overloaded) as error:
            ended, state = Ended(1, Told(error.text, error.values)), State.FAILED
        except Exception as bug:  # noqa: BLE001  # it is logged; whoever waits must hear of the end
            ended, state = failed(bug), State.FAILED
        with self._lock:
            kept.ended, kept.state = ended, state

    def _attempt(self, kept: _Kept, work: Work, arguments: Mapping[str, str]) -> tuple[Ended, State]:
        lines = carried_out(work, arguments, lambda: self._closing or kept.unwanted)
        while True:
            try:
                kept.lines.append(next(lines))
            except StopIteration as end:
                ended: Ended = end.value
                return ended, State.DONE if ended.error is None else State.FAILED
