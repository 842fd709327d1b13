"""Everything about one customer, for them: complete, noted, and harmless in a table calculator."""

import asyncio
import csv
import json
import stat
from collections.abc import AsyncIterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from bot.dossier import cell
from bot.ingest import Buyer, Description, Goal, Order, Teller, describe_customer, place_order, reach_goal
from bot.operations.moving import export_customer
from domain.customers.commands import AddNote, NameCustomer, TagCustomer
from domain.deliveries.commands import CancelDelivery
from domain.errors import Rejected
from domain.identity import Currency, EventId, MediaId, OperatorId, Slug, SubjectId, Tag
from domain.media.commands import KeepMedia
from domain.media.events import FileKind, MediaType
from domain.message import Personal
from domain.operators.events import CustomerExported
from tests.bot.backup.moving import shown
from tests.bot.premises import NOON, Premises

CLI = OperatorId("cli")
PHOTO = MediaId("0123456789abcdef0123456789abcdef")


def fill(premises: Premises) -> None:
    premises.says("wang", "=1+1")
    premises.says("li", "nobody else's business")
    premises.says("wang", "STOP")
    wang = premises.customer("wang")
    plan = premises.plan("wang", "a reminder")
    premises.house.do(
        "operator-li",
        NameCustomer(customer=wang, remark=Personal("+王阿姨")),
        TagCustomer(customer=wang, tag=Tag("vip")),
        AddNote(customer=wang, operator=OperatorId("li"), note=Personal("likes green tea")),
        plan,
        CancelDelivery(delivery=plan.delivery, reason=Slug("changed-mind"), rule=Slug("operator")),
    )


