"""What the scheduler reads of the views: what is due in which order, who is meant, and what is known of them."""

import sqlite3
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, cast

import pytest

from bot.house import House
from bot.operations.said import Exit
from bot.operations.upkeep import replay
from bot.reading import Reading, SqlAgenda, SqlAudience, SqlCanaries, keep_parked, lunar_day, parked_by
from bot.rendering import MISSING, render
from domain.broadcasts.commands import ConfirmBroadcast, DraftBroadcast, FinishFanOut
from domain.broadcasts.events import AudienceKind
from domain.campaigns.commands import FinishRun
from domain.conversations.commands import Join, Reachability, Sender
from domain.conversations.events import MessageReceived
from domain.customers.commands import DescribeCustomer, NameCustomer, TagCustomer
from domain.deliveries.commands import (
    AcceptDelivery,
    CancelDelivery,
    LoseTrackOfDelivery,
    PlanDelivery,
    RejectDelivery,
)
from domain.deliveries.delivery import RESEND_AFTER_LEASE
from domain.deliveries.events import DeliveryClass, DeliveryPlanned, DeliveryStarted
from domain.errors import CannotRender
from domain.gate import ClaimDelivery
from domain.identity import (
    BroadcastId,
    ContactId,
    DeliveryId,
    GroupId,
    Locale,
    RuleId,
    RunId,
    ScheduleId,
    Slug,
    Tag,
    ZoneName,
)
from domain.installation.commands import PauseMarketing, ResumeMarketing
from domain.message import Personal
from domain.policies.occasions import BIRTHDAY, MEMBER_ANNIVERSARY
from domain.ports.agenda import BrokenLease, DueDelivery, DueSchedule, UnderWay
from domain.ports.audience import Known, Recipient, Whom
from domain.ports.canaries import CanaryFigures
from domain.rules.commands import AddRule
from domain.rules.events import Match
from domain.schedules.commands import CreateSchedule, EndSchedule, FireSchedule
from scheduler.letters import Letters
from tests.bot.premises import BOT, NOON, TELEGRAM, Premises
from tests.domain.controls import commands
from tests.domain.controls.ids import JUNE, SUMMER

HERE = [(TELEGRAM, BOT)]
LEASE = timedelta(seconds=45)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def agenda(premises: Premises) -> SqlAgenda:
    premises.says("wang", "hi")
    return SqlAgenda(premises.house.views)


@pytest.fixture
def audience(premises: Premises) -> SqlAudience:
    return SqlAudience(premises.house.views, "Tea House")


def hint(plan: PlanDelivery, priority: int) -> DueDelivery:
    return DueDelivery(
        delivery=plan.delivery,
        priority=priority,
        channel=TELEGRAM,
        account=BOT,
        contact=plan.contact,
        group=plan.group,
        not_before=plan.not_before,
    )


def plans(premises: Premises, *planned: PlanDelivery) -> None:
    premises.house.do("system", *planned)
    premises.house.catch_up()


def starts(premises: Premises, plan: PlanDelivery) -> None:
    """Let somebody begin to send it, and hold it for LEASE."""
    claim = ClaimDelivery(
        delivery=plan.delivery,
        worker=Slug("w"),
        until=premises.now + LEASE,
        controls=premises.house.settings.controls,
    )
    started = premises.house.do("scheduler", claim)
    assert type(started.events[-1].event) is DeliveryStarted
    premises.house.catch_up()


def replayed(house: House) -> list[str | Exit]:
    """What ``siyu replay`` says, and its exit code where there is one."""
    said = replay(house)
    return [line if isinstance(line, Exit) else house.texts.shown(line) for line in said]


# --- the agenda --------------------------------------------------------------------------------------------------------


def test_replies_come_first_then_service_then_marketing_then_by_time(
    premises: Premises, agenda: SqlAgenda
) -> None:
    marketing = premises.plan("wang", kind=DeliveryClass.MARKETING)
    late, service = premises.plan("wang"), replace(premises.plan("wang"), not_before=NOON)
    reply = premises.plan("wang", kind=DeliveryClass.REPLY)
    later = replace(premises.plan("wang"), not_before=premises.now + MINUTE)
    plans(premises, marketing, late, service, reply, later)
    expected = [hint(reply, 0), hint(service, 1), hint(late, 1), hint(marketing, 2)]
    assert agenda.due(premises.now, 10, HERE) == expected
    assert agenda.due(premises.now, 2, HERE) == expected[:2]
    assert agenda.next_moment(premises.now) == later.not_before


