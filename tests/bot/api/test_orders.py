"""Orders and goals, as other systems tell of them."""

import pytest

from domain.identity import Slug
from domain.operators.events import CommandGiven, Role
from domain.purchases.events import OrderPlaced
from tests.bot.api.programs import Programs, is_problem, operator_id

AT = "2026-11-20T10:00:00+08:00"
ORDER = {
    "number": "A-1001",
    "amount": 12_800,
    "currency": "CNY",
    "at": AT,
    "items": [{"name": "龙井 250 g", "sku": "LJ250", "quantity": 2, "amount": 12_800}],
    "buyer": {"contact": "telegram:wang"},
}
PAID = {"amount": 12_800, "currency": "CNY", "at": AT}
BACK = {"name": "r1", "amount": 800, "currency": "CNY", "at": AT}
GOAL = {"goal": "signed-up", "key": "s1", "at": AT, "buyer": {"customer": "#1"}}


async def test_an_order_is_matched_paid_and_refunded_and_each_is_told_once(programs: Programs) -> None:
    wang = programs.premises.customer("wang")
    for path, body in (
        ("/orders", ORDER),
        ("/orders/A-1001/payments", PAID),
        ("/orders/A-1001/refunds", BACK),
        ("/goals", GOAL),
    ):
        first, again = [await programs.asks("POST", path, body, Role.AGENT) for _ in range(2)]
        assert (first.status, again.status) == (201, 200), path
        assert [first.body["changed"], again.body["changed"]] == [True, False]
        assert first.body["customer"] == again.body["customer"] == wang
    (known,) = (await programs.gets("/orders")).items
    assert (known["number"], known["amount"], known["paid"], known["refunded"]) == (
        "A-1001",
        12_800,
        12_800,
        800,
    )
    assert (known["customer"], known["matched_by"], known["items"][0]["name"]) == (
        wang,
        "contact",
        "龙井 250 g",
    )
    assert (await programs.gets("/orders/A-1001")).body == known


async def test_an_order_of_nobody_known_waits_and_may_be_asked_for(programs: Programs) -> None:
    nobodys = {**ORDER, "number": "B-1", "buyer": {"phone": "13812345678"}}
    told = await programs.asks("POST", "/orders", nobodys)
    assert (told.status, told.body) == (201, {"changed": True, "by": None, "customer": None})
    await programs.asks("POST", "/orders", ORDER)
    assert [order["number"] for order in (await programs.gets("/orders?unmatched=true")).items] == ["B-1"]
    assert [order["number"] for order in (await programs.gets("/orders?customer=1")).items] == ["A-1001"]
    is_problem(await programs.gets("/orders?customer=1&unmatched=true"), 422)


@pytest.mark.parametrize("which", ["", "customer=1&"])
async def test_orders_come_in_pages_and_none_is_missing(programs: Programs, which: str) -> None:
    numbers = [f"C-{number}" for number in range(5)]
    for number in numbers:
        await programs.asks("POST", "/orders", {**ORDER, "number": number})
    seen, path = [], f"/orders?{which}limit=2"
    while path:
        page = await programs.gets(path)
        seen += [order["number"] for order in page.items]
        path = f"/orders?{which}limit=2&cursor={page.body['next']}" if page.body["next"] else ""
    assert seen == (numbers[::-1] if which else numbers)


async def test_what_was_told_is_in_the_log_by_the_operator_whose_token_it_is(programs: Programs) -> None:
    await programs.asks("POST", "/orders", ORDER, Role.AGENT)
    (placed,) = (r for r in programs.premises.everything() if isinstance(r.event, OrderPlaced))
    assert placed.actor == f"operator-{operator_id(programs.premises, 'the agent')}"


async def test_reading_an_order_is_written_down_without_its_number(programs: Programs) -> None:
    await programs.asks("POST", "/orders", ORDER)
    await programs.gets("/orders/A-1001")
    (given,) = programs.premises.events(CommandGiven)
    assert (given.command, given.about) == (Slug("orders"), (programs.premises.customer("wang"),))
    assert "A-1001" not in given.line.value


@pytest.mark.parametrize(
    "change,told",
    [
        ({"amount": -1}, "body.amount"),
        ({"amount": 1.5}, "body.amount"),
        ({"amount": True}, "body.amount"),
        ({"amount": "100"}, "body.amount"),
        ({"amount": 10**16}, "body.amount"),
        ({"currency": "cny"}, "body.currency"),
        ({"at": "2026-11-20T10:00:00"}, "body.at"),
        ({"at": "2026-13-20T10:00:00Z"}, "body.at"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "body.at"),
        ({"at": 1_700_000_000}, "body.at"),
        ({"at": "1700000000"}, "body.at"),
        ({"at": "2027-11-20T10:00:00Z"}, "is in the future"),
        ({"number": ""}, "body.number"),
        ({"number": "x" * 65}, "body.number"),
        ({"items": [{"name": "tea", "colour": "green"}]}, "body.items.0.colour"),
        ({"items": [{"name": "tea"}] * 201}, "body.items"),
        ({"buyer": {"name": "Wang"}}, "body.buyer.name"),
        ({"buyer": {"phone": "no phone"}}, "no phone number"),
        ({"total": 1}, "body.total"),
    ],
    ids=str,
)
async def test_an_order_that_makes_no_sense_is_refused_and_nothing_is_kept(
    programs: Programs, change: dict[str, object], told: str
) -> None:
    assert told in is_problem(await programs.asks("POST", "/orders", {**ORDER, **change}), 422)
    assert programs.premises.events(OrderPlaced) == []


async def test_nobody_pays_with_another_currency_or_gets_back_what_was_never_ordered(
    programs: Programs,
) -> None:
    is_problem(await programs.asks("POST", "/orders/none/refunds", BACK), 404)
    is_problem(await programs.gets("/orders/none"), 404)
    await programs.asks("POST", "/orders", ORDER)
    is_problem(await programs.asks("POST", "/orders/A-1001/payments", {**PAID, "currency": "USD"}), 409)
    is_problem(await programs.asks("POST", "/orders/A-1001/refunds", {**BACK, "amount": 99_999}), 409)
    is_problem(await programs.asks("POST", "/orders", {**ORDER, "buyer": {"customer": "#99"}}), 404)
    is_problem(await programs.asks("POST", "/goals", {**GOAL, "buyer": {"contact": "telegram:nobody"}}), 404)
