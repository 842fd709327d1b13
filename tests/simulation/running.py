"""``run(seed)`` lives through one seed: the same seed is the same run, event by event, wherever it runs."""

import asyncio
import gc
import random
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from structlog.testing import capture_logs

from tests.simulation.loop import SimulatedLoop
from tests.simulation.siyu import PROCESS
from tests.simulation.weather import Weather, weather
from tests.simulation.world import Outcome, Trace, World

SQL_EVERY = 25
"""Every so many seeds read the real views; the others the same, folded in memory."""
ERRORS_EXPECTED = {"driver.failing", "delivery.not_recorded"}
"""What is logged as an error when the store is away, and says so."""


def _process_of(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, Any],
    **given: Any,  # noqa: ANN401  # what asyncio gives
) -> "asyncio.Task[Any]":
    """Make a task, and let the process that began it know: it ends with it."""
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **given)
    context = given.get("context")
    process = PROCESS.get() if context is None else context.get(PROCESS)
    if process is not None:
        process.tasks.append(task)
        if len(process.tasks) > 500:
            process.tasks = [known for known in process.tasks if not known.done()]
    return task


def run(seed: int, trace: Trace = None, drawn: Weather | None = None) -> Outcome:
    """Live through one seed, and return what became of it. ``drawn``: another weather than the seed's own."""
    met = drawn or weather(random.Random(f"{seed}:weather"))
    in_sql = seed % SQL_EVERY == 0 and not met.brief

    def alive() -> bool:
        process = PROCESS.get()
        return process is None or not process.dead

    loop = SimulatedLoop(random.Random(f"{seed}:executor"), alive)
    loop.set_task_factory(_process_of)  # type: ignore[arg-type]  # typeshed knows no keywords here
    collecting = gc.isenabled()
    gc.disable()  # what a collection closes, it would close at another moment in every run
    with capture_logs() as logged:
        world = World(seed, loop, trace, met, in_sql=in_sql)
        loop.before_turn = world.before_turn
        try:
            loop.run_until_complete(world.live())
            for entry in logged:
                if entry["log_level"] == "error" and entry["event"] not in ERRORS_EXPECTED:
                    world.blame(f"logged: {entry}")
            return world.outcome()
        finally:
            for process in world.processes:
                process.kill()
            for task in asyncio.all_tasks(loop):
                task.cancel()
            with suppress(asyncio.CancelledError):
                loop.run_until_complete(asyncio.sleep(60.0))
            world.disk.close()
            loop.close()
            if collecting:
                gc.enable()