def test_what_is_past_its_time_is_shown_so_that_the_gate_can_say_so(
    premises: Premises, agenda: SqlAgenda
) -> None:
    missed = replace(premises.plan("wang"), expires_at=premises.now + MINUTE)
    plans(premises, missed)
    assert agenda.due(premises.now + 2 * MINUTE, 10, HERE) == [hint(missed, 1)]
    assert agenda.next_moment(premises.now) == missed.expires_at


def test_a_lease_that_ended_is_broken_and_an_unknown_outcome_is_due_again_a_while_after(
    premises: Premises, agenda: SqlAgenda
) -> None:
    reply, other = premises.plan("wang", kind=DeliveryClass.REPLY), premises.plan("wang")
    plans(premises, reply, other)
    starts(premises, other)
    ends = premises.now + LEASE
    assert agenda.broken_leases(ends - MINUTE, 10) == []
    assert agenda.broken_leases(ends, 10) == [BrokenLease(other.delivery, 1)]
    premises.house.do(
        "scheduler", LoseTrackOfDelivery(delivery=other.delivery, attempt=1, reason=Slug("timed-out"))
    )
    premises.house.catch_up()
    again = ends + RESEND_AFTER_LEASE
    assert agenda.due(again - MINUTE, 10, HERE) == [hint(reply, 0)]
    assert agenda.due(again, 10, HERE) == [
        hint(reply, 0),
        replace(hint(other, 1), not_before=again),
    ]
    assert agenda.next_moment(ends) == again


def test_broadcasts_are_due_from_their_time_on_until_they_are_fanned_out(
    premises: Premises, agenda: SqlAgenda
) -> None:
    spring, at = BroadcastId("spring"), premises.now + MINUTE
    draft = DraftBroadcast(broadcast=spring, audience=AudienceKind.ALL, text=Personal("sale"), not_before=at)
    premises.house.do("system", draft, ConfirmBroadcast(broadcast=spring))
    premises.house.catch_up()
    assert (agenda.broadcasts(premises.now), agenda.next_moment(premises.now)) == ([], at)
    assert agenda.broadcasts(at) == [spring]
    premises.house.do("system", FinishFanOut(broadcast=spring, planned=1))
    premises.house.catch_up()
    assert (agenda.broadcasts(at), agenda.next_moment(premises.now)) == ([], None)


def test_a_schedule_says_for_which_day_it_fired_last_until_it_ends(
    premises: Premises, agenda: SqlAgenda
) -> None:
    daily = ScheduleId("daily")
    create = CreateSchedule(
        schedule=daily,
        recurrence=Slug("daily@10:00"),
        zone=ZoneName("Asia/Shanghai"),
        text=Personal("morning"),
        starts_at=premises.now,
    )
    shown = DueSchedule(daily, Slug("daily@10:00"), ZoneName("Asia/Shanghai"), premises.now, None)
    premises.house.do("system", create)
    premises.house.catch_up()
    assert agenda.schedules() == [shown]
    premises.house.do("scheduler", FireSchedule(schedule=daily, day=date(2026, 11, 20), at=premises.now))
    premises.house.catch_up()
    assert agenda.schedules() == [replace(shown, last_day=date(2026, 11, 20))]
    premises.house.do("system", EndSchedule(schedule=daily))
    premises.house.catch_up()
    assert agenda.schedules() == []


# --- the audience ------------------------------------------------------------------------------------------------------


