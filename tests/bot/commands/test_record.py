"""What operators write down about customers, and what they read."""

from datetime import timedelta

import pytest

from bot.commands.command import Reply
from domain.customers.commands import AddNote, NameCustomer, TagCustomer, UntagCustomer
from domain.customers.events import CustomerTagged, NoteAdded
from domain.identity import OperatorId, Tag
from domain.message import Personal
from domain.operators.events import CommandOutcome, Role
from tests.bot.commands.shop import Shop


@pytest.fixture
def busy(shop: Shop) -> Shop:
    shop.says("wang", "我要退款，谢谢")
    return shop


def test_a_tag_is_given_by_hand(busy: Shop) -> None:
    assert busy.orders("/tag #1 vip") == Reply(
        "#1 Wang (telegram @wang_x) has the tag vip now.",
        (TagCustomer(customer=busy.customer("wang"), tag=Tag("vip")),),
        command="tag",
    )
    assert busy.events_of(CustomerTagged) == [CustomerTagged(customer=busy.customer("wang"), tag=Tag("vip"))]


def test_a_tag_is_written_as_it_is_known(busy: Shop) -> None:
    busy.orders("/tag #1 VIP")
    busy.says("li", "hello")
    assert busy.asks("/tag #2 ｖｉｐ").commands == (
        TagCustomer(customer=busy.customer("li"), tag=Tag("VIP")),
    )


@pytest.mark.parametrize("line", ["/tag #1 two words", "/tag #1", "/untag #1"])
def test_a_tag_is_one_word(busy: Shop, line: str) -> None:
    assert busy.asks(line).outcome is CommandOutcome.REFUSED


def test_a_tag_is_not_endless(busy: Shop) -> None:
    assert busy.asks(f"/tag #1 {'x' * 51}").text == "A tag is one word of at most 50 characters."


def test_a_tag_by_hand_is_taken_away(busy: Shop) -> None:
    busy.orders("/tag #1 vip")
    reply = busy.orders("/untag #1 vip")
    assert reply.text == "#1 Wang (telegram @wang_x) has the tag vip no more."
    assert reply.commands == (UntagCustomer(customer=busy.customer("wang"), tag=Tag("vip")),)
    assert busy.asks("/untag #1 vip").text == "#1 Wang (telegram @wang_x) has no tag vip."


def test_a_tag_that_a_rule_gave_stays(busy: Shop) -> None:
    busy.orders("/rule add contains 退款 => tag:refund")
    busy.says("wang", "退款!")
    only_by_rule = busy.asks("/untag #1 refund")
    assert (only_by_rule.outcome, only_by_rule.commands) == (CommandOutcome.FAILED, ())
    assert only_by_rule.text == "A rule gave the tag refund; only tags given by hand can be taken away."
    busy.orders("/tag #1 refund")
    assert (
        busy.asks("/untag #1 refund").text
        == "#1 Wang (telegram @wang_x) keeps the tag refund: a rule gave it too."
    )


def test_a_note_keeps_its_lines_and_its_writer(busy: Shop) -> None:
    reply = busy.orders("/note #1 likes：tea\n— and cake")
    text = Personal("likes：tea\n— and cake")
    note = AddNote(customer=busy.customer("wang"), operator=OperatorId("cli"), note=text)
    assert reply == Reply("Noted for #1 Wang (telegram @wang_x).", (note,), command="note")
    added = NoteAdded(customer=busy.customer("wang"), operator=OperatorId("cli"), note=text)
    assert busy.events_of(NoteAdded) == [added]


def test_a_remark_becomes_the_name(busy: Shop) -> None:
    reply = busy.orders("/name wang 王 老师")
    assert reply.commands == (NameCustomer(customer=busy.customer("wang"), remark=Personal("王 老师")),)
    assert reply.text == "#1 Wang (telegram @wang_x) is called 王 老师 now."
    assert busy.asks("/find #1").text.startswith("#1 王 老师 (telegram @wang_x)")


@pytest.mark.parametrize("line, longest", [("/name #1 ", 64), ("/note #1 ", 4_000)])
def test_what_is_written_down_has_an_end(busy: Shop, line: str, longest: int) -> None:
    assert busy.asks(f"{line}{'x' * longest}").outcome is CommandOutcome.DONE
    told = f"This text has {longest + 2} characters, {longest} are possible: shorten it by 2."
    assert busy.asks(f"{line}{'x' * (longest + 2)}") == Reply(
        told, outcome=CommandOutcome.FAILED, command=line.split(maxsplit=1)[0].removeprefix("/")
    )


