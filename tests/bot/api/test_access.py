"""X8 and X10: every route by every role; tokens that count, and those that do not."""

import asyncio
import itertools
import re
from datetime import timedelta

import pytest
from fastapi import APIRouter

from bot.api.app import build, routes_of
from bot.api.auth import WRONG_BURST, WRONG_PER_S, least_role, network
from bot.api.routers import ROUTERS
from bot.operations.team import issue_token, revoke_tokens
from domain.operators.commands import ChangeRole, RemoveOperator
from domain.operators.events import CommandGiven, CommandOutcome, OperatorTokenIssued, Role
from domain.operators.roster import MOST_TOKENS
from tests.bot.api.programs import Programs, bearing, is_problem, new_token, operator_id

ROUTES = [(method, route) for route in routes_of() for method in sorted(route.methods or ())]
NAMES = {
    "customer": "1",
    "number": "A-1",
    "tag": "vip",
    "campaign": "abcdef",
    "figure": "sent",
    "code": "C0DE",
}
"""What stands for the names in an address."""
BODIES = {
    "/customers/{customer}/notes": {"text": "hi"},
    "/orders": {"number": "A-1", "amount": 100, "currency": "CNY", "at": "2026-11-20T10:00:00+08:00"},
    "/orders/{number}/payments": {"amount": 100, "currency": "CNY", "at": "2026-11-20T10:00:00+08:00"},
    "/orders/{number}/refunds": {
        "name": "1",
        "amount": 1,
        "currency": "CNY",
        "at": "2026-11-20T10:00:00+08:00",
    },
    "/campaigns": {"form": "name: spring"},
    "/campaigns/{campaign}/test": {},
    "/goals": {"goal": "paid", "key": "1", "at": "2026-11-20T10:00:00+08:00", "buyer": {"customer": "#1"}},
}
UNKNOWN = {"campaigns": {200, 404, 422}, "coupons": {404}}
"""Here there is none of these: whoever is let through is told so."""
LEAST = {
    "GET /customers": Role.VIEWER,
    "GET /customers/{customer}": Role.VIEWER,
    "GET /customers/{customer}/timeline": Role.VIEWER,
    "GET /tags": Role.VIEWER,
    "PUT /customers/{customer}/tags/{tag}": Role.AGENT,
    "DELETE /customers/{customer}/tags/{tag}": Role.AGENT,
    "POST /customers/{customer}/notes": Role.AGENT,
    "GET /orders": Role.VIEWER,
    "GET /orders/{number}": Role.VIEWER,
    "POST /orders": Role.AGENT,
    "POST /orders/{number}/payments": Role.AGENT,
    "POST /orders/{number}/refunds": Role.AGENT,
    "POST /goals": Role.AGENT,
    "GET /campaigns": Role.MARKETER,
    "POST /campaigns": Role.MARKETER,
    "GET /campaigns/{campaign}": Role.MARKETER,
    "POST /campaigns/{campaign}/plan": Role.MARKETER,
    "POST /campaigns/{campaign}/test": Role.MARKETER,
    "POST /campaigns/{campaign}/approve": Role.MARKETER,
    "POST /campaigns/{campaign}/launch": Role.MARKETER,
    "POST /campaigns/{campaign}/pause": Role.MARKETER,
    "POST /campaigns/{campaign}/resume": Role.MARKETER,
    "POST /campaigns/{campaign}/cancel": Role.MARKETER,
    "GET /campaigns/{campaign}/results": Role.MARKETER,
    "GET /campaigns/{campaign}/results/{figure}": Role.MARKETER,
    "POST /coupons/{code}/redemption": Role.AGENT,
    "GET /events": Role.MANAGER,
}
"""The rule of each route, a second time: who loosens one changes two places."""


def address(template: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: NAMES[name[1]], template)


def test_every_route_has_its_rule_and_no_other() -> None:
    assert {f"{method} {route.path_format}": least_role(route) for method, route in ROUTES} == LEAST


def test_a_route_that_is_open_to_everybody_is_never_served() -> None:
    router = APIRouter()

    @router.get("/secrets")
    def secrets() -> str:
        raise AssertionError("nobody gets here")

    with pytest.raises(ValueError, match="/secrets is open to everybody"):
        build((*ROUTERS, router))


async def test_each_route_lets_through_whoever_has_its_role_and_nobody_else(programs: Programs) -> None:
    await programs.asks("POST", "/orders", BODIES["/orders"])
    for (method, route), role in itertools.product(ROUTES, [None, *Role]):
        programs.premises.now += timedelta(seconds=1 / WRONG_PER_S)
        body = BODIES.get(route.path_format) if method == "POST" else None
        answer = await programs.asks(method, address(route.path_format), body, role)
        least = LEAST[f"{method} {route.path_format}"]
        where = f"{method} {route.path_format} as {role}"
        if role is None:
            assert "siyu operator token" in is_problem(answer, 401), where
        elif role.includes(least):
            wanted = UNKNOWN.get(route.path_format.split("/")[1], {200, 201, 204})
            assert answer.status in wanted, (where, answer)
        else:
            assert f"needs the role {least}" in is_problem(answer, 403), where


