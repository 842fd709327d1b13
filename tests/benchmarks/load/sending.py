"""Posting to a webhook over kept-alive connections: as fast as it answers, or at a pace that does not wait for it."""

import asyncio
import re
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_OK = (b"HTTP/1.1 200", b"HTTP/1.1 204")
PATIENCE_S = 60.0
TICK_S = 0.001


class Refused(Exception):
    """A webhook gave another answer than 200 or 204."""


class Caller(asyncio.Protocol):
    """One connection: a request at a time. ``done`` is called with each whole answer, ``failed`` where there is none."""

    def __init__(self, done: "Callable[[Caller], None]", failed: Callable[[Exception], None]) -> None:
        self._done, self._failed = done, failed
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._waits = False
        self.began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's only looks like one

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waits:  # whoever waits for nothing may be hung up on: servers close what rests
            self._failed(exc or ConnectionResetError("the webhook closed a connection"))

    def send(self, request: bytes, began: float) -> None:
        """Post. ``began``: the moment from which its time counts."""
        assert self._transport is not None
        self.began, self._waits = began, True
        if self._transport.is_closing():
            self._failed(ConnectionResetError("the webhook closed a connection before it was needed again"))
        else:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        said = _LENGTH.search(self._buffer, 0, end + 2)
        if len(self._buffer) < end + 4 + (int(said[1]) if said else 0):
            return
        answer, self._buffer, self._waits = self._buffer, b"", False
        if not answer.startswith(_OK):
            self._failed(Refused(answer[:300].decode("utf-8", "replace")))
            return
        self._done(self)

    def close(self) -> None:
        """Hang up."""
        self._failed = lambda _error: None
        if self._transport is not None:
            self._transport.close()


class _Sending(ABC):
    """Requests on their way over some connections, and how long each took, in ms."""

    def __init__(self, requests: list[bytes]) -> None:
        self.requests, self.left = requests, len(requests)
        self.latencies: list[float] = []
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.callers: list[Caller] = []

    async def connect(self, port: int, connections: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, caller = await loop.create_connection(
                lambda: Caller(self.answered, self.fail), "127.0.0.1", port
            )
            self.callers.append(caller)

    def answered(self, caller: Caller) -> None:
        self.latencies.append((time.perf_counter() - caller.began) * 1000)
        self.left -= 1
        if self.left == 0 and not self.finished.done():
            self.finished.set_result(None)
        self.free(caller)

    @abstractmethod
    def free(self, caller: Caller) -> None:
        """Take a caller that has its answer: it may post again."""

    def fail(self, error: Exception) -> None:
        if not self.finished.done():
            self.finished.set_exception(error)

    async def wait(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S + len(self.latencies) + self.left / 10):
                await self.finished
        finally:
            for caller in self.callers:
                caller.close()


class _Closed(_Sending):
    """Each connection posts its next request when the last one was answered."""

    def free(self, caller: Caller) -> None:
        if self.requests:
            caller.send(self.requests.pop(), time.perf_counter())


class _Open(_Sending):
    """Requests are due at their time, whether anybody is ready for them or not; what waits for a connection waits on the clock."""

    def __init__(self, requests: list[bytes]) -> None:
        super().__init__(requests)
        self.idle: deque[Caller] = deque()
        self.waiting: deque[tuple[bytes, float]] = deque()

    def free(self, caller: Caller) -> None:
        if self.waiting:
            caller.send(*self.waiting.popleft())
        else:
            self.idle.append(caller)

    async def keep_pace(self, rate_per_s: float) -> None:
        begin, number = time.perf_counter(), 0
        while self.requests and not self.finished.done():
            now = time.perf_counter()
            while self.requests and (due := begin + number / rate_per_s) <= now:
                number += 1
                self.waiting.append((self.requests.pop(), due))
                if self.idle:
                    self.idle.popleft().send(*self.waiting.popleft())  # the longest idle: none rests for long
            await asyncio.sleep(TICK_S)


async def as_fast_as_answered(port: int, requests: list[bytes], connections: int) -> dict[str, float]:
    """Post them all, each connection one at a time. Raises Refused, OSError, TimeoutError.

    Returns seconds, when that was (wall clock), the rate, and latencies.
    """
    sending = _Closed(requests)
    await sending.connect(port, connections)
    begin = time.perf_counter()
    for caller in list(sending.callers):
        sending.free(caller)
    await sending.wait()
    return _figures(sending.latencies, time.perf_counter() - begin)


async def at_a_pace(
    port: int, requests: list[bytes], connections: int, rate_per_s: float
) -> dict[str, float]:
    """Post them at this rate. A latency counts from when its request was due, so that a pause is felt by all who would have come in it.

    Returns and raises as ``as_fast_as_answered``.
    """
    sending = _Open(requests)
    await sending.connect(port, connections)
    sending.idle = deque(sending.callers)
    begin = time.perf_counter()
    pacing = asyncio.create_task(sending.keep_pace(rate_per_s))
    try:
        await sending.wait()
    finally:
        pacing.cancel()
    return _figures(sending.latencies, time.perf_counter() - begin)


def _figures(latencies: list[float], seconds: float) -> dict[str, float]:
    latencies.sort()
    ended_at = time.time()
    return {
        "seconds": seconds,
        "began_at": ended_at - seconds,
        "ended_at": ended_at,
        "per_s": len(latencies) / seconds,
        "p50_ms": latencies[len(latencies) // 2],
        "p99_ms": latencies[int(len(latencies) * 0.99)],
        "longest_ms": latencies[-1],
    }