async def test_recipients_are_those_who_are_meant_in_the_order_of_their_numbers(
    premises: Premises, audience: SqlAudience
) -> None:
    for who in ("zhao", "wang", "chen", "li"):
        premises.says(who, "hi")
    premises.receive("sun", Join(members=(Sender(external_id="sun"),)), group="tea")  # never wrote in private
    premises.receive("chen", Reachability(reachable=False))
    await premises.binds(await premises.desk(), "li")
    vip = Tag("vip")
    tokyo = ZoneName("Asia/Tokyo")
    zhao, wang, chen, sun = (premises.customer(who) for who in ("zhao", "wang", "chen", "sun"))
    premises.house.do("system", TagCustomer(customer=wang, tag=vip))
    premises.house.do(
        "system", DescribeCustomer(customer=wang, zone=tokyo, language=Locale("ja"), source=Slug("x"))
    )
    premises.house.catch_up()
    everybody = audience.page(Whom(), 0, 10)
    assert [one.customer for one in everybody] == [zhao, wang, chen, sun]
    assert everybody[1] == Recipient(
        everybody[1].number, wang, premises.contact("wang"), TELEGRAM, tokyo, Locale("ja")
    )
    assert audience.page(Whom(), everybody[0].number, 2) == everybody[1:3]
    assert [one.customer for one in audience.page(Whom(tags=(vip,)), 0, 10)] == [wang]
    assert [one.customer for one in audience.page(Whom(without=(vip,)), 0, 10)] == [zhao, chen, sun]
    sizes = [audience.size(whom) for whom in (Whom(), Whom(tags=(vip,)), Whom(tags=(Tag("nobody"),)))]
    assert sizes == [4, 1, 0]


def test_birthdays_are_kept_by_the_sun_and_by_the_moon(premises: Premises, audience: SqlAudience) -> None:
    for who, born in (
        ("sun", "1990-02-17"),
        ("moon", "lunar:01-01"),
        ("leap", "02-29"),
        ("eve", "lunar:12-30"),
    ):
        premises.says(who, "hi")
        described = DescribeCustomer(
            customer=premises.customer(who), birthday=Personal(born), source=Slug("x")
        )
        premises.house.do("system", described)
    premises.house.catch_up()

    def born_on(day: date) -> list[ContactId]:
        return [one.contact for one in audience.page(Whom(occasion=BIRTHDAY, day=day), 0, 10)]

    sun, moon, leap, eve = (premises.contact(who) for who in ("sun", "moon", "leap", "eve"))
    assert born_on(date(2026, 2, 17)) == [sun, moon]  # the lunar year begins
    assert born_on(date(2027, 2, 6)) == [moon]
    assert born_on(date(2026, 2, 16)) == [eve]  # its last month has 29 days that year
    assert born_on(date(2026, 2, 28)) == [leap]
    assert born_on(date(2028, 2, 29)) == [leap]
    assert (lunar_day(date(1800, 1, 1)), lunar_day(date(2200, 1, 1))) == (None, None)


def test_members_are_congratulated_from_the_first_year_on(premises: Premises, audience: SqlAudience) -> None:
    premises.says("wang", "hi")
    wang = premises.customer("wang")
    premises.house.do(
        "system", DescribeCustomer(customer=wang, member_since=date(2025, 3, 2), source=Slug("x"))
    )
    premises.house.catch_up()
    sizes = [
        audience.size(Whom(occasion=MEMBER_ANNIVERSARY, day=date(year, 3, 2))) for year in (2025, 2026, 2027)
    ]
    assert sizes == [0, 1, 1]


# --- campaigns ---------------------------------------------------------------------------------------------------------


def launches(premises: Premises) -> None:
    """Let the example of a campaign be launched, and its run begin."""
    premises.house.do("system", commands.DRAFT_CAMPAIGN)
    premises.house.do("system", replace(commands.LAUNCH_CAMPAIGN, alone=True))
    premises.house.do("scheduler", commands.START_RUN)
    premises.house.catch_up()


def of_campaign(premises: Premises, who: str = "wang", **others: Any) -> PlanDelivery:  # noqa: ANN401  # fields of PlanDelivery
    """Return one of its messages to somebody."""
    plan = premises.plan(who, kind=DeliveryClass.MARKETING)
    return replace(plan, campaign=SUMMER, run=JUNE, variant=Slug("a"), **others)


