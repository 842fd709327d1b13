"""Faults of the API on request: what a network, a proxy or WeChat itself does to a call on a bad day."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aiohttp import web

from channels.simulators.wechat.errors import ApiError

_ABORT: Final = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: close() sends RST

Answer = Callable[[], Awaitable[web.Response]]


class FaultKind(StrEnum):
    SERVER_ERROR_BEFORE = "server_error_before"
    """500, not accepted."""
    SERVER_ERROR_AFTER = "server_error_after"
    """502 although the call was accepted."""
    REFUSE = "refuse"
    """The connection is closed without an answer, not accepted."""
    RESET_AFTER = "reset_after"
    """Accepted, then the connection is reset without an answer."""
    TIMEOUT_AFTER = "timeout_after"
    """Accepted, then no answer until the client or the simulator closes."""
    HALF_CLOSE = "half_close"
    """Accepted, then half of the right answer, and the connection is closed."""
    DRIP = "drip"
    """Accepted, then the right answer, one byte every `drip_s`."""
    GARBAGE = "garbage"
    """Accepted, then 200 with a body that is no JSON."""
    BUSY = "busy"
    """-1 "system error", not accepted."""
    QUOTA = "quota"
    """45009, the day's quota is used up; not accepted."""
    RATE = "rate"
    """45011, too many calls this minute; not accepted."""
    INVALID_TOKEN = "invalid_token"  # noqa: S105 - a fault's name
    """40001 for a token that was good, not accepted. With `times` None: whatever token comes."""
    REFUSED = "refused"
    """`errcode`, not accepted."""


UNSEEN: Final = frozenset({FaultKind.SERVER_ERROR_BEFORE, FaultKind.REFUSE})
"""Those that neither accept a call nor answer it with an errcode."""

_CODES: Final = {
    FaultKind.BUSY: -1,
    FaultKind.QUOTA: 45009,
    FaultKind.RATE: 45011,
    FaultKind.INVALID_TOKEN: 40001,
}


@dataclass(slots=True)
class Fault:
    """Strikes the next `times` calls (None: all) of `path` (None: any) for `openid` (None: any)."""

    kind: FaultKind
    path: str | None
    times: int | None
    openid: str | None
    errcode: int
    drip_s: float

    def strikes(self, path: str, openid: str | None) -> bool:
        if self.kind is FaultKind.INVALID_TOKEN and path in ("token", "stable_token"):
            return False
        return self.times != 0 and self.path in (None, path) and self.openid in (None, openid)


class Faults:
    """The faults to come, oldest first. A call that is refused anyway uses its fault up too."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(
        self,
        *,
        kind: FaultKind | str,
        path: str | None = "message/custom/send",
        times: int | None = 1,
        openid: str | None = None,
        errcode: int = -1,
        drip_s: float = 0.01,
    ) -> None:
        """`path` is with or without /cgi-bin/."""
        bare = path.removeprefix("/").removeprefix("cgi-bin/") if path is not None else None
        self._waiting.append(Fault(FaultKind(kind), bare, times, openid, errcode, drip_s))

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, path: str, openid: str | None) -> Fault | None:
        fault = next((fault for fault in self._waiting if fault.strikes(path, openid)), None)
        if fault is not None and fault.times is not None:
            fault.times -= 1
            self._waiting = [waiting for waiting in self._waiting if waiting.times != 0]
        return fault


async def answer_with_fault(
    request: web.Request, fault: Fault, answer: Answer, closing: asyncio.Event
) -> web.StreamResponse:
    """Answer a call as `fault` says; `answer` accepts the call. Raises ApiError for what has an errcode."""
    match fault.kind:
        case FaultKind.REFUSED:
            raise ApiError(fault.errcode)
        case FaultKind.BUSY | FaultKind.QUOTA | FaultKind.RATE | FaultKind.INVALID_TOKEN:
            raise ApiError(_CODES[fault.kind])
        case FaultKind.SERVER_ERROR_BEFORE:
            return web.Response(status=500, text="Internal Server Error")
        case FaultKind.REFUSE:
            return _closed(request)
        case _:
            pass
    accepted = await answer()
    body = accepted.body if isinstance(accepted.body, bytes) else json.dumps(None).encode()
    match fault.kind:
        case FaultKind.SERVER_ERROR_AFTER:
            return web.Response(status=502, text="Bad Gateway")
        case FaultKind.TIMEOUT_AFTER:
            await closing.wait()
            return _closed(request)
        case FaultKind.GARBAGE:
            return web.Response(text="<html><body>It works!</body></html>", content_type="text/html")
        case FaultKind.DRIP:
            return await _dripped(request, body, fault.drip_s)
        case FaultKind.HALF_CLOSE:
            return await _halved(request, body)
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


async def _started(request: web.Request, length: int) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json; encoding=utf-8"})
    response.content_length = length
    await response.prepare(request)
    return response


async def _halved(request: web.Request, body: bytes) -> web.StreamResponse:
    response = await _started(request, len(body))
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def _dripped(request: web.Request, body: bytes, drip_s: float) -> web.StreamResponse:
    response = await _started(request, len(body))
    for byte in body:
        await response.write(bytes([byte]))
        await asyncio.sleep(drip_s)
    await response.write_eof()
    return response