async def test_what_a_role_does_not_include_is_written_down_once_an_hour(programs: Programs) -> None:
    for _ in range(3):
        await programs.asks("PUT", "/customers/1/tags/vip", role=Role.VIEWER)
    (given,) = programs.premises.events(CommandGiven)
    assert (given.line.value, given.outcome) == (
        "PUT /customers/{customer}/tags/{tag}",
        CommandOutcome.REFUSED,
    )


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "bearer siyu_",
        "Basic {token}",
        "{token}",
        "Bearer {token}x",
        "Bearer {token} x",
        "Bearer " + "x" * 5_000,
    ],
)
async def test_what_is_no_token_of_ours_is_refused_in_one_way(programs: Programs, header: str) -> None:
    sent = header.format(token=programs.token(Role.OWNER))
    answers = [
        await programs.asks("GET", "/customers", headers={"Authorization": sent}),
        await programs.asks("GET", "/nowhere", headers={"Authorization": sent}),
        await programs.asks("POST", "/orders", b"{" * 10, headers={"Authorization": sent}),
    ]
    for answer in answers:
        is_problem(answer, 401)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert len({str(answer.body) for answer in answers}) == 1


async def test_two_tokens_in_one_request_are_none(programs: Programs) -> None:
    good = f"Bearer {programs.token(Role.OWNER)}"
    headers = [("Authorization", good), ("Authorization", good)]
    async with programs.session.get("/api/v1/tags", headers=headers) as answer:
        assert answer.status == 401


async def test_a_revoked_token_counts_no_more_from_that_moment(programs: Programs) -> None:
    token = new_token(programs.premises, "shop", Role.AGENT)
    other = new_token(programs.premises, "crm", Role.AGENT)

    async def status(sent: str) -> int:
        return (await programs.asks("GET", "/tags", headers=bearing(sent))).status

    assert (await status(token), await status(other)) == (200, 200)
    list(revoke_tokens(programs.premises.house, "shop"))
    assert (await status(token), await status(other)) == (401, 200)
    again = str(list(issue_token(programs.premises.house, "shop"))[-1])
    assert (await status(again), await status(token)) == (200, 401)


async def test_the_role_is_that_of_the_moment_and_nobody_works_for_who_left(programs: Programs) -> None:
    token = new_token(programs.premises, "chen", Role.OWNER)
    operator = operator_id(programs.premises, "chen")

    async def status() -> int:
        return (await programs.asks("GET", "/events", headers=bearing(token))).status

    assert await status() == 200
    programs.premises.house.do("operator-cli", ChangeRole(operator=operator, role=Role.VIEWER))
    assert await status() == 403
    programs.premises.house.do("operator-cli", RemoveOperator(operator=operator))
    assert await status() == 401


async def test_wrong_tokens_are_limited_by_address_and_nobody_with_a_good_one_is_kept_out(
    programs: Programs,
) -> None:
    wrong = bearing("siyu_wrong")
    statuses = [(await programs.asks("GET", "/tags", headers=wrong)).status for _ in range(WRONG_BURST)]
    assert set(statuses) == {401}
    limited = await programs.asks("GET", "/tags", headers=wrong)
    assert "too many wrong tokens" in is_problem(limited, 429)
    assert limited.headers["Retry-After"] == str(int(1 / WRONG_PER_S))
    assert (await programs.gets("/tags")).status == 200
    programs.premises.now = programs.premises.now.replace(hour=5)
    assert (await programs.asks("GET", "/tags", headers=wrong)).status == 401


def test_an_address_counts_with_its_network() -> None:
    assert network("203.0.113.7") == "203.0.113.7"
    assert network("2001:db8:1:2:3::4") == network("2001:db8:1:2::9") != network("2001:db8:1:3::9")
    assert network("no address") == "no address"


async def test_of_a_token_only_its_keyed_hash_is_kept(programs: Programs) -> None:
    token = await asyncio.to_thread(programs.token, Role.AGENT)
    (issued,) = programs.premises.events(OperatorTokenIssued)
    assert issued.token == programs.premises.house.digest("operator-token", token)
    assert (len(token), token[:5]) == (48, "siyu_")
    stored = b"".join(
        file.read_bytes() for file in programs.premises.house.settings.data.rglob("*") if file.is_file()
    )
    assert token.encode() not in stored
    assert token.removeprefix("siyu_").encode() not in stored


async def test_an_operator_has_so_many_tokens_and_no_more(programs: Programs) -> None:
    new_token(programs.premises, "shop", Role.AGENT)
    for _ in range(MOST_TOKENS - 1):
        list(issue_token(programs.premises.house, "shop"))
    with pytest.raises(Exception, match="has 10 tokens already"):
        list(issue_token(programs.premises.house, "shop"))


async def test_what_describes_it_is_for_everybody(programs: Programs) -> None:
    async with programs.session.get("/api/v1/openapi.json") as answer:
        document = await answer.json()
    assert (answer.status, document["openapi"][:2], document["servers"]) == (200, "3.", [{"url": "/api/v1"}])
    rules = {
        f"{method.upper()} {path}": operation["x-least-role"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert rules == {name: str(role) for name, role in LEAST.items()}
    assert all(operation["security"] for path in document["paths"].values() for operation in path.values())
    async with programs.session.get("/api/docs") as page:
        text = await page.text()
    assert (page.status, "default-src 'none'" in page.headers["Content-Security-Policy"]) == (200, True)
    assert [name for name in LEAST if name.replace(" ", " /api/v1") not in text] == []
    assert re.findall(r"<script|(?:src|href)=\"(?!/api)", text) == []
