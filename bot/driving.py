"""What drives the parts: each a task that runs one step again and again."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import structlog

from domain.errors import Overloaded, StoreUnavailable, VersionConflict

POLL_S = 1.0
"""Followers are woken at once; this is for what a wake-up cannot tell, such as another process on a store without LISTEN."""
BREATH_S = 0.05
"""Between two steps, so that under load a follower takes many events at once instead of waking for each commit."""
REST_S = 1.0
"""How long a driver waits after the store was away."""

log_ = structlog.get_logger(__name__)

Step = Callable[[], Awaitable[float | None]]
"""Returns after how many seconds to go on at the latest: 0 while there is work, None: when woken."""


class Driver:
    """Runs one ``step`` again and again: at once while there is work, otherwise when it is woken or its time has come."""

    def __init__(
        self,
        name: str,
        step: Step,
        breath_s: float | Callable[[], float] = BREATH_S,
        poll_s: float = POLL_S,
        rest_s: float = REST_S,
    ) -> None:
        """``breath_s``: between two steps, or what tells it; ``poll_s``: the longest wait; ``rest_s``: after a step that failed."""
        self.name, self._step = name, step
        self.breath_s, self._poll_s, self._rest_s = breath_s, poll_s, rest_s
        self.wake = asyncio.Event()
        self._failing: type[Exception] | None = None

    async def run(self) -> None:
        """Run until cancelled. A store that is away or a bug in one step never ends it."""
        while True:
            self.wake.clear()
            try:
                pause = await self._step()
                if self._failing:
                    log_.info("driver.recovered", driver=self.name)
                self._failing = None
            except (StoreUnavailable, Overloaded, VersionConflict) as error:
                pause = await self._rest(error)
            except Exception as error:  # noqa: BLE001  # one step's bug must not stop the others; it is logged with its trace
                pause = await self._rest(error)
            await asyncio.sleep(self.breath_s() if callable(self.breath_s) else self.breath_s)
            if pause is None or pause > 0:
                limit = self._poll_s if pause is None else min(pause, self._poll_s)
                await set_within(self.wake, limit)

    async def _rest(self, error: Exception) -> float:
        """Tell what is wrong, once until it is right again or something else is wrong, and wait a little."""
        if self._failing is not type(error):
            expected = isinstance(error, StoreUnavailable | Overloaded | VersionConflict)
            trace = None if expected else error
            log_.error(
                "driver.failing", driver=self.name, error=f"{type(error).__name__}: {error}", exc_info=trace
            )
        self._failing = type(error)
        await asyncio.sleep(self._rest_s)
        return self._rest_s


async def set_within(event: asyncio.Event, limit_s: float) -> None:
    """Wait for an event, so long at most. Not by wait_for: before Python 3.12 it loses a cancel that comes with the event."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await event.wait()


async def cancelled(task: "asyncio.Task[object]", again_s: float) -> None:
    """Cancel a task until it has ended; again after so long.

    Once is not always enough: libraries wait by wait_for, which before Python 3.12 loses a cancel that comes with what it waits for.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=again_s)


def boottime() -> float:
    """Read the clock that goes on while the machine sleeps: a frozen worker must notice."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