def test_a_campaign_is_under_way_from_its_launch_until_it_is_over(
    premises: Premises, agenda: SqlAgenda
) -> None:
    launches(premises)
    begun = UnderWay(SUMMER, commands.START_RUN.at, (JUNE,), open=False)
    assert agenda.campaigns() == [begun]
    plan = of_campaign(premises)
    plans(premises, plan)
    assert agenda.campaigns() == [replace(begun, open=True)]
    premises.house.do("scheduler", FinishRun(run=JUNE))
    premises.house.do("system", CancelDelivery(delivery=plan.delivery, reason=Slug("x"), rule=Slug("y")))
    premises.house.catch_up()
    assert agenda.campaigns() == [replace(begun, runs=())]
    premises.house.do("system", commands.PAUSE_CAMPAIGN)
    premises.house.catch_up()
    assert agenda.campaigns() == []
    premises.house.do("system", commands.RESUME_CAMPAIGN)
    premises.house.catch_up()
    assert len(agenda.campaigns()) == 1
    premises.house.do("system", commands.FINISH_CAMPAIGN)
    premises.house.catch_up()
    assert agenda.campaigns() == []


def test_what_is_paused_is_not_looked_at_again_and_again_and_holds_nobody_up(
    premises: Premises, agenda: SqlAgenda
) -> None:
    launches(premises)
    ours, service = of_campaign(premises), premises.plan("wang")
    other = premises.plan("wang", kind=DeliveryClass.MARKETING)
    plans(premises, ours, service, other)

    def due() -> list[DeliveryId]:
        premises.house.catch_up()
        return [found.delivery for found in agenda.due(premises.now, 10, HERE)]

    assert set(due()) == {ours.delivery, service.delivery, other.delivery}
    premises.house.do("system", commands.PAUSE_CAMPAIGN)
    assert due() == [service.delivery, other.delivery]
    assert agenda.next_moment(premises.now) == min(p.expires_at for p in (ours, service, other))
    premises.house.do("system", PauseMarketing())
    assert due() == [service.delivery]
    premises.house.do("system", commands.RESUME_CAMPAIGN)
    assert due() == [service.delivery]
    premises.house.do("system", ResumeMarketing())
    assert set(due()) == {ours.delivery, service.delivery, other.delivery}
    premises.house.do("system", commands.PAUSE_CAMPAIGN)
    premises.house.catch_up()
    late = agenda.due(ours.expires_at, 10, HERE)  # the gate records that it expired
    assert ours.delivery in [found.delivery for found in late]


def test_the_figures_of_a_run_count_what_became_of_its_deliveries(anywhere: Premises) -> None:
    premises = anywhere
    people = ("wang", "li", "zhao", "chen", "sun", "qian")
    for who in people:
        premises.says(who, "hi")
    launches(premises)
    planned = [of_campaign(premises, who) for who in people]
    plans(premises, *planned)
    canaries = SqlCanaries(premises.house.views)
    assert canaries.figures(JUNE) == CanaryFigures(planned=6, open=6)
    for plan in planned[:4]:
        starts(premises, plan)
    sent_at = premises.now
    sent, ended, failed, lost, left_out, _ = planned
    premises.house.do(
        "scheduler",
        AcceptDelivery(delivery=sent.delivery, attempt=1),
        AcceptDelivery(delivery=ended.delivery, attempt=1),
        RejectDelivery(delivery=failed.delivery, attempt=1, reason=Slug("bad-request")),
        LoseTrackOfDelivery(delivery=lost.delivery, attempt=1, reason=Slug("timed-out")),
        CancelDelivery(delivery=left_out.delivery, reason=Slug("x"), rule=Slug("y")),
    )
    premises.says("li", "退订")
    premises.house.catch_up()
    assert canaries.figures(JUNE) == CanaryFigures(
        planned=6, open=1, sent=2, failed=1, unknown=1, opted_out=1, last_sent=sent_at
    )
    assert canaries.figures(RunId("nobody's")) == CanaryFigures()


def test_the_figures_are_counted_by_the_store_among_the_deliveries_of_the_run(premises: Premises) -> None:
    asked: list[str] = []
    with premises.house.views.read() as connection:
        driver = cast("sqlite3.Connection", connection.connection.driver_connection)
        driver.set_trace_callback(asked.append)
    SqlCanaries(premises.house.views).figures(JUNE)
    driver.set_trace_callback(None)
    (question,) = [one for one in asked if "deliveries" in one]
    plans = [row[-1] for row in driver.execute(f"EXPLAIN QUERY PLAN {question}").fetchall()]
    assert [plan for plan in plans if plan.startswith(("SEARCH", "SCAN"))] == [
        "SEARCH deliveries USING INDEX ix_deliveries_run (run=?)",
        "SEARCH deliveries USING INDEX ix_deliveries_run (run=?)",
        "SEARCH customer_consents USING INDEX ix_customer_consents_customer (customer=?)",
    ]
    assert len(driver.execute(question).fetchall()) == 1


