"""Messages to one customer or a group: now, at their time, again and again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot import rendering
from bot.commands.command import Reply
from domain.conversations.commands import Reachability
from domain.conversations.events import ConversationHandedOver
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass, DeliveryPlanned
from domain.identity import DeliveryId, OperatorId, ScheduleId, Slug, SubjectId, ZoneName
from domain.message import Personal
from domain.operators.events import CommandOutcome
from domain.schedules.commands import CreateSchedule
from domain.schedules.events import ScheduleEnded
from tests.bot.commands.shop import Shop

CLI = OperatorId("cli")
DAY = timedelta(hours=24)
TEXT = Personal("记得来")


@pytest.fixture
def busy(shop: Shop) -> Shop:
    shop.says("wang", "hello")
    shop.says("wang", "hi all", group="tea")
    return shop


def to_wang(shop: Shop, line: str, **changes: object) -> PlanDelivery:
    request = shop.request()
    reply = shop.asks(line, request=request)
    (plan,) = reply.commands
    expected = PlanDelivery(
        delivery=DeliveryId(shop.digest("request", request, "delivery")),
        subject=SubjectId(f"contact-{shop.contact('wang')}"),
        kind=DeliveryClass.SERVICE,
        occasion=Slug("send"),
        contact=shop.contact("wang"),
        customer=shop.customer("wang"),
        text=TEXT,
        not_before=shop.now,
        expires_at=shop.now + DAY,
        even_at_night=True,
        operator=CLI,
    )
    expected = replace(expected, **changes)  # type: ignore[arg-type]  # as the test says
    assert plan == expected
    assert reply.outcome is CommandOutcome.DONE
    return expected


def test_a_message_of_now_goes_even_at_night(busy: Shop) -> None:
    to_wang(busy, "/send #1 记得来")


def test_an_answer_is_a_reply_and_silences_the_bot(busy: Shop) -> None:
    to_wang(busy, "/reply #1 记得来", kind=DeliveryClass.REPLY, occasion=Slug("operator-reply"))
    busy.orders("/reply #1 记得来")
    until = busy.now + timedelta(minutes=30)
    handed = ConversationHandedOver(contact=busy.contact("wang"), operator=CLI, until=until)
    assert busy.events_of(ConversationHandedOver) == [handed]


@pytest.mark.parametrize(
    "line, at",
    [
        ("/send #1 --in 2h 记得来", None),
        ("/send --in 2h #1 记得来", None),
        ("/send #1 —in 2h 记得来", None),
        ("/send #1 --at 2026-12-01T10:00 记得来", datetime(2026, 12, 1, 2, tzinfo=UTC)),
        ("/send #1 --at 2026-12-01 10:00 记得来", datetime(2026, 12, 1, 2, tzinfo=UTC)),
        ("/send #1 --at tomorrow 10:00 记得来", datetime(2026, 11, 21, 2, tzinfo=UTC)),
        ('/send #1 --at "mon 9:30" 记得来', datetime(2026, 11, 23, 1, 30, tzinfo=UTC)),
        ("/send #1 --at 周一9:30 记得来", datetime(2026, 11, 23, 1, 30, tzinfo=UTC)),
        ("定时 #1 明天10点 记得来", datetime(2026, 11, 21, 2, tzinfo=UTC)),
        ("定时 明天10点 #1 记得来", datetime(2026, 11, 21, 2, tzinfo=UTC)),
        ("定时 #1 --in 2小时 记得来", None),
    ],
)
def test_a_message_goes_at_its_time(busy: Shop, line: str, at: datetime | None) -> None:
    begins = at or busy.now + timedelta(hours=2)
    to_wang(busy, line, not_before=begins, expires_at=begins + DAY, even_at_night=False)


def test_the_answer_repeats_the_moment_with_its_zone(busy: Shop) -> None:
    reply = busy.asks("/send #1 --at 明天10点 记得来")
    (plan,) = reply.commands
    assert isinstance(plan, PlanDelivery)
    assert reply.text == (
        f"Goes to #1 Wang (telegram @wang_x) at 2026-11-21 10:00 Asia/Shanghai. delivery:{plan.delivery[:8]}"
    )


def test_the_answer_says_when_quiet_hours_delay_it(busy: Shop) -> None:
    waits = "Quiet hours: it waits until 2026-11-21 08:30 Asia/Shanghai; --even-at-night sends it on time."
    assert busy.asks("/send #1 --at 23:00 记得来").text.splitlines()[1:] == [waits]
    assert busy.asks("/send #1 --at 23:00 --even-at-night 记得来").text.splitlines()[1:] == []
    busy.now += timedelta(hours=12)
    assert busy.asks("/send #1 记得来").text.splitlines()[1:] == []
    group = busy.asks("/send group:tea 记得来").text.splitlines()[1:]
    assert group == ["Quiet hours: it waits until 2026-11-21 08:30 Asia/Shanghai."]


def test_a_message_that_was_booked_goes_at_night(busy: Shop) -> None:
    at = datetime(2026, 11, 20, 15, tzinfo=UTC)
    line = "/send #1 --at 23:00 --even-at-night 记得来"
    to_wang(busy, line, not_before=at, expires_at=at + DAY, even_at_night=True)


@pytest.mark.parametrize(
    "line, told",
    [
        (
            "/send #1 --at 2020-01-01 10:00 hi",
            "2020-01-01 10:00 is past: it is 2026-11-20 12:00:02 Asia/Shanghai",
        ),
        ("/send #1 --at soon hi", "soon is no time: write 15:30, tomorrow 10:00, mon 9:30 or 明天10点"),
        ("/send #1 --in soon hi", "soon is no time to wait: write 2h, 30m or 2小时"),
        ("/send #1 --every soon hi", "soon says not when: write “mon 10:00”, “daily 10:00” or 每周一10点"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused(busy: Shop, line: str, told: str) -> None:
    reply = busy.asks(line)
    assert (reply.text, reply.outcome, reply.commands) == (told, CommandOutcome.FAILED, ())


@pytest.mark.parametrize(
    "line, told",
    [
        ("/send #1 --in 2h --at 10:00 hi", "Say only once when: --in, --at or --every."),
        ("/send #1 --nonsense hi", "There is no option --nonsense here."),
        ("/send #1 --yes hi", "There is no option --yes here."),
        ("定时 #1 记得来", "Say when: 定时 CUSTOMER TIME TEXT"),
        ("/send #1 --in 2h", "Write it like this:"),
        ("/send #1 --at", "Write it like this:"),
        ("/send", "Write it like this:"),
    ],
)
def test_a_wrong_call_shows_the_usage(busy: Shop, line: str, told: str) -> None:
    reply = busy.asks(line)
    assert (reply.text.splitlines()[0], reply.outcome, reply.commands) == (told, CommandOutcome.REFUSED, ())
    assert "/send CUSTOMER [--in 2h | --at 2026-12-01T10:00] [--even-at-night] TEXT" in reply.text


def test_a_message_to_a_group_is_marketing(busy: Shop) -> None:
    (plan,) = busy.asks("/send group:tea 记得来").commands
    assert isinstance(plan, PlanDelivery)
    group = busy.group("tea")
    expected = PlanDelivery(
        delivery=plan.delivery,
        subject=SubjectId(f"group-{group}"),
        kind=DeliveryClass.MARKETING,
        occasion=Slug("send"),
        group=group,
        text=TEXT,
        not_before=busy.now,
        expires_at=busy.now + DAY,
        even_at_night=True,
        operator=CLI,
    )
    assert plan == expected
    (service,) = busy.asks('/send group:tea --service "delivery is late" 记得来').commands
    assert isinstance(service, PlanDelivery)
    assert service == replace(
        expected,
        delivery=service.delivery,
        kind=DeliveryClass.SERVICE,
        service_reason=Personal("delivery is late"),
    )


@pytest.mark.parametrize("group", ["group:tea", "group：tea", "群:tea", "group:telegram:tea", "group:Tea"])
def test_a_group_is_found_by_its_id_or_title(busy: Shop, group: str) -> None:
    (plan,) = busy.asks(f"/send {group} 记得来").commands
    assert isinstance(plan, PlanDelivery)
    assert plan.group == busy.group("tea")


def test_a_part_of_a_groups_title_is_asked_about(busy: Shop) -> None:
    group = busy.group("tea")
    assert busy.asks("/send --in 2h group:te 记得来") == Reply(
        "Which group do you mean by te?\ngroup:tea  Tea (telegram)",
        outcome=CommandOutcome.ASKED,
        choices=((("group:tea  Tea (telegram)", f"/send --in 2h group:{group} 记得来"),),),
        rows=({"label": "group:tea  Tea (telegram)", "command": f"/send --in 2h group:{group} 记得来"},),
        command="send",
    )
    assert busy.asks("/send group:coffee hi").text == "I know no group coffee. /groups lists them."


@pytest.mark.parametrize("to", ["#1", "group:tea"])
def test_a_recurring_message_becomes_a_schedule(busy: Shop, to: str) -> None:
    request = busy.request()
    reply = busy.asks(f"/send {to} --every “每周一 10点” 记得来", request=request)
    expected = CreateSchedule(
        schedule=ScheduleId(busy.digest("request", request, "schedule")),
        recurrence=Slug("mon@10:00"),
        zone=ZoneName("Asia/Shanghai"),
        text=TEXT,
        starts_at=busy.now,
        customer=busy.customer("wang") if to == "#1" else None,
        contact=busy.contact("wang") if to == "#1" else None,
        group=busy.group("tea") if to == "group:tea" else None,
        operator=CLI,
    )
    assert reply.commands == (expected,)
    assert (
        "every Mon at 10:00 Asia/Shanghai, first at 2026-11-23 10:00 Asia/Shanghai. End it with /pause schedule:"
        in reply.text
    )


def test_a_message_goes_to_the_contact_heard_from_last_that_can_be_reached(busy: Shop) -> None:
    busy.says("li", "hi all", group="tea")
    reply = busy.asks("/send li 记得来")
    assert (
        reply.text.splitlines()[1] == "They never wrote to us in private: it will not arrive unless they do."
    )
    busy.receive("wang", Reachability(reachable=False))
    blocked = busy.orders("/send #1 记得来")
    assert blocked.text.splitlines()[1] == "They blocked us: it will not arrive unless they write again."
    assert [event.contact for event in busy.events_of(DeliveryPlanned)] == [busy.contact("wang")]


def test_a_text_keeps_its_lines_and_signs(busy: Shop) -> None:
    to_wang(busy, "/send #1 记得：来\n— 5 点\n\n  #2", text=Personal("记得：来\n— 5 点\n\n  #2"))


def test_a_template_that_cannot_be_filled_in_is_refused(busy: Shop) -> None:
    fault = rendering.template_fault("hi {{ name")
    assert fault is not None
    assert busy.asks("/send #1 hi {{ name").text == f"This text cannot be filled in: {fault}"
    assert busy.asks("/reply #1 hi 【姓名】").outcome is CommandOutcome.FAILED
    assert busy.asks("/reply #1 hi {{ name | default: 'friend' }}").outcome is CommandOutcome.DONE


def test_a_text_is_counted_in_the_providers_units(busy: Shop) -> None:
    assert busy.asks(f"/send #1 {'茶' * 4_096}").outcome is CommandOutcome.DONE
    told = "This text has 4098 characters, 4096 are possible: shorten it by 2."
    assert busy.asks(f"/send #1 {'🍵' * 2_049}").text == told


def test_a_recurring_message_is_ended_by_its_name(shop: Shop) -> None:
    shop.says("ann", "hello")
    told = shop.orders('/send #1 --every "mon 10:00" Tea time').text
    name = told.rpartition(" ")[2]
    assert shop.events_of(ScheduleEnded) == []
    reply = shop.orders(f"/pause {name}")
    assert reply.text == f"It recurs no more: {name}"
    assert [event.schedule[:8] for event in shop.events_of(ScheduleEnded)] == [name.partition(":")[2]]


def test_which_recurring_message_is_asked_where_it_is_not_plain(shop: Shop) -> None:
    shop.says("ann", "hello")
    name = shop.orders('/send #1 --every "mon 10:00" Tea time').text.rpartition(" ")[2]
    reply = shop.orders("/pause schedule:ffff-none")
    assert reply.text == f"Which recurring message? There are:\n{name}  every Mon at 10:00 Asia/Shanghai"
    assert shop.events_of(ScheduleEnded) == []
