"""A webhook as a route: judged, committed, and only then answered."""

from collections.abc import Callable, Sequence

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

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
    BadSignature becomes 401, BadInput 400. Where the log cannot take it now: 503, and the provider comes
    again.
    """

    async def endpoint(request: Request) -> Response:
        try:
            admit(request.headers)
            received = judge(request.headers, await _body(request))
            await intake(received)
        except BadSignature as error:
            return PlainTextResponse(f"{error}\n", 401)
        except BadInput as error:
            return PlainTextResponse(f"{error}\n", 400)
        except (Overloaded, StoreUnavailable) as error:
            return PlainTextResponse(f"{error}\n", 503, headers={"Retry-After": "1"})
        return Response(status_code=200)

    return Route(path, endpoint, methods=["POST"])


async def _body(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadInput("the content type must be application/json")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BadInput("the body must not be compressed")
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise BadInput(f"the body is larger than {MAX_BODY_BYTES} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
