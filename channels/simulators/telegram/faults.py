"""Faults on request: what a network, a proxy or Telegram itself does to a call on a bad day."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from aiohttp import web

from channels.simulators.telegram.errors import ApiError, forbidden
from channels.simulators.telegram.limits import Pacing
from channels.simulators.telegram.shapes import Json

_ABORT: Final = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: close() sends RST

Answer = Callable[[], Awaitable[Json]]


class FaultKind(StrEnum):
    RATE_LIMITED = "rate_limited"
    """429 with `retry_after_s`, not accepted; the bot is blocked until then."""
    SERVER_ERROR_BEFORE = "server_error_before"
    """500, not accepted."""
    SERVER_ERROR_AFTER = "server_error_after"
    """502 although the call was accepted."""
    TIMEOUT_AFTER = "timeout_after"
    """Accepted, then no answer until the client or the simulator closes."""
    RESET_AFTER = "reset_after"
    """Accepted, then the connection is reset without an answer."""
    REFUSE = "refuse"
    """The connection is closed without an answer, not accepted."""
    GARBAGE = "garbage"
    """Accepted, then 200 with a body that is no JSON."""
    DRIP = "drip"
    """Accepted, then the right answer, one byte every `drip_s`."""
    BLOCKED = "blocked"
    """403 "bot was blocked by the user", not accepted."""


@dataclass(slots=True)
class Fault:
    """Strikes the next `times` calls of `method` (None: any) to `chat_id` (None: any)."""

    kind: FaultKind
    method: str | None
    times: int
    chat_id: int | None
    retry_after_s: int
    drip_s: float

    def strikes(self, method: str, chat_id: int | None) -> bool:
        right_method = self.method is None or self.method.lower() == method.lower()
        return self.times > 0 and right_method and self.chat_id in (None, chat_id)


class Faults:
    """The faults to come, oldest first. A call that is refused anyway uses its fault up too."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(
        self,
        *,
        kind: FaultKind | str,
        method: str | None = "sendMessage",
        times: int = 1,
        chat_id: int | None = None,
        retry_after_s: int = 1,
        drip_s: float = 0.01,
    ) -> None:
        self._waiting.append(Fault(FaultKind(kind), method, times, chat_id, retry_after_s, drip_s))

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, method: str, chat_id: int | None) -> Fault | None:
        fault = next((fault for fault in self._waiting if fault.strikes(method, chat_id)), None)
        if fault is not None:
            fault.times -= 1
            self._waiting = [waiting for waiting in self._waiting if waiting.times > 0]
        return fault


async def answer_with_fault(
    request: web.Request, fault: Fault, answer: Answer, pacing: Pacing, closing: asyncio.Event
) -> web.StreamResponse:
    """Answer a call as `fault` says; `answer` accepts the call. Raises ApiError for what Telegram words."""
    match fault.kind:
        case FaultKind.RATE_LIMITED:
            pacing.block(fault.retry_after_s)
        case FaultKind.BLOCKED:
            raise forbidden("bot was blocked by the user")
        case FaultKind.SERVER_ERROR_BEFORE:
            raise ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error")
        case FaultKind.REFUSE:
            return _closed(request)
        case _:
            pass
    body = await answer()
    match fault.kind:
        case FaultKind.SERVER_ERROR_AFTER:
            raise ApiError(HTTPStatus.BAD_GATEWAY, "Bad Gateway")
        case FaultKind.TIMEOUT_AFTER:
            await closing.wait()
            return _closed(request)
        case FaultKind.GARBAGE:
            return web.Response(text="<html><body>It works!</body></html>", content_type="text/html")
        case FaultKind.DRIP:
            return await _dripped(request, json.dumps(body).encode(), fault.drip_s)
        case _:
            return _closed(request, reset=True)


def _closed(request: web.Request, *, reset: bool = False) -> web.Response:
    transport = request.transport
    if transport is not None:
        if reset:
            connection: socket.socket = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        transport.abort()
    return web.Response()  # never sent: there is no connection left


async def _dripped(request: web.Request, body: bytes, drip_s: float) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    for byte in body:
        await response.write(bytes([byte]))
        await asyncio.sleep(drip_s)
    await response.write_eof()
    return response
