"""What is wrong with a request is told as a problem that says what to do; and whoever asks too much at once comes again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import _GeneratorContextManager
from pathlib import Path

import pytest
from sqlalchemy import Connection
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from bot.api.app import ROOT, build
from bot.api.auth import Tokens
from bot.api.guard import LONGEST_BODY_BYTES, Guard
from domain.errors import UnknownEvent
from domain.operators.events import Role
from projections.engine import Views
from tests.bot.api.programs import DEADLINE_S, Programs, bearing, is_problem, new_token, serving
from tests.bot.premises import Premises

JSON = {"Content-Type": "application/json"}
NOTES = "/customers/1/notes"


@pytest.mark.parametrize(
    "path,told",
    [
        ("/customers?limit=0", "query.limit: "),
        ("/customers?limit=201", "query.limit: "),
        ("/customers?limit=many", "query.limit: "),
        ("/customers?limit=5.0", "query.limit: Value error, write a whole number in digits, such as 50"),
        ("/customers?limit=%2B5", "query.limit: "),
        ("/customers?limit=%205", "query.limit: "),
        ("/customers?limit=1_0", "query.limit: "),
        ("/customers?limit=1&limit=2", "query.limit: say it once"),
        ("/customers?tags=vip", "query.tags: no such parameter; there are: cursor, limit, tag"),
        ("/customers?cursor=x", "query.cursor: "),
        ("/customers?cursor=", "query.cursor: "),
        ("/customers?tag=%00", "query.tag: "),
        ("/customers/1?tag=vip", "query.tag: no such parameter; there are: none"),
        ("/customers/1/timeline?kind=smell", "query.kind: "),
        ("/orders?unmatched=1", "query.unmatched: Value error, write true or false"),
        ("/orders?unmatched=on", "query.unmatched: "),
        ("/events?after=-1", "query.after: "),
        ("/events?after=7.0", "query.after: "),
        ("/events?after=99999999999999999999", "query.after: "),
    ],
)
async def test_what_cannot_be_asked_is_named(programs: Programs, path: str, told: str) -> None:
    assert told in is_problem(await programs.gets(path), 422)


@pytest.mark.parametrize(
    "body,status,told",
    [
        (b"{", 400, "no JSON"),
        (b"", 422, "body: "),
        (b"[]", 422, "body: "),
        (b'{"text": "hi", "color": "purple"}', 422, "body.color: Extra inputs are not permitted"),
        (b'{"text": 1}', 422, "body.text: "),
        (b'{"text": " \\n "}', 422, "body.text: "),
        (b'{"text": "\\ud800"}', 422, "body.text: "),
        (b"\xff\xfe", 400, ""),
        (b"[" * 100_000, 400, ""),
        (b'{"text": "' + b"x" * 4_001 + b'"}', 422, "body.text: "),
        (b'{"text": "' + b"x" * LONGEST_BODY_BYTES + b'"}', 413, "1,000,000 bytes"),
    ],
    ids=range(11),
)
async def test_a_body_that_does_not_fit_is_refused_and_nothing_is_noted(
    programs: Programs, body: bytes, status: int, told: str
) -> None:
    head = programs.premises.house.log.head
    await programs.gets("/tags")
    before = head()
    answer = await programs.asks("POST", NOTES, body, headers=JSON)
    assert told in is_problem(answer, status)
    assert "purple" not in str(answer.body)
    assert head() == before


async def test_a_body_without_a_length_is_measured_as_it_comes(programs: Programs) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * (LONGEST_BODY_BYTES // 2)

    headers = {"Authorization": f"Bearer {programs.token(Role.AGENT)}", "Content-Type": "application/json"}
    async with programs.session.post(ROOT + NOTES, data=parts(), headers=headers) as answer:
        assert answer.status == 413


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/jsonx"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
    ids=str,
)
async def test_what_is_not_json_is_not_read(programs: Programs, headers: dict[str, str]) -> None:
    is_problem(await programs.asks("POST", NOTES, b'{"text": "hi"}', headers=headers), 415)


async def test_an_address_that_is_none_and_a_method_that_does_not_fit_are_told(programs: Programs) -> None:
    for path in ("/", "/nowhere", "/no%0Awhere", "/customers/", "/customers/1/2/3"):
        assert "/api/docs" in is_problem(await programs.gets(path), 404), path
    answer = await programs.asks("DELETE", "/orders")
    assert (is_problem(answer, 405), answer.headers["Allow"]) == ("this address has GET, POST", "GET, POST")


async def test_while_a_store_is_away_programs_are_told_when_to_come_again(
    programs: Programs, tmp_path: Path
) -> None:
    await programs.gets("/tags")
    house = programs.premises.house
    (tmp_path / "damaged.db").write_bytes(b"no database" * 100)
    views, house.views = house.views, Views(tmp_path / "damaged.db")
    answer = await programs.gets("/customers/1")
    house.views.close()
    house.views = views
    assert is_problem(answer, 503).startswith("the views cannot be read or written now")
    assert int(answer.headers["Retry-After"]) > 0
    assert (await programs.gets("/customers/1")).status == 200


class Buggy(Views):
    """Fails in ways nobody thought of."""

    def read(self) -> _GeneratorContextManager[Connection]:
        raise UnknownEvent("canary")

    def snapshot(self) -> _GeneratorContextManager[Connection]:
        raise KeyError("canary")


async def test_a_bug_is_told_as_one_and_what_it_says_stays_here(programs: Programs, tmp_path: Path) -> None:
    await programs.gets("/tags")
    house = programs.premises.house
    views, house.views = house.views, Buggy(tmp_path / "buggy.db")
    with capture_logs() as logged:  # a trace on a terminal takes ten seconds to colour
        answers = [await programs.gets("/customers/1"), await programs.gets("/customers")]
    house.views.close()
    house.views = views
    assert [entry["log_level"] for entry in logged] == ["error"] * len(answers)
    for answer in answers:
        assert is_problem(answer, 500) == "the server's log says more"
        assert "canary" not in str(answer)


async def test_more_than_fit_at_once_are_told_to_come_again(premises: Premises) -> None:
    go_on = asyncio.Event()

    async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
        await go_on.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    guard = Guard(slow, Tokens(premises.house), at_once=1, waiting=1)
    token = bearing(new_token(premises, "li", Role.AGENT))
    async with serving(premises, guard) as programs:
        asked = {asyncio.create_task(programs.asks("GET", "/", headers=token)) for _ in range(3)}
        refused, waiting = await asyncio.wait(
            asked, timeout=DEADLINE_S / 2, return_when=asyncio.FIRST_COMPLETED
        )
        go_on.set()
        assert [(await one).status for one in waiting] == [204, 204]
    (answer,) = (one.result() for one in refused)
    is_problem(answer, 503)
    assert answer.headers["Retry-After"] == "1"


def test_the_framework_serves_no_page_of_its_own() -> None:
    app = build()
    assert (app.openapi_url, app.docs_url, app.redoc_url) == (None, None, None)
