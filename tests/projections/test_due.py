"""What the scheduler is told to look at."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from domain.broadcasts.commands import CancelBroadcast, ConfirmBroadcast, DraftBroadcast, FinishFanOut
from domain.broadcasts.events import AudienceKind
from domain.deliveries.commands import AcceptDelivery, LoseTrackOfDelivery, ReturnDelivery
from domain.deliveries.delivery import Phase
from domain.deliveries.events import DeliveryClass
from domain.identity import (
    MARKETING_TOPIC,
    BroadcastId,
    DeliveryId,
    ScheduleId,
    Slug,
    SubjectId,
    ZoneName,
)
from domain.message import Personal, Rival
from domain.schedules.commands import CreateSchedule, EndSchedule, FireSchedule
from projections.due import (
    ActiveSchedule,
    DueDelivery,
    active_schedules,
    due_broadcasts,
    due_deliveries,
    expired_leases,
    next_moment,
    overdue,
    resendable,
    rivals,
    unknown,
)
from projections.engine import Projector
from tests.domain.controls.commands import (
    CANCEL_CAMPAIGN,
    CLAIM_DELIVERY,
    DRAFT_CAMPAIGN,
    LAUNCH_CAMPAIGN,
    PAUSE_CAMPAIGN,
    PAUSE_MARKETING,
    RESUME_CAMPAIGN,
)
from tests.projections.house import BOT, TELEGRAM, House
from tests.projections.reading import catch_up

MINUTE = timedelta(minutes=1)
HERE = [(TELEGRAM, BOT)]


def ids(deliveries: list[DueDelivery]) -> list[DeliveryId]:
    return [delivery.delivery for delivery in deliveries]


def test_replies_come_first_then_service_then_marketing_and_within_a_class_the_longest_due(
    projector: Projector, house: House
) -> None:
    house.says("wang", "hello")
    ago = [house.now - n * MINUTE for n in range(4)]
    sale = house.plans("wang", kind=DeliveryClass.MARKETING, not_before=ago[3])
    later = house.plans("wang", kind=DeliveryClass.SERVICE, not_before=ago[1])
    sooner = house.plans("wang", kind=DeliveryClass.SERVICE, not_before=ago[2])
    same = house.plans("wang", kind=DeliveryClass.SERVICE, not_before=ago[2])
    reply = house.plans("wang", kind=DeliveryClass.REPLY, not_before=ago[0])
    house.plans("wang", not_before=house.now + MINUTE)
    house.plans("wang", not_before=ago[1], expires_at=house.now)
    catch_up(projector)
    with projector.views.read() as connection:
        assert ids(due_deliveries(connection, house.now, 10, HERE)) == [reply, sooner, same, later, sale]
        assert ids(due_deliveries(connection, house.now, 2, HERE)) == [reply, sooner]


def test_a_due_delivery_says_where_it_goes(projector: Projector, house: House) -> None:
    house.says("wang", "hello", group="tea")
    private = house.plans("wang")
    group = house.group("tea")
    grouped = house.plans(
        "wang", contact=None, customer=None, group=group, subject=SubjectId(f"group-{group}")
    )
    catch_up(projector)
    with projector.views.read() as connection:
        first, second = due_deliveries(connection, house.now, 10, HERE)
    assert first == DueDelivery(
        delivery=private,
        kind=DeliveryClass.SERVICE,
        phase=Phase.PLANNED,
        contact=house.contact("wang"),
        customer=house.customer("wang"),
        group=None,
        channel=TELEGRAM,
        account=BOT,
        broadcast=None,
        occasion=Slug("send"),
        not_before=house.now,
        expires_at=house.now + timedelta(days=1),
        attempt=0,
        until=None,
    )
    assert (second.delivery, second.contact, second.group, second.channel) == (grouped, None, group, TELEGRAM)


def test_a_delivery_is_due_no_more_once_it_is_started_and_gone_once_it_has_an_outcome(
    projector: Projector, house: House
) -> None:
    house.says("wang", "hello")
    delivery = house.plans("wang")
    house.claims(delivery)
    catch_up(projector)
    until = house.now + timedelta(seconds=60)
    with projector.views.read() as connection:
        assert due_deliveries(connection, until, 10, HERE) == []
        assert expired_leases(connection, until - MINUTE) == []
        (lost,) = expired_leases(connection, until)
        assert (lost.delivery, lost.phase, lost.attempt, lost.until) == (delivery, Phase.STARTED, 1, until)
    house.do(AcceptDelivery(delivery=delivery, attempt=1))
    catch_up(projector)
    with projector.views.read() as connection:
        assert (expired_leases(connection, until), next_moment(connection)) == ([], None)


def test_what_was_provably_not_sent_is_due_again_at_its_new_time(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    delivery = house.plans("wang")
    house.claims(delivery)
    later = house.now + 5 * MINUTE
    house.do(ReturnDelivery(delivery=delivery, attempt=1, reason=Slug("rate-limited"), not_before=later))
    catch_up(projector)
    with projector.views.read() as connection:
        assert due_deliveries(connection, later - MINUTE, 10, HERE) == []
        assert ids(due_deliveries(connection, later, 10, HERE)) == [delivery]
        assert next_moment(connection) == later


def test_replies_and_service_of_unknown_outcome_are_sent_again_marketing_never(
    projector: Projector, house: House
) -> None:
    house.says("wang", "hello")
    service = house.plans("wang")
    sale = house.plans("wang", kind=DeliveryClass.MARKETING)
    for delivery in (service, sale):
        house.claims(delivery)
        house.do(LoseTrackOfDelivery(delivery=delivery, attempt=1, reason=Slug("timeout")))
    catch_up(projector)
    again = house.now + timedelta(seconds=90)
    with projector.views.read() as connection:
        assert resendable(connection, again - timedelta(seconds=1), 500, HERE) == []
        assert ids(resendable(connection, again, 500, HERE)) == [service]
        assert resendable(connection, house.now + timedelta(days=2), 500, HERE) == []
        assert next_moment(connection) == again
        assert set(ids(unknown(connection))) == {service, sale}


def test_an_unknown_one_that_a_rule_lets_wait_stays_unknown_until_then(
    projector: Projector, house: House
) -> None:
    house.says("wang", "hello")
    delivery = house.plans("wang")
    house.claims(delivery)
    house.do(LoseTrackOfDelivery(delivery=delivery, attempt=1, reason=Slug("timeout")))
    house.now = house.now.replace(hour=15)  # night in Shanghai
    house.do(replace(CLAIM_DELIVERY, delivery=delivery), actor="scheduler")
    catch_up(projector)
    with projector.views.read() as connection:
        morning = next_moment(connection, house.now)
        assert morning is not None
        assert ids(unknown(connection)) == [delivery]
        assert ids(overdue(connection, house.now + timedelta(days=9), 500, HERE)) == []
        assert resendable(connection, morning - timedelta(seconds=1), 500, HERE) == []
        assert ids(resendable(connection, morning, 500, HERE)) == [delivery]


def test_after_three_tries_nothing_is_sent_again(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    delivery = house.plans("wang")
    for attempt in (1, 2, 3):
        house.claims(delivery)
        house.do(LoseTrackOfDelivery(delivery=delivery, attempt=attempt, reason=Slug("timeout")))
        house.now += 5 * MINUTE
    catch_up(projector)
    with projector.views.read() as connection:
        assert resendable(connection, house.now, 500, HERE) == []
        assert [(left.delivery, left.attempt) for left in unknown(connection)] == [(delivery, 3)]


def test_what_was_not_sent_in_time_is_overdue(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    delivery = house.plans("wang", expires_at=house.now + MINUTE)
    catch_up(projector)
    with projector.views.read() as connection:
        assert overdue(connection, house.now, 500, HERE) == []
        assert ids(overdue(connection, house.now + MINUTE, 500, HERE)) == [delivery]
        assert next_moment(connection, after=house.now) == house.now + MINUTE


def test_a_confirmed_broadcast_is_due_until_it_is_fanned_out_or_cancelled(
    projector: Projector, house: House
) -> None:
    at = house.now + MINUTE
    for name in ("draft", "confirmed", "fanned", "cancelled"):
        broadcast = BroadcastId(name)
        text = Personal("sale")
        house.do(DraftBroadcast(broadcast=broadcast, audience=AudienceKind.ALL, text=text, not_before=at))
        if name != "draft":
            house.do(ConfirmBroadcast(broadcast=broadcast))
    house.do(
        FinishFanOut(broadcast=BroadcastId("fanned"), planned=3),
        CancelBroadcast(broadcast=BroadcastId("cancelled")),
    )
    catch_up(projector)
    with projector.views.read() as connection:
        assert due_broadcasts(connection, house.now) == []
        assert due_broadcasts(connection, at) == ["confirmed"]
        assert next_moment(connection) == at


def test_a_schedule_is_active_until_it_ends_and_knows_when_it_fired_last(
    projector: Projector, house: House
) -> None:
    starts_at = house.now
    for name in ("daily", "ended"):
        house.do(
            CreateSchedule(
                schedule=ScheduleId(name),
                recurrence=Slug("daily@10:00"),
                zone=ZoneName("Asia/Shanghai"),
                text=Personal("good morning"),
                starts_at=starts_at,
            )
        )
    for day in (20, 21):
        house.do(FireSchedule(schedule=ScheduleId("daily"), day=date(2026, 11, day), at=house.now))
    house.do(EndSchedule(schedule=ScheduleId("ended")))
    catch_up(projector)
    with projector.views.read() as connection:
        assert active_schedules(connection) == [
            ActiveSchedule(
                ScheduleId("daily"),
                Slug("daily@10:00"),
                ZoneName("Asia/Shanghai"),
                starts_at,
                date(2026, 11, 21),
            )
        ]


def test_the_next_moment_leaves_marketing_out_while_that_is_paused(
    projector: Projector, house: House
) -> None:
    house.says("wang", "hello")
    house.plans("wang", kind=DeliveryClass.MARKETING, not_before=house.now + MINUTE)
    house.plans("wang", not_before=house.now + 2 * MINUTE)
    catch_up(projector)
    with projector.views.read() as connection:
        assert next_moment(connection) == house.now + MINUTE
        assert next_moment(connection, after=house.now + MINUTE) == house.now + 2 * MINUTE
    house.do(PAUSE_MARKETING)
    catch_up(projector)
    with projector.views.read() as connection:
        assert due_deliveries(connection, house.now + MINUTE, 10, HERE) == []
        assert next_moment(connection) == house.now + 2 * MINUTE


# --- priority ------------------------------------------------------------------------------------------------------

SUMMER = DRAFT_CAMPAIGN.campaign
MARKETING: dict[str, Any] = {"kind": DeliveryClass.MARKETING}


def test_marketing_goes_by_priority_but_every_fourth_place_is_for_the_longest_due(
    projector: Projector, house: House
) -> None:
    house.says("wang", "hello")
    old = [house.plans("wang", **MARKETING, priority=1, not_before=house.now - 2 * MINUTE) for _ in range(3)]
    usual = [house.plans("wang", **MARKETING, not_before=house.now - MINUTE) for _ in range(2)]
    high = [house.plans("wang", **MARKETING, priority=9, not_before=house.now) for _ in range(5)]
    catch_up(projector)
    with projector.views.read() as connection:
        found = ids(due_deliveries(connection, house.now, 20, HERE))
        assert found == [*high[:3], old[0], *high[3:], usual[0], old[1], usual[1], old[2]]
        assert ids(due_deliveries(connection, house.now, 2, HERE)) == high[:2]
        assert all(d.kind is DeliveryClass.MARKETING for d in due_deliveries(connection, house.now, 20, HERE))


def test_rivals_are_of_higher_priority_for_the_same_customer_and_still_to_come(
    projector: Projector, house: House
) -> None:
    house.says("wang", "hello")
    house.says("li", "hello")
    mine = house.plans("wang", **MARKETING)
    later = house.now + 90 * MINUTE
    house.plans("wang", **MARKETING, priority=7, topic=Slug("news"), not_before=later)
    house.plans("wang", **MARKETING, priority=9)
    house.plans("wang", **MARKETING, priority=5)
    house.plans("wang", kind=DeliveryClass.SERVICE)
    house.plans("li", **MARKETING, priority=9)
    house.plans("wang", **MARKETING, priority=9, expires_at=house.now)
    sent = house.plans("wang", **MARKETING, priority=9)
    house.claims(sent)
    catch_up(projector)
    with projector.views.read() as connection:
        assert rivals(connection, mine, house.now) == [
            Rival(house.now, TELEGRAM, MARKETING_TOPIC),
            Rival(later, TELEGRAM, Slug("news")),
        ]


def test_what_belongs_to_a_paused_campaign_is_not_looked_at_until_it_is_resumed_or_cancelled(
    projector: Projector, house: House
) -> None:
    house.says("wang", "hello")
    house.do(DRAFT_CAMPAIGN, LAUNCH_CAMPAIGN)
    before = house.plans("wang", **MARKETING, campaign=SUMMER, expires_at=house.now + 10 * MINUTE)
    other = house.plans("wang", **MARKETING, priority=1)
    house.do(PAUSE_CAMPAIGN)
    meanwhile = house.plans("wang", **MARKETING, campaign=SUMMER, priority=9)
    catch_up(projector)
    later = house.now + 20 * MINUTE
    with projector.views.read() as connection:
        assert ids(due_deliveries(connection, house.now, 20, HERE)) == [other]
        assert rivals(connection, other, house.now) == []
        assert ids(overdue(connection, later, 500, HERE)) == [before]  # a pause lets nothing live for ever
        assert next_moment(connection, house.now) == house.now + 10 * MINUTE
    house.do(RESUME_CAMPAIGN)
    catch_up(projector)
    with projector.views.read() as connection:
        assert ids(due_deliveries(connection, house.now, 20, HERE)) == [meanwhile, before, other]
    house.do(PAUSE_CAMPAIGN)
    house.do(CANCEL_CAMPAIGN)
    catch_up(projector)
    with projector.views.read() as connection:
        assert ids(due_deliveries(connection, house.now, 20, HERE)) == [meanwhile, before, other]


def test_marketing_of_unknown_outcome_is_not_sent_again_also_while_its_campaign_is_paused(
    projector: Projector, house: House
) -> None:
    house.says("wang", "hello")
    house.do(DRAFT_CAMPAIGN, LAUNCH_CAMPAIGN)
    sent = house.plans("wang", **MARKETING, campaign=SUMMER)
    house.claims(sent)
    house.do(LoseTrackOfDelivery(delivery=sent, attempt=1, reason=Slug("timed-out")))
    house.do(PAUSE_CAMPAIGN)
    catch_up(projector)
    with projector.views.read() as connection:
        assert resendable(connection, house.now + 60 * MINUTE, 500, HERE) == []
        assert [d.kind for d in unknown(connection)] == [DeliveryClass.MARKETING]