def by_section(lines: list[str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for line in map(json.loads, lines):
        found.setdefault(line["section"], []).append(line)
    return found


def test_orders_goals_and_facts_are_given_out_with_the_events_that_name_them(premises: Premises) -> None:
    fill(premises)
    premises.house.catch_up()
    shop, wang = Teller(actor=Slug("operator-shop")), Buyer(contact="telegram:wang")
    at = NOON - timedelta(days=1)
    for number, buyer in (("A-2026-1", wang), ("L-2026-1", Buyer(contact="telegram:li"))):
        order = Order(number=number, amount=9_900, currency=Currency("CNY"), at=at, items=[{"name": "tea"}])
        place_order(premises.house, order, buyer, by=shop)
    reach_goal(premises.house, Goal(goal="signed-up", key="1", at=at), wang, by=shop)
    describe_customer(premises.house, Description(birthday="05-17"), wang, by=shop)
    found = by_section(shown(export_customer(premises.house, "wang")))
    assert [(row["number"], row["items"]) for row in found["orders"]] == [("A-2026-1", [{"name": "tea"}])]
    assert [row["goal"] for row in found["goals"]] == ["signed-up"]
    assert [row["birthday"]["month"] for row in found["facts"]] == [5]
    kinds = {event["type"] for event in found["events"]}
    assert {"order-placed/1", "order-matched/1", "goal-reached/1", "customer-described/1"} <= kinds
    assert "L-2026-1" not in repr(found)


def test_everything_about_a_customer_and_nothing_about_others_is_given_out(premises: Premises) -> None:
    fill(premises)
    lines = shown(export_customer(premises.house, "wang"))
    found = by_section(lines)
    (profile,) = found["profile"]
    assert (profile["number"], profile["remark"], profile["id"]) == (1, "+王阿姨", premises.customer("wang"))
    assert [contact["external_id"] for contact in found["contacts"]] == ["wang"]
    agreed, ended = found["consents"]
    assert (agreed["granted"], agreed["source"], agreed["said"]) == (True, "contact-started", None)
    assert (ended["granted"], ended["source"], ended["said"]) == (False, "stop-word", "STOP")
    assert [tag["tag"] for tag in found["tags"]] == ["vip"]
    assert [(note["operator"], note["note"]) for note in found["notes"]] == [("li", "likes green tea")]
    said = [entry["text"] for entry in found["timeline"] if entry["direction"] == "in"]
    assert said == ["=1+1", "STOP"]
    ours = [row for row in found["deliveries"] if row["text"] == "a reminder"]
    assert [(row["what"], row["reason"], row["rule"]) for row in ours] == [
        ("delivery-planned", None, None),
        ("delivery-suppressed", "changed-mind", "operator"),
    ]
    assert {event["type"] for event in found["events"]} >= {
        "message-received/1",
        "note-added/1",
        "contact-seen/1",
    }
    assert not any("nobody else's business" in line for line in lines)


def test_who_took_it_away_is_noted_before_anything_is_given_out(premises: Premises) -> None:
    fill(premises)
    given = export_customer(premises.house, "wang")
    next(given)
    expected = CustomerExported(customer=premises.customer("wang"), operator=CLI)
    assert premises.events(CustomerExported) == [expected]
    list(export_customer(premises.house, "wang"))
    assert premises.events(CustomerExported) == [expected, expected]


def test_nobody_is_guessed_and_nothing_is_noted(premises: Premises) -> None:
    fill(premises)
    with pytest.raises(Rejected, match="no customer is known as 'chen'"):
        list(export_customer(premises.house, "chen"))
    assert premises.events(CustomerExported) == []


def read(table: Path) -> StringIO:
    return StringIO(table.read_bytes().decode("utf-8-sig"), newline="")


async def photo() -> AsyncIterator[bytes]:
    yield b"\x89PNG "
    yield b"of a teapot"


def test_a_folder_holds_tables_without_formulas_and_the_files(premises: Premises, tmp_path: Path) -> None:
    fill(premises)
    contact = premises.contact("wang")
    asyncio.run(premises.house.media.keep(PHOTO, SubjectId(f"contact-{contact}"), photo()))
    first = next(r for r in premises.everything() if r.type == "message-received/1")
    keep = KeepMedia(
        media=PHOTO,
        contact=contact,
        message=EventId(first.id),
        kind=FileKind.PHOTO,
        content_type=MediaType.PNG,
        size=16,
    )
    premises.house.do("system", keep)
    told = shown(export_customer(premises.house, "wang", str(tmp_path / "out")))
    assert told == [f"{tmp_path / 'out'}: everything about #1, 1 files"]
    assert (tmp_path / "out" / "files" / PHOTO).read_bytes() == b"\x89PNG of a teapot"
    rows = list(csv.DictReader(read(tmp_path / "out" / "timeline.csv")))
    assert [row["text"] for row in rows if row["kind"] == "message"] == ["'=1+1", "STOP"]
    (profile,) = csv.DictReader(read(tmp_path / "out" / "profile.csv"))
    assert profile["remark"] == "'+王阿姨"
    tables = (tmp_path / "out").glob("*.csv")
    cells = [text for table in tables for row in csv.reader(read(table)) for text in row]
    assert [text for text in cells if text.startswith(("=", "+", "-", "@"))] == []
    whole = (tmp_path / "out" / "customer.jsonl").read_text("utf8").splitlines()
    assert by_section(whole).keys() >= {"profile", "consents", "timeline", "media", "events"}
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_a_folder_with_something_in_it_is_left_alone_and_nothing_is_noted(
    premises: Premises, tmp_path: Path
) -> None:
    fill(premises)
    (tmp_path / "mine.txt").touch()
    with pytest.raises(Rejected, match="is not empty: name a new folder"):
        list(export_customer(premises.house, "wang", str(tmp_path)))
    assert premises.events(CustomerExported) == []


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠a"])
def test_no_text_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell(f"a{text}") == f"a{text}"


def test_what_is_no_text_is_written_as_what_it_is() -> None:
    assert [cell(value) for value in (None, 7, True, {"a": 1}, ("x", "y"))] == [
        "",
        "7",
        "true",
        '{"a":1}',
        '["x","y"]',
    ]
