"""Commands about the shop as a whole: help, groups, numbers, the pause, and deliveries nobody knows about."""

import pytest

from bot.commands.command import Reply
from domain.deliveries.commands import LoseTrackOfDelivery, ResolveDelivery
from domain.deliveries.events import DeliveryAccepted, DeliveryRejected
from domain.identity import DeliveryId, OperatorId, Slug
from domain.installation.commands import PauseMarketing, ResumeMarketing
from domain.installation.events import MarketingPaused
from domain.operators.events import CommandOutcome, Role
from tests.bot.commands.shop import Shop
from tests.projections.house import must

CLI = OperatorId("cli")


@pytest.fixture
def busy(shop: Shop) -> Shop:
    shop.says("wang", "hello")
    shop.says("wang", "hi all", group="tea")
    return shop


def lost(shop: Shop, text: str = "your tea is here") -> DeliveryId:
    delivery = shop.plans("wang", text)
    shop.claims(delivery)
    must(shop.do(LoseTrackOfDelivery(delivery=delivery, attempt=1, reason=Slug("timeout"))))
    return delivery


def test_help_is_a_usage_and_what_it_is_for(busy: Shop) -> None:
    lines = busy.asks("/help", Role.VIEWER).text.splitlines()
    assert lines[2:4] == [
        "/find TEXT  find customers by name, number or what was said",
        "/customers [tag:TAG]  list customers, all or those with a tag",
    ]


def test_help_about_one_command_shows_every_way_to_call_it(busy: Shop) -> None:
    assert busy.asks("/help /rule").text.splitlines() == [
        "/rule add exact|contains|regex|any PATTERN [in:group] => TEXT|tag:TAG  what the bot answers and tags by itself",
        "/rule list",
        "/rule remove ID",
        "/rule welcome [in:group] TEXT|off",
    ]
    assert busy.asks("/help rule", Role.AGENT).text == busy.asks("/help", Role.AGENT).text


def test_groups_are_listed_as_commands_name_them(busy: Shop) -> None:
    assert busy.asks("/groups").text == "group:tea  Tea (telegram)  1 seen there"


def test_without_groups_that_is_said(shop: Shop) -> None:
    assert shop.asks("/groups").text == "The bot is in no group yet."


@pytest.mark.parametrize("line", ["/pause all", "全部暂停", "/PAUSE ALL", "/pause 全部"])
def test_a_pause_stops_all_marketing(busy: Shop, line: str) -> None:
    told = "All marketing is stopped. Answers and service messages still go out. /resume lets it go on."
    assert busy.orders(line) == Reply(told, (PauseMarketing(operator=CLI),), command="pause")
    assert busy.events_of(MarketingPaused) == [MarketingPaused(operator=CLI)]


def test_a_pause_must_say_of_what(busy: Shop) -> None:
    assert busy.asks("/pause").outcome is CommandOutcome.REFUSED
    assert busy.asks("/pause tomorrow").outcome is CommandOutcome.REFUSED


def test_the_pause_ends_and_the_numbers_tell_both(busy: Shop) -> None:
    stopped = "All marketing is stopped. /resume lets it go on."
    busy.orders("/pause all")
    assert stopped in busy.asks("/stats").text
    assert busy.orders("/resume").commands == (ResumeMarketing(operator=CLI),)
    assert stopped not in busy.asks("/stats").text


def test_the_numbers_of_today(busy: Shop) -> None:
    busy.orders("/tag #1 vip")
    busy.sends(busy.plans("wang"))
    lost(busy)
    busy.orders("/send #1 later today")
    assert busy.asks("统计").text.splitlines() == [
        "Customers: 1",
        "Planned today: sent 1, waiting 1, unknown whether sent 1",
        "Tags: vip 1",
        "Unknown whether sent: 1. /resolve says what became of them.",
        "due: 3",
    ]


def test_a_quiet_day_has_no_numbers(shop: Shop) -> None:
    assert shop.asks("/stats").text.splitlines() == [
        "Customers: 0",
        "No messages were planned today.",
        "due: 3",
    ]


@pytest.mark.parametrize(
    "outcome, sent, told",
    [
        ("sent", True, "Noted: it was sent."),
        ("not-sent", False, "Noted: it was not sent."),
        ("未发送", False, "Noted: it was not sent."),
    ],
)
def test_a_delivery_nobody_knows_about_is_resolved(busy: Shop, outcome: str, sent: bool, told: str) -> None:
    delivery = lost(busy)
    reply = busy.orders(f"/resolve delivery：{delivery} {outcome}")
    assert reply == Reply(told, (ResolveDelivery(delivery=delivery, sent=sent),), command="resolve")
    accepted = [event.delivery for event in busy.events_of(DeliveryAccepted)]
    rejected = [event.delivery for event in busy.events_of(DeliveryRejected)]
    assert (accepted, rejected) == (([delivery], []) if sent else ([], [delivery]))


def test_only_an_unknown_delivery_is_resolved(busy: Shop) -> None:
    delivery = busy.plans("wang")
    reply = busy.asks(f"/resolve delivery:{delivery} sent")
    told = "This delivery is waiting: only one of which nobody knows whether it was sent can be resolved."
    assert (reply.text, reply.outcome, reply.commands) == (told, CommandOutcome.FAILED, ())


def test_a_beginning_that_fits_several_deliveries_is_asked_about(busy: Shop) -> None:
    first, second = lost(busy, "one"), lost(busy, "two")
    reply = busy.asks("/resolve delivery:delivery sent")
    assert reply.outcome is CommandOutcome.ASKED
    assert reply.choices == (
        (("delivery:delivery  one", f"/resolve delivery:{first} sent"),),
        (("delivery:delivery  two", f"/resolve delivery:{second} sent"),),
    )


@pytest.mark.parametrize(
    "line",
    ["/resolve", "/resolve delivery:abcdef", "/resolve delivery:abcdef maybe", "/resolve x:abcdef sent"],
)
def test_a_wrong_call_shows_the_usage(busy: Shop, line: str) -> None:
    assert busy.asks(line).text == "Write it like this:\n/resolve delivery:ID sent|not-sent"


def test_a_delivery_that_does_not_exist(busy: Shop) -> None:
    assert busy.asks("/resolve delivery:abcdef sent").text == "There is no delivery abcdef."
