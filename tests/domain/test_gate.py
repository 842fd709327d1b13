"""The gate: every message passes here on its way out, whoever planned it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.broadcasts.commands import CancelBroadcast
from domain.contacts.commands import BlockContact
from domain.conversations.commands import HandOver, Reachability
from domain.customers.events import SendReserved
from domain.deliveries.commands import (
    AcceptDelivery,
    LoseTrackOfDelivery,
    PlanDelivery,
)
from domain.deliveries.delivery import Phase, deliveries
from domain.deliveries.events import (
    DeliveryAccepted,
    DeliveryClass,
    DeliveryExpired,
    DeliveryPostponed,
    DeliveryRejected,
    DeliveryStarted,
    DeliverySuppressed,
)
from domain.errors import UnknownRecipient
from domain.groups.events import GroupSendReserved
from domain.identity import DeliveryId, Slug
from domain.installation.commands import MarkHistoryImported, PauseMarketing, ResumeMarketing, ResumeSending
from domain.message import Personal, ReplyWindow
from tests.domain.controls import commands
from tests.domain.controls.ids import NOON, SPRING
from tests.domain.outbound import (
    DAY,
    HOUR,
    LEASE,
    OFFER,
    REMINDER,
    SECOND,
    claim,
    notice,
    offer,
    reminder,
    reserved,
    started,
    stop,
)
from tests.domain.shop import TEA_FANS, Shop, came, said


@pytest.fixture
def shop() -> Shop:
    return Shop().given(said("你好"), said("大家好", chat=TEA_FANS))


def test_marketing_that_may_go_spends_the_cap_and_starts_in_one_append(shop: Shop) -> None:
    plan = offer(shop)
    shop.given(plan).when(claim(shop)).then(reserved(shop), started(shop, plan))


@pytest.mark.parametrize("kind", [DeliveryClass.SERVICE, DeliveryClass.REPLY])
def test_reply_and_service_spend_no_cap(shop: Shop, kind: DeliveryClass) -> None:
    plan = offer(shop, kind=kind)
    shop.given(plan).when(claim(shop)).then(started(shop, plan))


def test_the_text_as_it_goes_out_is_kept_where_it_is_another(shop: Shop) -> None:
    plan = offer(shop)
    rendered = replace(claim(shop), rendered=Personal("王芳，春茶上新"))
    shop.given(plan).when(rendered).then(
        reserved(shop), replace(started(shop, plan), rendered=Personal("王芳，春茶上新"))
    )


def test_marketing_to_a_group_spends_the_cap_of_the_group(shop: Shop) -> None:
    plan = notice(shop)
    shop.given(plan).when(claim(shop)).then(
        GroupSendReserved(group=shop.group(), delivery=OFFER, at=NOON), started(shop, plan)
    )


def test_what_was_never_planned_cannot_be_claimed(shop: Shop) -> None:
    shop.when(claim(shop)).then_failed("no such delivery", UnknownRecipient)


def test_of_two_workers_in_one_batch_one_starts(shop: Shop) -> None:
    shop.given(offer(shop))
    shop.batch(claim(shop), replace(claim(shop), worker=Slug("worker-2")), claim(shop))
    assert [event.worker for event in shop.all_of(DeliveryStarted)] == [Slug("worker-1")]


def test_before_its_time_nothing_happens(shop: Shop) -> None:
    shop.given(replace(offer(shop), not_before=NOON + SECOND)).when(claim(shop)).then()


def test_what_is_too_old_has_expired(shop: Shop) -> None:
    shop.given(offer(shop))
    shop.now += DAY
    shop.when(claim(shop)).then(DeliveryExpired(delivery=OFFER))
    shop.when(claim(shop)).then()


def test_whoever_opted_out_gets_no_marketing_but_what_they_asked_for(shop: Shop) -> None:
    plan = reminder(shop)
    shop.given(offer(shop), plan, stop(shop))
    shop.when(claim(shop)).then(
        DeliverySuppressed(delivery=OFFER, reason=Slug("opted-out"), rule=Slug("consent"))
    )
    shop.when(claim(shop, REMINDER)).then(started(shop, plan))


def test_whoever_never_agreed_gets_no_marketing() -> None:
    shop = Shop(implied_consent=False).given(said("hello"))
    shop.given(offer(shop)).when(claim(shop)).then(
        DeliverySuppressed(delivery=OFFER, reason=Slug("no-consent"), rule=Slug("consent"))
    )


def test_whoever_blocked_us_gets_nothing(shop: Shop) -> None:
    shop.given(reminder(shop), came(Reachability(reachable=False)))
    shop.when(claim(shop, REMINDER)).then(
        DeliverySuppressed(delivery=REMINDER, reason=Slug("blocked"), rule=Slug("reachability"))
    )


def test_whoever_only_spoke_in_a_group_cannot_be_written_to() -> None:
    shop = Shop().given(said("大家好", chat=TEA_FANS))
    shop.given(reminder(shop)).when(claim(shop, REMINDER)).then(
        DeliverySuppressed(delivery=REMINDER, reason=Slug("never-wrote"), rule=Slug("reachability"))
    )


def test_a_group_the_bot_left_gets_nothing(shop: Shop) -> None:
    shop.given(notice(shop), replace(commands.LEAVE_GROUP, group=shop.group()))
    shop.when(claim(shop)).then(
        DeliverySuppressed(delivery=OFFER, reason=Slug("bot-left"), rule=Slug("reachability"))
    )


def test_a_cancelled_broadcast_sends_only_what_had_started(shop: Shop) -> None:
    first, second = (
        replace(plan, broadcast=SPRING, text=None)
        for plan in (offer(shop), offer(shop, DeliveryId("second")))
    )
    shop.given(commands.DRAFT_BROADCAST, commands.CONFIRM_BROADCAST, first, second, claim(shop))
    shop.given(CancelBroadcast(broadcast=SPRING))
    shop.when(claim(shop, second.delivery)).then(
        DeliverySuppressed(delivery=second.delivery, reason=Slug("cancelled"), rule=Slug("broadcast"))
    )
    assert shop.state(deliveries, OFFER).phase is Phase.STARTED


def test_what_cannot_be_rendered_is_left_out(shop: Shop) -> None:
    shop.given(offer(shop)).when(replace(claim(shop), defect=Slug("missing_variable"))).then(
        DeliverySuppressed(delivery=OFFER, reason=Slug("missing_variable"), rule=Slug("template"))
    )


def test_the_dormant_and_the_closed_window_are_left_out(shop: Shop) -> None:
    shop.given(offer(shop), reminder(shop))
    shop.when(replace(claim(shop), last_heard=NOON - 200 * DAY)).then(
        DeliverySuppressed(delivery=OFFER, reason=Slug("dormant"), rule=Slug("recency"))
    )
    used_up = (ReplyWindow(0, NOON, NOON + DAY),)
    shop.when(replace(claim(shop, REMINDER), opened=used_up)).then(
        DeliverySuppressed(delivery=REMINDER, reason=Slug("window-closed"), rule=Slug("reply-window"))
    )


def test_in_quiet_hours_it_waits_for_the_morning(shop: Shop) -> None:
    shop.given(replace(offer(shop), expires_at=NOON + 2 * DAY))
    shop.now = NOON + 10 * HOUR
    morning = NOON + 20.5 * HOUR
    shop.when(claim(shop)).then(
        DeliveryPostponed(
            delivery=OFFER, not_before=morning, reason=Slug("quiet-hours"), rule=Slug("quiet-hours")
        )
    )
    shop.when(claim(shop)).then()
    shop.now = morning
    shop.when(claim(shop)).then_kinds(SendReserved, DeliveryStarted)


def test_what_would_wait_beyond_its_time_has_expired(shop: Shop) -> None:
    shop.given(replace(offer(shop), expires_at=NOON + 12 * HOUR))
    shop.now = NOON + 10 * HOUR
    shop.when(claim(shop)).then(DeliveryExpired(delivery=OFFER))


def test_the_cap_lets_one_wait_and_leaves_it_out_where_it_cannot(shop: Shop) -> None:
    patient = replace(offer(shop, DeliveryId("patient")), expires_at=NOON + 2 * DAY)
    hasty = replace(offer(shop, DeliveryId("hasty")), expires_at=NOON + 2 * HOUR)
    shop.given(offer(shop), patient, hasty, claim(shop))
    rule = Slug("cap-1-a-day-2-a-week")
    shop.when(claim(shop, patient.delivery)).then(
        DeliveryPostponed(
            delivery=patient.delivery,
            not_before=NOON + 12 * HOUR,
            reason=Slug("frequency-cap"),
            rule=rule,
        )
    )
    shop.when(claim(shop, hasty.delivery)).then(
        DeliverySuppressed(delivery=hasty.delivery, reason=Slug("frequency-cap"), rule=rule)
    )


def test_five_campaigns_at_once_spend_the_cap_of_one_day_once(shop: Shop) -> None:
    plans = [offer(shop, DeliveryId(f"offer-{number}")) for number in range(5)]
    shop.given(*plans)
    shop.batch(*[claim(shop, plan.delivery) for plan in plans])
    assert len(shop.all_of(DeliveryStarted)) == len(shop.all_of(SendReserved)) == 1
    assert len(shop.all_of(DeliveryPostponed)) == 4


def test_while_a_person_is_talking_marketing_waits_and_the_bot_is_silent(shop: Shop) -> None:
    until = NOON + HOUR / 2
    answer = offer(shop, DeliveryId("answer"), DeliveryClass.REPLY)
    shop.given(offer(shop), answer, HandOver(contact=shop.contact(), operator=None, until=until))
    shop.when(claim(shop)).then(
        DeliveryPostponed(
            delivery=OFFER, not_before=until, reason=Slug("human-talking"), rule=Slug("handover")
        )
    )
    shop.when(claim(shop, answer.delivery)).then(
        DeliverySuppressed(delivery=answer.delivery, reason=Slug("human-talking"), rule=Slug("handover"))
    )


def test_paused_marketing_waits_without_a_trace_and_service_goes(shop: Shop) -> None:
    plan = reminder(shop)
    shop.given(offer(shop), plan, PauseMarketing())
    shop.when(claim(shop)).then()
    shop.when(claim(shop, REMINDER)).then(started(shop, plan))
    shop.given(ResumeMarketing()).when(claim(shop)).then_kinds(SendReserved, DeliveryStarted)


def test_after_an_import_nothing_at_all_is_sent_until_somebody_says_so(shop: Shop) -> None:
    shop.given(offer(shop), reminder(shop), MarkHistoryImported(events=3))
    shop.when(claim(shop)).then()
    shop.when(claim(shop, REMINDER)).then()
    shop.given(ResumeSending()).when(claim(shop)).then_kinds(SendReserved, DeliveryStarted)


def unknown_reminder(shop: Shop, attempt: int = 1) -> PlanDelivery:
    plan = reminder(shop)
    lost = LoseTrackOfDelivery(delivery=REMINDER, attempt=attempt, reason=Slug("timed-out"))
    shop.given(plan, claim(shop, REMINDER), lost)
    return plan


def test_an_unknown_service_message_is_sent_again_when_its_lease_is_long_over(shop: Shop) -> None:
    plan = unknown_reminder(shop)
    shop.now += LEASE + 29 * SECOND
    shop.when(claim(shop, REMINDER)).then()
    shop.now += SECOND
    shop.when(claim(shop, REMINDER)).then(started(shop, plan, attempt=2))


def test_an_unknown_one_that_may_not_go_again_is_rejected_since_it_may_have_arrived(shop: Shop) -> None:
    unknown_reminder(shop)
    shop.given(BlockContact(contact=shop.contact(), reason=Slug("blocked")))
    shop.now += HOUR
    shop.when(claim(shop, REMINDER)).then(
        DeliveryRejected(delivery=REMINDER, reason=Slug("blocked"), rule=Slug("reachability"))
    )


@pytest.mark.parametrize("lives", [11 * HOUR, DAY], ids=["expiring-in-the-night", "alive-in-the-morning"])
def test_an_unknown_one_stays_unknown_through_the_night(shop: Shop, lives: timedelta) -> None:
    lost = LoseTrackOfDelivery(delivery=REMINDER, attempt=1, reason=Slug("timed-out"))
    shop.given(replace(reminder(shop), expires_at=NOON + lives), claim(shop, REMINDER), lost)
    shop.now = NOON + 10 * HOUR
    shop.when(claim(shop, REMINDER)).then_kinds(DeliveryPostponed)
    assert shop.state(deliveries, REMINDER).phase is Phase.UNKNOWN
    shop.when(claim(shop, REMINDER)).then()
    shop.now = NOON + 20.5 * HOUR
    shop.when(claim(shop, REMINDER)).then_kinds(*[DeliveryStarted] * (lives == DAY))


def test_an_unknown_one_past_its_time_is_left_to_people(shop: Shop) -> None:
    unknown_reminder(shop)
    shop.now += DAY
    shop.when(claim(shop, REMINDER)).then()
    shop.when(AcceptDelivery(delivery=REMINDER, attempt=1)).then_kinds(DeliveryAccepted)
