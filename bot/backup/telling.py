"""Long work that tells how far it is: done in a thread, told by a generator."""

from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event
from typing import TypeVar

from bot.texts import Told

T = TypeVar("T")
Tell = Callable[[Told], None]

STEPS = 4
"""How often a part tells how far it is."""


class GivenUp(Exception):  # it never leaves this package: nobody listens any more
    """Whoever asked for the work has gone."""


def told_while(work: Callable[[Tell], T]) -> Generator[Told, None, T]:
    """Yield what some work tells, and return its result. Raises what it raises.

    Where nobody listens any more, the next thing it tells ends it: ``tell`` raises GivenUp.
    """
    lines: SimpleQueue[Told | None] = SimpleQueue()
    gone = Event()

    def tell(line: Told) -> None:
        if gone.is_set():
            raise GivenUp
        lines.put(line)

    def ended(_work: "Future[T]") -> None:
        lines.put(None)

    with ThreadPoolExecutor(1, thread_name_prefix="siyu-backup") as thread:
        working = thread.submit(work, tell)
        working.add_done_callback(ended)
        try:
            while (line := lines.get()) is not None:
                yield line
        finally:
            gone.set()
        return working.result()


class Steps:
    """Tells of a part a few times while it is done, not at every step of it."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        """``tell``: takes per cent."""
        self._tell, self._told = tell, 0

    def __call__(self, done: int, total: int) -> None:
        """Say that so much of all is done."""
        step = STEPS * done // total if total else STEPS
        if step > self._told:
            self._told = step
            self._tell(100 * step // STEPS)
