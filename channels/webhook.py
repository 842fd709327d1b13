"""A webhook as a route: judged, committed, and only then answered."""

from collections.abc import Callable, Sequence

from starlette.datastructures import Headers
from starlette.routing import Route
from starlette.types import Receive as Receiver
from starlette.types import Scope, Send

from channels.channel import Intake
from domain.conversations.commands import Receive
from domain.errors import BadInput, BadSignature, Overloaded, StoreUnavailable

MAX_BODY_BYTES = 4 * 1024 * 1024
"""Far above any provider's update (texts are a few KiB, media come by reference)."""


def webhook(
    path: str,
    admit: Callable[[Headers], None],
    judge: Callable[[Headers, bytes], Sequence[Receive]],
    intake: Intake,
) -> Route:
    """Return a POST route that answers 200 once everything in the body is durable.

    ``admit`` looks at the headers before anything else is looked at; ``judge`` verifies what only the body can show, and parses.
    BadSignature becomes 401, BadInput 400. Where the log cannot take it now: 503, and the provider comes again.
    """
    return Route(path, _Webhook(admit, judge, intake), methods=["POST"])


class _Webhook:
    """The endpoint, as ASGI: this is the hottest path there is, and needs nothing of a Request and a Response but this."""

    def __init__(
        self,
        admit: Callable[[Headers], None],
        judge: Callable[[Headers, bytes], Sequence[Receive]],
        intake: Intake,
    ) -> None:
        self._admit, self._judge, self._intake = admit, judge, intake

    async def __call__(self, scope: Scope, receive: Receiver, send: Send) -> None:
        """Answer one request."""
        status, told = 200, b""
        try:
            headers = Headers(scope=scope)
            self._admit(headers)
            await self._intake(self._judge(headers, await _body(headers, receive)))
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


class _GoneError(Exception):
    """The provider hung up before its request was complete."""


async def _body(headers: Headers, receive: Receiver) -> bytes:
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadInput("the content type must be application/json")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise BadInput("the body must not be compressed")
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise BadInput(f"the body is larger than {MAX_BODY_BYTES} bytes")
        more = message.get("more_body", False)
    return body
