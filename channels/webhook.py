"""A webhook as a route: judged, committed, and only then answered."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.routing import Route
from starlette.types import ASGIApp, Scope, Send
from starlette.types import Receive as Receiver

from channels.channel import Intake
from domain.conversations.commands import Receive
from domain.errors import BadInput, BadSignature, Overloaded, StoreUnavailable

MAX_BODY_BYTES = 4 * 1024 * 1024
"""Far above any provider's update (texts are a few KiB, media come by reference)."""
JSON: Final = frozenset({"application/json"})

Admit = Callable[[Headers, bytes], None]
"""Headers and query string. Raises BadSignature, BadInput."""
Judge = Callable[[bytes, bytes], Sequence[Receive]]
"""Query string and body. Raises BadSignature, BadInput."""
Echo = Callable[[bytes], bytes]
"""The query string of a GET, by which a provider checks the address. Raises BadSignature, BadInput."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request whose content is durable and whose answer may carry something.

    ``came_at``: by the running loop's clock. ``gone`` returns once the provider has hung up; it may be cancelled, and is awaited once.
    """

    received: Sequence[Receive]
    query: bytes
    came_at: float
    gone: Callable[[], Awaitable[None]]


Answer = Callable[[Visit], Awaitable[bytes]]


def webhook(
    path: str,
    admit: Admit,
    judge: Judge,
    intake: Intake,
    *,
    content_types: Collection[str] = JSON,
    echo: Echo | None = None,
    answer: Answer | None = None,
) -> Route:
    """Return a POST route that answers 200 once everything in the body is durable, and a GET route where there is an ``echo``.

    ``admit`` looks at headers and query before anything else is looked at; ``judge`` verifies what only the body can show, and parses.
    ``answer`` gives the body of the 200; nothing without it. BadSignature becomes 401, BadInput 400. Where the log cannot take it now:
    503, and the provider comes again.
    """
    endpoint = _Webhook(admit, judge, intake, frozenset(content_types), echo, answer)
    return Route(path, endpoint, methods=["POST"] if echo is None else ["GET", "POST"])


class _Webhook:
    """The endpoint, as ASGI: this is the hottest path there is, and needs nothing of a Request and a Response but this."""

    def __init__(
        self,
        admit: Admit,
        judge: Judge,
        intake: Intake,
        content_types: frozenset[str],
        echo: Echo | None,
        answer: Answer | None,
    ) -> None:
        self._admit, self._judge, self._intake = admit, judge, intake
        self._content_types, self._echo, self._answer = content_types, echo, answer

    async def __call__(self, scope: Scope, receive: Receiver, send: Send) -> None:
        """Answer one request."""
        status, told = 200, b""
        try:
            told = await self._told(scope, receive)
        except BadSignature as error:
            status, told = 401, f"{error}\n".encode()
        except BadInput as error:
            status, told = 400, f"{error}\n".encode()
        except (Overloaded, StoreUnavailable) as error:
            status, told = 503, f"{error}\n".encode()
        except _GoneError:
            return
        answer = [
            (b"content-length", str(len(told)).encode()),
            (b"content-type", b"text/plain; charset=utf-8"),
        ]
        if status == 503:  # noqa: PLR2004  # come again
            answer.append((b"retry-after", b"1"))
        await send({"type": "http.response.start", "status": status, "headers": answer})
        await send({"type": "http.response.body", "body": told})

    async def _told(self, scope: Scope, receive: Receiver) -> bytes:
        query: bytes = scope["query_string"]
        if self._echo is not None and scope["method"] != "POST":  # GET, or HEAD beside it
            return self._echo(query)
        came_at = asyncio.get_running_loop().time()
        headers = Headers(scope=scope)
        self._admit(headers, query)
        received = self._judge(query, await _body(headers, receive, self._content_types))
        await self._intake(received)
        if self._answer is None:
            return b""

        async def gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        return await self._answer(Visit(received, query, came_at, gone))


def webhooks_first(site: Starlette) -> ASGIApp:
    """Return the app with its webhooks called at once: Starlette's layers were a fifth of a request's samples (py-spy, once).

    Routes that the app gets later count, too.
    """

    async def call(scope: Scope, receive: Receiver, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            path = scope["path"]
            for route in site.router.routes:
                if isinstance(route, Route) and route.path == path and isinstance(route.endpoint, _Webhook):
                    await route.endpoint(scope, receive, send)
                    return
        await site(scope, receive, send)

    return call


class _GoneError(Exception):
    """The provider hung up before its request was complete."""


async def _body(headers: Headers, receive: Receiver, content_types: frozenset[str]) -> bytes:
    if headers.get("content-type", "").partition(";")[0].strip().lower() not in content_types:
        raise BadInput("the content type must be {known}", known=" or ".join(sorted(content_types)))
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise BadInput("the body must not be compressed")
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise BadInput("the body is larger than {max_body_bytes} bytes", max_body_bytes=MAX_BODY_BYTES)
        more = message.get("more_body", False)
    return body
