"""One text to many: counted by the policy that will judge it, sent only after a yes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.commands.command import Operator, Reply
from bot.commands.preview import PAGE
from domain.broadcasts.commands import CancelBroadcast, ConfirmBroadcast, DraftBroadcast
from domain.broadcasts.events import AudienceKind, BroadcastConfirmed
from domain.conversations.commands import Reachability
from domain.deliveries.events import DeliveryClass, DeliveryStarted
from domain.gate import ClaimDelivery
from domain.groups.commands import LeaveGroup
from domain.identity import BroadcastId, OperatorId, Slug, Tag, ZoneName
from domain.message import Personal
from domain.operators.events import CommandOutcome, Role
from tests.bot.commands.shop import CONTROLS, Shop
from tests.projections.house import must

CLI = OperatorId("cli")
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@pytest.fixture
def audience(shop: Shop) -> Shop:
    """Wang and Li are tagged and can be reached; the others are left out, each for a reason."""
    for who in ("wang", "li", "stopped", "gone", "capped", "silent"):
        shop.says(who, "hello")
    shop.says("stopped", "退订")
    shop.receive("gone", Reachability(reachable=False))
    shop.says("shy", "hi all", group="tea")
    for number in range(1, 8):
        shop.orders(f"/tag #{number} vip")
    shop.orders("/untag #6 vip")
    marketing(shop, "capped")
    return shop


def marketing(shop: Shop, who: str) -> None:
    """Let somebody get a marketing message, which spends their cap."""
    delivery = shop.plans(who, kind=DeliveryClass.MARKETING)
    until = shop.now + timedelta(seconds=60)
    must(shop.do(ClaimDelivery(delivery=delivery, worker=Slug("w"), until=until, controls=CONTROLS)))
    assert delivery in {event.delivery for event in shop.events_of(DeliveryStarted)}


def code_of(reply: Reply) -> str:
    return str(reply.rows[0]["code"])


def test_a_broadcast_is_shown_first_and_waits_for_a_yes(audience: Shop) -> None:
    request = audience.request()
    reply = audience.asks("/broadcast tag:vip 上新了", request=request)
    code = code_of(reply)
    draft = DraftBroadcast(
        broadcast=BroadcastId(audience.digest("request", request, "broadcast")),
        audience=AudienceKind.TAG,
        tag=Tag("vip"),
        text=Personal("上新了"),
        not_before=audience.now,
        operator=CLI,
        code=audience.digest("confirm-code", code),
    )
    assert reply == Reply(
        "\n".join(
            [
                "Reaches 2: telegram 2",
                "Left out 3: unsubscribed 1, blocked us 1, never wrote in private 1",
                "Had their share of messages: 1. They get it later, or not at all if that is too late.",
                "Goes out at once.",
                f"Send it? /confirm {code} within an hour.",
            ]
        ),
        (draft,),
        outcome=CommandOutcome.ASKED,
        choices=((("Send to 2", f"/confirm {code}"),),),
        rows=({"code": code, "count": 2},),
        command="broadcast",
    )
    assert len(code) == 6
    assert code.isdecimal()


def test_everyone_is_meant_by_all_but_no_operator(audience: Shop) -> None:
    audience.binds("olga", Role.AGENT, "silent")
    reply = audience.asks("/broadcast all 上新了")
    assert reply.text.splitlines()[0] == "Reaches 2: telegram 2"
    assert audience.asks("群发 全部 上新了").text.splitlines()[0] == "Reaches 2: telegram 2"


def test_those_who_are_silent_for_half_a_year_are_left_out(audience: Shop) -> None:
    audience.now += timedelta(days=200)
    audience.says("wang", "I am back")
    assert audience.asks("/broadcast all hi").text.splitlines()[:2] == [
        "Reaches 1: telegram 1",
        "Left out 6: silent for half a year 3, unsubscribed 1, blocked us 1, never wrote in private 1",
    ]


def test_nobody_reached_is_said_and_nothing_drafted(audience: Shop) -> None:
    reply = audience.asks("/broadcast tag:nobody hi")
    assert (reply.text, reply.outcome, reply.commands) == ("Reaches nobody now.", CommandOutcome.FAILED, ())


def test_the_yes_lets_it_go_out_once(audience: Shop) -> None:
    drafted = audience.orders("/broadcast tag:vip 上新了")
    (draft,) = drafted.commands
    assert isinstance(draft, DraftBroadcast)
    typed = audience.asks("确认 " + code_of(drafted).translate(FULL_WIDTH))
    yes = audience.orders(drafted.choices[0][0][1])
    assert typed == yes
    assert yes == Reply(
        "Confirmed: it goes out now.", (ConfirmBroadcast(broadcast=draft.broadcast),), command="confirm"
    )
    assert audience.events_of(BroadcastConfirmed) == [
        BroadcastConfirmed(broadcast=draft.broadcast, not_before=audience.now)
    ]
    again = audience.asks(f"/confirm {code_of(drafted)}")
    assert (again.text, again.commands) == ("This broadcast was confirmed already.", ())


@pytest.mark.parametrize("how", ["option", "argument"])
def test_yes_said_at_once_counts_all_the_same(audience: Shop, how: str) -> None:
    request = audience.request()
    if how == "option":
        reply = audience.asks("/broadcast tag:vip --yes 上新了", request=request)
    else:
        reply = audience.asks("/broadcast tag:vip 上新了", request=request, confirmed=True)
    draft, confirm = reply.commands
    assert isinstance(draft, DraftBroadcast)
    assert draft.code is None
    assert confirm == ConfirmBroadcast(broadcast=draft.broadcast)
    assert (reply.outcome, reply.choices) == (CommandOutcome.DONE, ())
    assert reply.text.splitlines()[0] == "Reaches 2: telegram 2"


def test_one_recipient_is_counted_and_asked_about_too(audience: Shop) -> None:
    audience.orders("/tag #1 only")
    reply = audience.asks("/broadcast tag:only hi")
    assert (reply.text.splitlines()[0], reply.outcome) == ("Reaches 1: telegram 1", CommandOutcome.ASKED)


def test_a_broadcast_at_its_time_says_when_and_what_delays_it(audience: Shop) -> None:
    reply = audience.orders("/broadcast tag:vip --at 23:00 上新了")
    (draft,) = reply.commands
    assert isinstance(draft, DraftBroadcast)
    assert draft.not_before == datetime(2026, 11, 20, 15, tzinfo=UTC)
    assert "Goes out at 2026-11-20 23:00 Asia/Shanghai." in reply.text
    assert "Quiet hours: it waits until 2026-11-21 08:30 Asia/Shanghai." in reply.text
    # By then the cap of the day is free again.
    assert reply.text.splitlines()[0] == "Reaches 3: telegram 3"
    confirmed = audience.asks(f"/confirm {code_of(reply)}")
    assert confirmed.text.splitlines() == [
        "Confirmed: it goes out at 2026-11-20 23:00 Asia/Shanghai.",
        "Quiet hours: it waits until 2026-11-21 08:30 Asia/Shanghai.",
    ]


def test_a_recurring_broadcast_says_when_it_comes_first(audience: Shop) -> None:
    reply = audience.orders('/broadcast tag:vip --every "mon,thu 9:30" 上新了')
    (draft,) = reply.commands
    assert isinstance(draft, DraftBroadcast)
    expected = replace(
        draft, recurrence=Slug("mon,thu@09:30"), zone=ZoneName("Asia/Shanghai"), not_before=audience.now
    )
    assert draft == expected
    first = "Goes out every Mon, Thu at 09:30 Asia/Shanghai, first at 2026-11-23 09:30 Asia/Shanghai."
    assert first in reply.text.splitlines()
    told = audience.asks(f"/confirm {code_of(reply)}").text
    assert told == "Confirmed: it goes out every Mon, Thu at 09:30 Asia/Shanghai."


def test_a_group_is_counted_as_one(audience: Shop) -> None:
    reply = audience.asks("/broadcast group:tea 上新了")
    (draft,) = reply.commands
    assert isinstance(draft, DraftBroadcast)
    assert (draft.audience, draft.group) == (AudienceKind.GROUP, audience.group("tea"))
    assert reply.text.splitlines()[0] == "Reaches 1: telegram 1"
    must(audience.do(LeaveGroup(group=audience.group("tea"), reason=Slug("bot-left"))))
    left = audience.asks("/broadcast group:tea 上新了")
    assert (left.text, left.commands) == ("Reaches nobody now.\nLeft out 1: we left the group 1", ())


# Who may confirm, and until when


def test_a_code_is_confirmed_by_its_writer_or_a_manager_only(audience: Shop) -> None:
    ann = audience.binds("ann", Role.MARKETER, "silent")
    reply = audience.orders("/broadcast tag:vip hi", operator=ann)
    line = f"/confirm {code_of(reply)}"
    bob = Operator(audience.hires("bob", Role.MARKETER), Role.MARKETER)
    refused = audience.asks(line, operator=bob)
    told = "Only whoever wrote it, or a manager, may confirm it."
    assert (refused.text, refused.outcome, refused.commands) == (told, CommandOutcome.REFUSED, ())
    for who in (ann, Operator(bob.id, Role.MANAGER)):
        assert [type(c) for c in audience.asks(line, operator=who).commands] == [ConfirmBroadcast]


@pytest.mark.parametrize("line", ["/confirm 000000", "/confirm abc", "/confirm 1"])
def test_a_wrong_code_confirms_nothing(audience: Shop, line: str) -> None:
    audience.orders("/broadcast tag:vip hi")
    reply = audience.asks(line)
    told = "No broadcast waits for this code: it was never given, or is older than an hour."
    assert (reply.text, reply.outcome, reply.commands) == (told, CommandOutcome.FAILED, ())


def test_a_code_confirms_nothing_after_an_hour(audience: Shop) -> None:
    line = f"/confirm {code_of(audience.orders('/broadcast tag:vip hi'))}"
    audience.now += timedelta(hours=1)
    assert audience.asks(line).outcome is CommandOutcome.DONE
    audience.now += timedelta(seconds=1)
    assert audience.asks(line).outcome is CommandOutcome.FAILED


def test_what_was_cancelled_is_not_confirmed(audience: Shop) -> None:
    reply = audience.orders("/broadcast tag:vip hi")
    (draft,) = reply.commands
    assert isinstance(draft, DraftBroadcast)
    must(audience.do(CancelBroadcast(broadcast=draft.broadcast)))
    told = audience.asks(f"/confirm {code_of(reply)}")
    assert (told.text, told.commands) == ("This broadcast was cancelled.", ())


@pytest.mark.parametrize(
    "line",
    [
        "/broadcast",
        "/broadcast all",
        "/broadcast tag:vip",
        "/broadcast everybody hi",
        "/broadcast tag: hi",
        "/broadcast #1 hi",
        "/broadcast all --even-at-night hi",
        "/confirm",
        "/confirm 123456 now",
    ],
)
def test_a_wrong_call_shows_the_usage(audience: Shop, line: str) -> None:
    reply = audience.asks(line)
    assert (reply.outcome, reply.commands) == (CommandOutcome.REFUSED, ())
    assert f"\n{line.split(maxsplit=1)[0]} " in reply.text


def test_a_broken_or_endless_text_is_refused_before_it_is_drafted(audience: Shop) -> None:
    for text in ("hi {{ name", "茶" * 4_097):
        reply = audience.asks(f"/broadcast all {text}")
        assert (reply.outcome, reply.commands) == (CommandOutcome.FAILED, ())


def test_a_preview_counts_beyond_one_page_of_customers(shop: Shop) -> None:
    for number in range(PAGE + 1):
        shop.says(f"guest{number}", "hi")
    assert shop.asks("/broadcast all hi").text.splitlines()[0] == f"Reaches {PAGE + 1}: telegram {PAGE + 1}"
