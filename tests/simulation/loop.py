"""An event loop whose time is simulated: it never waits, and threads are steps of its own.

What it runs is asyncio as it is. Only where the loop would sleep, its clock jumps to the next timer; and what would run in a thread runs on
the loop, at a moment within a span that a seed decides. So whatever may happen between two awaits happens in some seed, and the same seed
is the same run.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

BEGINS_AT_S = 1_000.0
"""The clock that goes on while the machine sleeps did not start today."""


class Deadlock(AssertionError):
    """Everybody waits, and nobody will ever come."""


class _Leap:
    """Stands for the selector: instead of waiting for sockets, lets the time pass."""

    def __init__(self, loop: "SimulatedLoop") -> None:
        self._loop = loop

    def select(self, timeout_s: float | None) -> list[object]:
        if timeout_s is None:
            raise Deadlock("nothing is left that could happen")
        self._loop.pass_time(timeout_s)
        return []


class SimulatedLoop(asyncio.BaseEventLoop):
    """``chance``: decides how long a thread takes. ``alive``: asked before a thread's work begins; a killed process does no more work."""

    def __init__(self, chance: random.Random, alive: Callable[[], bool] = lambda: True) -> None:
        self._now = BEGINS_AT_S
        super().__init__()
        self._selector = _Leap(self)
        self._chance, self._alive = chance, alive
        self.turns = 0
        """How often it went round: between two turns anything may be killed."""
        self.before_turn: Callable[[], None] = lambda: None
        self.thread_takes_s = (0.0, 0.004)
        self.unexpected: list[str] = []
        self.set_exception_handler(lambda _loop, context: self.unexpected.append(_told(context)))

    def time(self) -> float:
        """Seconds of the simulated clock."""
        return self._now

    def pass_time(self, seconds: float) -> None:
        self._now += max(0.0, seconds)

    def run_in_executor(self, _executor: object, func: Callable[[*Ts], T], *args: *Ts) -> "asyncio.Future[T]":
        """Do it on the loop: begun after a while, and heard of after another."""
        done: asyncio.Future[T] = self.create_future()
        begins_s, heard_s = (self._chance.uniform(*self.thread_takes_s) for _ in range(2))
        self.call_later(begins_s, self._work, done, heard_s, func, *args)
        return done

    def _work(
        self, done: "asyncio.Future[Any]", heard_s: float, func: Callable[..., Any], *args: object
    ) -> None:
        if not self._alive():
            return
        try:
            answer, failed = func(*args), None
        except Exception as error:  # noqa: BLE001  # as a thread pool: whoever waits for it is told
            answer, failed = None, error
        self.call_later(heard_s, _settle, done, answer, failed)

    # What BaseEventLoop asks of those that have sockets.

    def _run_once(self) -> None:
        self.turns += 1
        self.before_turn()
        super()._run_once()  # type: ignore[misc]  # private, and what every loop of asyncio is built on

    def _process_events(self, event_list: Sequence[object]) -> None:
        """Nothing came over a socket."""

    def _write_to_self(self) -> None:
        """Nobody is on another thread."""


def _settle(done: "asyncio.Future[Any]", answer: object, failed: Exception | None) -> None:
    if done.done():  # whoever waited is gone
        return
    if failed is not None:
        done.set_exception(failed)
    else:
        done.set_result(answer)


def _told(context: dict[str, Any]) -> str:
    return f"{context.get('message')}: {context.get('exception')!r}"


def outside() -> Context:
    """Return a context of nobody's: what is begun in it outlives the process that began it."""
    return Context()