def about(audience: SqlAudience, whom: ContactId | GroupId) -> Known:
    return audience.about([whom])[whom]


def test_what_a_template_may_say_is_what_we_call_them_or_else_what_they_call_themselves(
    premises: Premises, audience: SqlAudience
) -> None:
    premises.says("wang", "hi")
    premises.house.catch_up()
    known = Known(
        {"brand": "Tea House", "name": "Wang", "username": "wang_x", "number": "#1"}, last_heard=premises.now
    )
    assert about(audience, premises.contact("wang")) == known
    premises.house.do("system", NameCustomer(customer=premises.customer("wang"), remark=Personal("王阿姨")))
    premises.house.catch_up()
    assert about(audience, premises.contact("wang")) == replace(
        known, variables={**known.variables, "name": "王阿姨"}
    )


def test_who_has_no_name_leaves_the_variable_empty_and_never_their_number_until_they_say_one(
    premises: Premises, audience: SqlAudience
) -> None:
    def greeted() -> str:
        premises.house.catch_up()
        known = about(audience, premises.contact(""))
        return render("Dear {{ name }}", known.variables)

    premises.says("", "hi")
    with pytest.raises(CannotRender) as missing:
        greeted()
    assert missing.value.reason == MISSING
    premises.says("", "我叫王芳")
    assert greeted() == "Dear 王芳"


def test_of_a_group_and_of_a_stranger_only_the_brand_is_known(
    premises: Premises, audience: SqlAudience
) -> None:
    premises.says("wang", "hi", group="tea")
    premises.house.catch_up()
    brand = Known({"brand": "Tea House"})
    assert about(audience, premises.group("tea")) == brand
    assert about(audience, ContactId("nobody")) == brand


def test_what_a_process_could_not_digest_is_kept_beside_the_log_without_what_it_said(
    premises: Premises, agenda: SqlAgenda, audience: SqlAudience
) -> None:
    canaries = SqlCanaries(premises.house.views)
    reading = Reading(agenda, audience, Letters(premises.house.log), canaries, premises.house.log)
    first = premises.everything()[0]
    reading.park("auto-reply", first, ValueError("about Wang, who said hi"))
    reading.park("auto-reply", first, ValueError("again"))
    assert parked_by(premises.house.log, "auto-reply") == [(first.position, "ValueError")]
    assert parked_by(premises.house.log, "welcome") == []


def test_what_a_process_could_not_digest_is_answered_when_it_is_replayed(
    premises: Premises, agenda: SqlAgenda, audience: SqlAudience
) -> None:
    house = premises.house
    premises.says("wang", "帮助")
    reading = Reading(agenda, audience, Letters(house.log), SqlCanaries(house.views), house.log)
    asked = next(r for r in premises.everything() if isinstance(r.event, MessageReceived))
    reading.park("auto-reply", asked, KeyError("a bug of yesterday"))
    rule = AddRule(rule=RuleId("r"), match=Match.ANY, pattern=Personal(""), answer=Personal("在的"))
    house.do("system", rule)
    assert replayed(house) == ["1 applied, 0 still parked"]
    answers = [r.event for r in premises.everything() if isinstance(r.event, DeliveryPlanned)]
    assert [event.text for event in answers if event.occasion == "auto-reply"] == [Personal("在的")]
    assert parked_by(house.log, "auto-reply") == []


def test_what_still_cannot_be_digested_stays_parked(
    premises: Premises, agenda: SqlAgenda, audience: SqlAudience
) -> None:
    house = premises.house
    keep_parked(house.log, "auto-reply", [(10_000, "UnknownEvent")])
    assert replayed(house) == ["0 applied, 1 still parked", Exit(1)]
    assert parked_by(house.log, "auto-reply") == [(10_000, "UnknownEvent")]
