"""Customers, their timelines, tags and notes, as programs see and change them."""

import pytest

from domain.customers.commands import NameCustomer
from domain.customers.events import CustomerTagged, CustomerUntagged, NoteAdded
from domain.identity import Slug
from domain.message import Personal
from domain.operators.events import CommandGiven, CommandOutcome, Role
from tests.bot.api.programs import Programs, is_problem, operator_id


async def test_customers_come_in_pages_and_none_is_missing(programs: Programs) -> None:
    for number in range(3, 8):
        programs.premises.says(f"guest{number}", "hi")
    seen, path = [], "/customers?limit=3"
    while path:
        page = await programs.gets(path)
        assert (page.status, len(page.items) <= 3) == (200, True)
        seen += [customer["number"] for customer in page.items]
        path = f"/customers?limit=3&cursor={page.body['next']}" if page.body["next"] else ""
    assert seen == [1, 2, 3, 4, 5, 6, 7]


async def test_the_last_page_says_so_also_where_it_is_full(programs: Programs) -> None:
    assert (await programs.gets("/customers?limit=2")).body["next"] is None
    assert (await programs.gets("/customers?limit=1")).body["next"] == "1"


async def test_a_customer_is_told_as_on_the_command_line(programs: Programs) -> None:
    wang = (await programs.gets("/customers?limit=1")).items[0]
    assert wang == {
        "id": programs.premises.customer("wang"),
        "number": 1,
        "name": "Wang",
        "tags": [],
        "last_seen": "2026-11-20T04:00:01Z",
        "created_at": "2026-11-20T04:00:01Z",
        "phones": [],
        "contacts": [
            {
                "id": programs.premises.contact("wang"),
                "channel": "telegram",
                "account": "42",
                "external_id": "wang",
                "name": "Wang",
                "own_name": "",
                "username": "wang_x",
                "blocked": None,
                "last_in": "2026-11-20T04:00:01Z",
            }
        ],
        "consents": wang["consents"],
    }


@pytest.mark.parametrize("named", ["1", "%231", "telegram:wang", "Telegram:wang"])
async def test_a_customer_is_found_by_number_and_address(programs: Programs, named: str) -> None:
    found = await programs.gets(f"/customers/{named}")
    assert (found.status, found.body["number"]) == (200, 1)
    by_id = await programs.gets(f"/customers/{found.body['id']}")
    assert by_id.body == found.body


@pytest.mark.parametrize(
    "named", ["99", "%2399", "Wang", "wang", "telegram:nobody", "Wan", "x:Wang", "019", "@wang_x"]
)
async def test_nobody_is_guessed(programs: Programs, named: str) -> None:
    assert "no such customer" in is_problem(await programs.gets(f"/customers/{named}"), 404)


async def test_a_name_that_looks_like_an_address_is_none(programs: Programs) -> None:
    wang = programs.premises.customer("wang")
    programs.premises.house.do("operator-cli", NameCustomer(customer=wang, remark=Personal("x:Wang")))
    is_problem(await programs.gets("/customers/x:Wang"), 404)


async def test_a_timeline_is_in_the_order_of_the_conversation_and_pages_lead_back(programs: Programs) -> None:
    for number in range(5):
        programs.premises.says("wang", f"say {number}")
    newest = await programs.gets("/customers/1/timeline?limit=2&kind=message")
    assert [entry["text"] for entry in newest.items] == ["say 3", "say 4"]
    older = await programs.gets(f"/customers/1/timeline?limit=2&kind=message&cursor={newest.body['next']}")
    assert [entry["text"] for entry in older.items] == ["say 1", "say 2"]
    oldest = await programs.gets(f"/customers/1/timeline?limit=2&kind=message&cursor={older.body['next']}")
    assert [entry["text"] for entry in oldest.items] == ["多少钱?", "say 0"]
    assert oldest.body["next"] is None
    assert {entry["incoming"] for entry in oldest.items} == {True}


async def test_a_tag_is_given_and_taken_away_and_doing_it_again_changes_nothing(programs: Programs) -> None:
    for _ in range(2):
        assert (await programs.asks("PUT", "/customers/1/tags/vip")).status == 204
    assert [c["number"] for c in (await programs.gets("/customers?tag=vip")).items] == [1]
    assert (await programs.gets("/tags")).items == [{"tag": "vip", "customers": 1}]
    for _ in range(2):
        assert (await programs.asks("DELETE", "/customers/1/tags/vip")).status == 204
    assert (await programs.gets("/customers?tag=vip")).items == []
    assert (
        len(programs.premises.events(CustomerTagged)) == len(programs.premises.events(CustomerUntagged)) == 1
    )


