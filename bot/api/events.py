"""``/events``: the log itself, as ``siyu events --json`` prints it, for programs that follow it."""

from collections.abc import Iterable
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from bot import export
from bot.api.audit import record_read
from bot.api.auth import Caller, Manager
from bot.api.pages import USUAL, InDigits, Limit, Told
from bot.api.whom import NAMED_IN_QUERY, one
from bot.operations.reading import concerning
from domain.identity import StreamId
from domain.message import Recorded

router = APIRouter(tags=["events"])

LOOKED_AT = 5_000
"""Events that one question goes through where only a customer's are wanted; `next` goes on behind them."""
HIGHEST = 10**18
"""No log is as long, and every store counts as far."""


class Event(Told):
    """One event. ``error`` instead of ``data``: it cannot be read."""

    position: int
    stream: str
    version: int
    type: str
    at: str
    occurred_at: str
    origin: str
    actor: str
    cause: str | None
    correlation: str | None
    data: dict[str, Any] | None = None
    error: str | None = None


class Events(Told):
    """Some of the log, by position. ``next``: where to go on, as ``after``. ``more``: whether there was more already."""

    items: list[Event]
    next: int
    more: bool


AFTER = Annotated[int, Query(ge=0, le=HIGHEST, description="only above this position"), InDigits]
STREAM = Annotated[
    str | None, Query(min_length=1, max_length=200, pattern=r"^[!-~]+$", description="only of this stream")
]


@router.get("/events", response_model=Events)
def list_events(
    caller: Manager,
    after: AFTER = 0,
    limit: Limit = USUAL,
    stream: STREAM = None,
    customer: NAMED_IN_QUERY = None,
) -> Response:
    """Events of the log, oldest first. To follow it, ask again with `after` = `next`; a page may be empty while `more` is true."""
    wanted = None if customer is None else concerning(caller.house, one(caller, customer))
    record_read(caller, "events", "GET /events")
    looked_at = _looked_at(caller, after, stream, limit if wanted is None else LOOKED_AT)
    found = [recorded for recorded in looked_at if wanted is None or wanted(recorded)][:limit]
    last = found[-1] if len(found) == limit else looked_at[-1] if looked_at else None
    next_ = after if last is None else last.position
    more = bool(_looked_at(caller, next_, stream, 1))
    lines = ",".join(map(export.as_json, found))
    text = f'{{"items":[{lines}],"next":{next_},"more":{str(more).lower()}}}'
    return Response(text, media_type="application/json")


def _looked_at(caller: Caller, after: int, stream: str | None, most: int) -> list[Recorded]:
    found: Iterable[Recorded]
    if stream is None:
        found = caller.house.log.read(after, most)
    else:
        of_stream = caller.house.log.read_stream(StreamId(stream))
        found = (recorded for recorded in of_stream if recorded.position > after)
    return list(islice(found, most))
