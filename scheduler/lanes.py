"""Lanes: the work of a process, split by whom it is about, so that several workers share it and each person's order holds.

A lane is a position of its own in the log. Whoever has some lanes reads the log once for all of them. An event belongs to the lane of its
contact (of the group, where it names nobody; otherwise of its stream): whom a contact is linked to would have to be looked up, and
nothing that processes do depends on the order between two accounts of one customer, since each decides on the state as it is.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any
from zlib import crc32

from domain.decider import Process
from domain.message import Recorded
from scheduler.follower import Follower
from scheduler.process_runner import BATCH, ProcessRunner

LANES = 64
"""For ever: a lane's position counts for its people."""
BLOCK = 8
"""Lanes that are in the same hands."""
BLOCKS = LANES // BLOCK

Makes = Callable[[str, Callable[[], int] | None], Follower]
"""Makes the follower of a name; it starts where the function says, or at the log's end."""
Park = Callable[[str, Recorded, Exception], None]


def lane_of(recorded: Recorded) -> int:
    """Return the lane of an event: the same for ever, on every machine."""
    event = recorded.event
    about = getattr(event, "contact", None) or getattr(event, "group", None) or recorded.stream
    return crc32(str(about).encode()) % LANES


def block(number: int) -> range:
    """Return the lanes of a block."""
    return range(number * BLOCK, (number + 1) * BLOCK)


class LaneRunner:
    """Drives one process in those of its lanes that this worker has."""

    def __init__(self, process: Process, makes: Makes, park: Park) -> None:
        """``park``: see ProcessRunner."""
        self.process, self._makes, self._park = process, makes, park
        self._whole = makes(process.name, None)
        self._lanes: dict[int, ProcessRunner] = {}

    @property
    def lanes(self) -> frozenset[int]:
        """Those it has."""
        return frozenset(self._lanes)

    def take(self, lanes: Iterable[int]) -> None:
        """Have these too, from where they stand in the log. A lane that never ran starts where the process stood before it had lanes."""
        for lane in lanes:
            follower = self._makes(f"{self.process.name}/{lane}", lambda: self._whole.noted)
            self._lanes[lane] = ProcessRunner(self.process, follower, self._park)

    def leave(self, lanes: Iterable[int]) -> None:
        """Have these no more."""
        for lane in lanes:
            self._lanes.pop(lane, None)

    async def step(self) -> int:
        """React to the next events. Returns how many were read; 0 at the log's head. Raises StoreUnavailable, Overloaded."""
        lanes = dict(self._lanes)
        if not lanes:
            return 0
        await self._whole.begin()
        await _all(runner.follower.begin() for runner in lanes.values())
        batch = await self._whole.read(min(runner.follower.place for runner in lanes.values()), BATCH)
        if batch:
            await _all(
                runner.answer(wanted, batch[-1].position) for runner, wanted in _shared_out(lanes, batch)
            )
        return len(batch)


def _shared_out(
    lanes: dict[int, ProcessRunner], batch: Sequence[Recorded]
) -> list[tuple[ProcessRunner, list[Recorded]]]:
    """Return what each of them has not answered yet. All that lies behind it is left out: lanes stand at different places."""
    any_ = next(iter(lanes.values()))
    shared: dict[int, list[Recorded]] = {lane: [] for lane in lanes}
    for recorded in batch:
        if any_.wants(recorded):
            lane = lane_of(recorded)
            if lane in lanes and recorded.position > lanes[lane].follower.place:
                shared[lane].append(recorded)
    up_to = batch[-1].position
    return [(runner, shared[lane]) for lane, runner in lanes.items() if runner.follower.place < up_to]


async def _all(steps: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Wait for all of them, also where one fails: nothing goes on behind the caller's back. Raises what one of them raised."""
    done = await asyncio.gather(*steps, return_exceptions=True)
    for failed in done:
        if isinstance(failed, BaseException):
            raise failed