def test_find_looks_at_people_and_at_what_was_said(busy: Shop) -> None:
    busy.orders("/tag #1 vip")
    busy.orders("/note #1 wants a refund of 退款")
    assert busy.asks("/find wang").text == (
        "#1 Wang (telegram @wang_x)  [vip]  last wrote 2026-11-20 12:00:01 Asia/Shanghai"
    )
    assert busy.asks("/find 退款").text.splitlines() == [
        "2026-11-20 12:00:01 Asia/Shanghai  #1 Wang: wants a refund of 退款",
        "2026-11-20 12:00:01 Asia/Shanghai  #1 Wang: 我要退款，谢谢",
    ]
    assert busy.asks("/find 茶").text == "Nothing found for 茶."


def test_what_operators_say_to_the_bot_is_not_found(busy: Shop) -> None:
    busy.says("olga", "/find 退款")
    busy.binds("olga", Role.AGENT, "olga")
    assert busy.asks("/find 退款").text == "2026-11-20 12:00:01 Asia/Shanghai  #1 Wang: 我要退款，谢谢"


def test_customers_are_listed_by_who_wrote_last_all_or_by_tag(busy: Shop) -> None:
    busy.says("li", "hello")
    busy.orders("/tag li vip")
    assert busy.asks("/customers").text.splitlines() == [
        "Customers: 2",
        "#2 Li (telegram @li_x)  [vip]  last wrote 2026-11-20 12:00:02 Asia/Shanghai",
        "#1 Wang (telegram @wang_x)  last wrote 2026-11-20 12:00:01 Asia/Shanghai",
    ]
    assert busy.asks("/customers tag：vip").rows == (
        {"id": busy.customer("li"), "number": 2, "name": "Li", "tags": ["vip"]},
    )
    assert busy.asks("/customers tag:nobody").text == "Customers: 0"
    assert busy.asks("/customers vip").outcome is CommandOutcome.REFUSED


def test_a_long_list_says_how_to_find_the_others(busy: Shop) -> None:
    for number in range(20):
        busy.says(f"guest{number}", "hi")
    lines = busy.asks("/customers").text.splitlines()
    assert (len(lines), lines[0]) == (22, "Customers: 21")
    assert lines[-1] == "Shown are the 20 who wrote last; /find NAME searches."


def test_the_timeline_tells_what_happened_in_order(busy: Shop) -> None:
    busy.edits("wang", "m2", "我要退款!")
    busy.orders("/tag #1 vip")
    busy.orders("/note #1 likes tea")
    busy.orders("/reply #1 好的")
    assert busy.asks("/timeline wang").text.splitlines() == [
        "#1 Wang (telegram @wang_x)  [vip]",
        "11-20 12:00  ← 我要退款，谢谢",
        "11-20 12:00  subscribed (contact-started)",
        "11-20 12:00  edited: 我要退款!",
        "11-20 12:00  tag vip",
        "11-20 12:00  note: likes tea",
        "11-20 12:00  → 好的  [waiting]",
        "11-20 12:00  a person answers",
    ]


def test_a_timeline_shows_where_a_message_stands_and_why(busy: Shop) -> None:
    busy.sends(busy.plans("wang", "your tea is here"))
    busy.says("wang", "退订")
    lines = busy.asks("/timeline #1").text.splitlines()
    assert (
        "11-20 12:00  → your tea is here  [arrived]" in lines
        or "11-20 12:00  → your tea is here  [sent]" in lines
    )
    assert "11-20 12:00  unsubscribed (stop-word)" in lines


def test_answers_are_in_the_operators_language(busy: Shop) -> None:
    assert (
        busy.asks("/tag #1 vip", locale="zh-hans").text == "已给 #1 Wang (telegram @wang_x) 打上标签“vip”。"
    )
    assert busy.asks("标签 #1 vip", locale="pt").text == "#1 Wang (telegram @wang_x) has the tag vip now."
    assert (
        busy.speaks("zh").asks("/help", locale=None).text.splitlines()[0] == "/help [COMMAND]  查看可用指令"
    )


def test_the_bot_is_given_back_on_every_contact(busy: Shop) -> None:
    busy.orders("/reply #1 好的")
    reply = busy.orders("/bot #1")
    assert [type(command).__name__ for command in reply.commands] == ["ReturnToBot"]
    assert reply.text == "The bot answers #1 Wang (telegram @wang_x) again."
    assert busy.asks("/timeline #1").text.splitlines()[-1] == "11-20 12:00  the bot answers again"


def test_times_are_told_where_the_shop_is(busy: Shop) -> None:
    busy.now += timedelta(days=41)
    busy.says("wang", "happy new year")
    assert busy.asks("/find wang").text.endswith("last wrote 2026-12-31 12:00:02 Asia/Shanghai")
