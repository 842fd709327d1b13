"""Before anything of a request is read: who asks, whether we have the time, and whether its body is one that we read."""

import asyncio

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.api.auth import Tokens, sent_token
from bot.api.problems import Kind, Problem, of_error
from domain.errors import SiyuError

AT_ONCE = 8
"""Requests that are answered at the same time: the views' connections are for chats and sends too."""
WAITING = 200
"""More than this wait for nothing: they are told to come again."""
LONGEST_BODY_BYTES = 1_000_000
BODY_WITHIN_S = 30.0
METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})

log_ = structlog.get_logger(__name__)


class Guard:
    """Lets those through to ``app`` who have a token; ``scope["state"]["caller"]`` says who it is."""

    def __init__(self, app: ASGIApp, tokens: Tokens, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._app, self._tokens = app, tokens
        self._free = asyncio.Semaphore(at_once)
        self._waiting, self._most = 0, at_once + waiting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Never raises."""
        if scope["type"] != "http":
            return
        try:
            await self._answer(scope, receive, send)
        except Problem as problem:
            await problem.response()(scope, receive, send)
        except SiyuError as error:
            told = of_error(error) or _bug(scope, error)
            await told.response()(scope, receive, send)
        except Exception as error:  # noqa: BLE001  # it is logged with its trace, and whoever asked was answered already
            _bug(scope, error)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._waiting >= self._most:
            raise Problem(Kind.AWAY, "too many requests at once: come again", {"Retry-After": "1"})
        self._waiting += 1
        try:
            async with self._free:
                address = (scope.get("client") or ("",))[0]
                caller = await asyncio.to_thread(self._tokens.caller, sent_token(scope), address)
                _readable(scope)
                scope.setdefault("state", {})["caller"] = caller
                await self._app(scope, _measured(receive), send)
        finally:
            self._waiting -= 1


def _bug(scope: Scope, error: Exception) -> Problem:
    """Say where it was, by the route: an address may name people."""
    route = scope.get("route")
    log_.error("api.bug", method=scope["method"], route=getattr(route, "path_format", None), exc_info=error)
    return Problem(Kind.INTERNAL, "the server's log says more")


def _readable(scope: Scope) -> None:
    """Raise Problem for a body that we would not read."""
    headers = Headers(scope=scope)
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    if scope["method"] not in METHODS_WITH_BODY or not has_body:
        return
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > LONGEST_BODY_BYTES:
        raise _too_large()
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise Problem(Kind.MEDIA_TYPE, "send Content-Type: application/json")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Problem(Kind.MEDIA_TYPE, "send it as it is, without a Content-Encoding")


def _too_large() -> Problem:
    return Problem(Kind.TOO_LARGE, f"send less at once: a request has {LONGEST_BODY_BYTES:,} bytes at most")


def _measured(receive: Receive) -> Receive:
    """Return what gives the parts of a body, until there are too many or its time is over."""
    ends: float | None = asyncio.get_running_loop().time() + BODY_WITHIN_S
    size = 0

    async def received() -> Message:
        nonlocal ends, size
        try:
            async with asyncio.timeout_at(ends):
                message = await receive()
        except TimeoutError:
            told = f"send the whole request within {BODY_WITHIN_S:g} seconds"
            raise Problem(Kind.TOO_SLOW, told) from None
        size += len(message.get("body", b""))
        if size > LONGEST_BODY_BYTES:
            raise _too_large()
        if not message.get("more_body", False):
            ends = None  # what comes now is that the other side went away
        return message

    return received
