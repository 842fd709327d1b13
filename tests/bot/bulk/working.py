"""A worker of a runner beside a test that waits."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from bot.bulk import Runner

WITHIN_S = 30.0


@contextlib.contextmanager
def at_work(runner: Runner) -> Iterator[None]:
    """A worker on a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    working = asyncio.run_coroutine_threadsafe(runner.work(), loop)
    try:
        yield
    finally:
        working.cancel()
        try:
            asyncio.run_coroutine_threadsafe(_ended_tasks(), loop).result(WITHIN_S)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(WITHIN_S)
            loop.close()


async def _ended_tasks() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
