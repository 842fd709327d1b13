"""One thread that commits groups: what queued up during the last commit is the next batch. No timer."""

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import NamedTuple, Protocol

from domain.dispatch import Failed, Request, Result
from domain.errors import Overloaded, SiyuError, StoreUnavailable

BATCH = 200
"""Requests decided and committed together."""
CAPACITY = 10_000
"""Requests that may wait; one more is refused, and the provider comes again."""


class Decides(Protocol):
    """domain.dispatch.Dispatcher, as far as the writer needs it."""

    def step(self, requests: Sequence[Request]) -> list[Result]:
        """Decide and append."""
        ...


Answer = Result | Exception


class _Waiting(NamedTuple):
    """A request, and who waits for its answer: a thread, or a task of ``loop``."""

    request: Request
    thread: "Future[Result] | None" = None
    task: "asyncio.Future[Result] | None" = None
    loop: asyncio.AbstractEventLoop | None = None


class Writer:
    """Drives a dispatcher in a thread of its own until ``close``."""

    def __init__(self, dispatcher: Decides, *, capacity: int = CAPACITY) -> None:
        """``capacity``: requests that may wait."""
        self._dispatcher, self._capacity = dispatcher, capacity
        self._queue: SimpleQueue[list[_Waiting] | None] = SimpleQueue()
        self._queued = 0
        self._gathered: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="siyu-writer", daemon=True)
        self._thread.start()

    async def submit(self, request: Request) -> Result:
        """Return what became of a request, once it is durable. Raises Overloaded, StoreUnavailable.

        What is submitted in one turn of the loop is handed in together at its end. One by one, each would wake the thread, which takes the
        interpreter for a batch of one or two while the others are still being read (docs/adr/0020-the-views-take-small-steps.md).
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()
        gathered = self._gathered.get(loop, [])
        self._admit(len(gathered))
        if not gathered:
            self._gathered[loop] = gathered
            loop.call_soon(self._hand_in, loop)
        gathered.append(_Waiting(request, task=answer, loop=loop))
        return await answer

    def submit_blocking(self, request: Request) -> Result:
        """As ``submit``, for threads."""
        answer: Future[Result] = Future()
        self._put([_Waiting(request, thread=answer)])
        return answer.result()

    def _hand_in(self, loop: asyncio.AbstractEventLoop) -> None:
        gathered = self._gathered.pop(loop)
        try:
            self._put(gathered)
        except (StoreUnavailable, Overloaded) as error:
            _settle_all([(waiting.task, error) for waiting in gathered if waiting.task is not None])

    def _put(self, together: list[_Waiting]) -> None:
        with self._lock:
            self._admit()
            self._queued += len(together)
            self._queue.put(together)

    def _admit(self, before: int = 0) -> None:
        """Raises StoreUnavailable once closed, Overloaded where too many wait; ``before``: those who are about to."""
        if self._closed:
            raise StoreUnavailable("Siyu is shutting down")
        if self._queued + before >= self._capacity:
            raise Overloaded(
                "{capacity} requests are waiting for the log: come again", capacity=self._capacity
            )

    def close(self) -> None:
        """Answer what is waiting, then end. Harmless when it was done before."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        waiting: deque[_Waiting] = deque()
        last = False
        while waiting or not last:
            last = self._collect(waiting) or last
            batch = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
            with self._lock:
                self._queued -= len(batch)
            if batch:
                _deliver(batch, self._decide([each.request for each in batch]))

    def _collect(self, waiting: "deque[_Waiting]") -> bool:
        """Take what is queued, up to a batch, waiting for the first. Returns whether that was the end."""
        while len(waiting) < BATCH:
            try:
                together = self._queue.get(block=not waiting)
            except Empty:
                return False
            if together is None:
                return True
            waiting.extend(together)
        return False

    def _decide(self, requests: Sequence[Request]) -> Sequence[Answer]:
        try:
            return self._dispatcher.step(requests)
        except StoreUnavailable as error:
            return [type(error)(*error.args) for _ in requests]
        except Exception as error:  # noqa: BLE001  # a bug in one request must reach its caller, and nobody else
            if len(requests) > 1:
                return [answer for request in requests for answer in self._decide([request])]
            return [Failed(error) if isinstance(error, SiyuError) else error]


def _deliver(batch: Sequence[_Waiting], answers: Sequence[Answer]) -> None:
    """Hand the answers out: to each loop all of its own at once, since waking a loop costs more than deciding a request."""
    tasks: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Result], Answer]]] = {}
    for waiting, answer in zip(batch, answers, strict=True):
        if waiting.thread is not None:
            _settle(waiting.thread, answer)
        elif waiting.task is not None and waiting.loop is not None:
            tasks.setdefault(waiting.loop, []).append((waiting.task, answer))
    for loop, settled in tasks.items():
        try:
            loop.call_soon_threadsafe(_settle_all, settled)
        except RuntimeError:  # the loop is closed: nobody is waiting there any more
            continue


def _settle_all(settled: Sequence[tuple["asyncio.Future[Result]", Answer]]) -> None:
    for task, answer in settled:
        if not task.done():  # the one who waited may be gone
            _settle(task, answer)


def _settle(future: "Future[Result] | asyncio.Future[Result]", answer: Answer) -> None:
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