async def test_a_tag_is_the_one_that_there_is_where_only_width_or_case_differ(programs: Programs) -> None:
    await programs.asks("PUT", "/customers/1/tags/VIP")
    await programs.asks("PUT", "/customers/2/tags/ｖｉｐ")
    assert (await programs.gets("/tags")).items == [{"tag": "VIP", "customers": 2}]


@pytest.mark.parametrize("tag", ["two%20words", "x" * 51, "%00", "a%E2%80%8Bb"])
async def test_what_can_be_no_tag_is_refused(programs: Programs, tag: str) -> None:
    assert "tag" in is_problem(await programs.asks("PUT", f"/customers/1/tags/{tag}"), 422)


async def test_tags_come_in_pages(programs: Programs) -> None:
    for tag in ("c", "a", "b"):
        await programs.asks("PUT", f"/customers/1/tags/{tag}")
    first = await programs.gets("/tags?limit=2")
    second = await programs.gets(f"/tags?limit=2&cursor={first.body['next']}")
    assert [count["tag"] for count in first.items + second.items] == ["a", "b", "c"]
    assert second.body["next"] is None


async def test_a_note_is_the_operators_whose_token_it_is(programs: Programs) -> None:
    assert (
        await programs.asks("POST", "/customers/1/notes", {"text": " likes 龙井\n"}, Role.AGENT)
    ).status == 204
    (note,) = programs.premises.events(NoteAdded)
    operator = operator_id(programs.premises, "the agent")
    assert (note.operator, note.note.value) == (operator, "likes 龙井")


KEY = {"Idempotency-Key": "k1"}


async def test_a_note_with_a_key_is_noted_once_however_often_it_is_sent(programs: Programs) -> None:
    for _ in range(3):
        sent = await programs.asks("POST", "/customers/1/notes", {"text": "called"}, headers=KEY)
        assert sent.status == 204
    assert len(programs.premises.events(NoteAdded)) == 1
    other = await programs.asks("POST", "/customers/1/notes", {"text": "wrote"}, headers=KEY)
    assert "take a new one" in is_problem(other, 422)
    elsewhere = await programs.asks("POST", "/customers/2/notes", {"text": "called"}, headers=KEY)
    is_problem(elsewhere, 422)
    assert len(programs.premises.events(NoteAdded)) == 1
    await programs.asks("POST", "/customers/1/notes", {"text": "called"}, Role.AGENT, headers=KEY)
    assert len(programs.premises.events(NoteAdded)) == 2  # another operator's key is another key
    for _ in range(2):
        await programs.asks("POST", "/customers/1/notes", {"text": "called"})
    assert len(programs.premises.events(NoteAdded)) == 4


async def test_what_is_changed_is_written_down_with_who_did_it_in_the_same_append(programs: Programs) -> None:
    before = programs.premises.house.log.head()
    await programs.asks("PUT", "/customers/telegram:wang/tags/vip", role=Role.AGENT)
    recorded = [
        r
        for r in programs.premises.everything(before)
        if r.type.startswith(("customer-tagged", "command-given"))
    ]
    operator = operator_id(programs.premises, "the agent")
    assert {r.actor for r in recorded} == {f"operator-{operator}"}
    (given,) = (r.event for r in recorded if isinstance(r.event, CommandGiven))
    assert (given.operator, given.command, given.outcome) == (operator, Slug("tag"), CommandOutcome.DONE)
    assert (given.line.value, given.about) == (
        "PUT /customers/#1/tags/vip",
        (programs.premises.customer("wang"),),
    )
    assert recorded[1].position == recorded[0].position + 1


async def test_what_is_read_is_written_down_once_an_hour(programs: Programs) -> None:
    for _ in range(3):
        await programs.gets("/customers/1/timeline")
        await programs.gets("/customers/1")
    given = programs.premises.events(CommandGiven)
    assert [(g.command, g.line.value) for g in given] == [
        ("timeline", "GET /customers/#1/timeline"),
        ("customers", "GET /customers/#1"),
    ]
    programs.premises.now = programs.premises.now.replace(hour=6)
    await programs.gets("/customers/1")
    await programs.gets("/customers")
    assert [g.about for g in programs.premises.events(CommandGiven)[2:]] == [
        (programs.premises.customer("wang"),),
        (programs.premises.customer("wang"), programs.premises.customer("li")),
    ]
