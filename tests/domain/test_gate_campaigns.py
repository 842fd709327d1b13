"""What a campaign is to the gate: held, cancelled, drawn to get nothing, meant for the silent, one of a run for each person."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.customers.commands import DescribeCustomer, MergeCustomers, WithdrawConsent
from domain.customers.customer import customers
from domain.customers.events import ConsentSource, CustomerDescribed, SendReserved
from domain.deliveries.commands import PlanDelivery, RejectDelivery
from domain.deliveries.events import (
    HOLDOUT,
    DeliveryClass,
    DeliveryExpired,
    DeliveryPostponed,
    DeliveryStarted,
    DeliverySuppressed,
)
from domain.gate import ClaimDelivery, is_held_out
from domain.groups.events import GroupAnswered, GroupSendReserved
from domain.groups.group import groups
from domain.identity import Channel, CustomerId, DeliveryId, Slug, SubjectId, ZoneName, stream
from domain.message import Context, Rival
from domain.policies.frequency_cap import FrequencyCap, Scope, ScopedCap
from domain.ports.event_log import Append, NewEvent, StreamWrite
from tests.domain.controls import commands
from tests.domain.controls.ids import JUNE, NOON, SUMMER
from tests.domain.outbound import DAY, HOUR, OFFER, claim, notice, offer
from tests.domain.shop import LIN, TEA_FANS, WANG, Shop, said

LAUNCHED = (commands.DRAFT_CAMPAIGN, commands.LAUNCH_CAMPAIGN)
SECOND = DeliveryId("second")
NEWS, SALE = Slug("news"), Slug("sale")


@pytest.fixture
def shop() -> Shop:
    return Shop().given(said("你好"), said("你好", LIN), said("大家好", chat=TEA_FANS), *LAUNCHED)


def letter(shop: Shop, delivery: DeliveryId = OFFER) -> PlanDelivery:
    """A message of the campaign's run to Mrs Wang."""
    return replace(offer(shop, delivery), occasion=Slug("campaign"), campaign=SUMMER, run=JUNE)


def obeying(shop: Shop, delivery: DeliveryId = OFFER, **controls: Any) -> ClaimDelivery:  # noqa: ANN401  # fields of Controls
    asked = replace(commands.CONTROLS, **controls)
    return replace(claim(shop, delivery), controls=asked)


def refused(reason: str, rule: str, delivery: DeliveryId = OFFER) -> DeliverySuppressed:
    return DeliverySuppressed(delivery=delivery, reason=Slug(reason), rule=Slug(rule))


def test_a_message_of_a_campaign_that_was_launched_goes_and_says_what_it_spent(shop: Shop) -> None:
    shop.given(replace(letter(shop), topic=NEWS)).when(claim(shop)).then_kinds(SendReserved, DeliveryStarted)
    assert shop.all_of(SendReserved) == [
        SendReserved(
            customer=shop.customer(),
            contact=shop.contact(),
            delivery=OFFER,
            at=NOON,
            channel=Channel("telegram"),
            topic=NEWS,
            campaign=SUMMER,
            run=JUNE,
        )
    ]


def test_while_its_campaign_is_paused_nothing_happens_and_it_goes_when_that_is_resumed(shop: Shop) -> None:
    shop.given(letter(shop), commands.PAUSE_CAMPAIGN).when(claim(shop)).then()
    shop.given(commands.RESUME_CAMPAIGN).when(claim(shop)).then_kinds(SendReserved, DeliveryStarted)


def test_what_a_pause_outlasts_has_expired(shop: Shop) -> None:
    shop.given(letter(shop), commands.PAUSE_CAMPAIGN)
    shop.now += DAY
    shop.when(claim(shop)).then(DeliveryExpired(delivery=OFFER))


def test_a_campaign_that_nobody_launched_sends_nothing() -> None:
    shop = Shop().given(said("你好"), commands.DRAFT_CAMPAIGN)
    shop.given(letter(shop)).when(claim(shop)).then()


def test_of_a_cancelled_campaign_nothing_goes_any_more(shop: Shop) -> None:
    shop.given(letter(shop), commands.CANCEL_CAMPAIGN)
    shop.when(claim(shop)).then(refused("cancelled", "campaign"))


def test_whoever_was_drawn_to_get_nothing_gets_nothing(shop: Shop) -> None:
    shop.given(replace(letter(shop), variant=HOLDOUT)).when(claim(shop)).then(
        refused("holdout", "experiment")
    )


def test_whoever_ended_it_is_no_holdout_but_opted_out(shop: Shop) -> None:
    shop.given(replace(letter(shop), variant=HOLDOUT), said("退订"))
    shop.when(claim(shop)).then(refused("opted-out", "consent"))


def test_whoever_ended_a_topic_gets_nothing_about_it_and_all_the_rest(shop: Shop) -> None:
    ended = WithdrawConsent(contact=shop.contact(), topic=NEWS, source=ConsentSource.BUTTON)
    sale = replace(letter(shop, SECOND), topic=SALE)
    shop.given(ended, replace(letter(shop), topic=NEWS), sale).when(claim(shop)).then(
        refused("opted-out", "consent")
    )
    shop.when(claim(shop, SECOND)).then_kinds(SendReserved, DeliveryStarted)


def test_the_silent_get_what_is_meant_for_them(shop: Shop) -> None:
    silent = replace(claim(shop), last_heard=NOON - timedelta(days=200))
    shop.given(letter(shop), replace(letter(shop, SECOND), reactivation=True))
    shop.when(silent).then(refused("dormant", "recency"))
    shop.when(replace(silent, delivery=SECOND)).then_kinds(SendReserved, DeliveryStarted)


def test_who_turns_out_to_be_one_person_gets_one_message_of_a_run(shop: Shop) -> None:
    other = replace(
        letter(shop, SECOND),
        subject=SubjectId(f"contact-{shop.contact(LIN)}"),
        contact=shop.contact(LIN),
        customer=shop.customer(LIN),
    )
    shop.given(letter(shop), other, claim(shop))
    shop.given(MergeCustomers(customer=shop.customer(), other=shop.customer(LIN)))
    shop.when(claim(shop, SECOND)).then(refused("merged-duplicate", "identity", SECOND))


def test_a_run_is_remembered_for_longer_than_a_cap_since_it_may_go_out_slowly(shop: Shop) -> None:
    shop.given(letter(shop), claim(shop))
    shop.now += timedelta(days=20)
    again = replace(letter(shop, SECOND), not_before=shop.now, expires_at=shop.now + DAY)
    third = replace(offer(shop, DeliveryId("third")), not_before=shop.now)
    shop.given(third).when(claim(shop, third.delivery)).then_kinds(SendReserved, DeliveryStarted)
    shop.given(again).when(claim(shop, SECOND)).then(refused("merged-duplicate", "identity", SECOND))


# --- the global holdout --------------------------------------------------------------------------------------------


def test_a_share_of_all_customers_is_drawn_for_good_and_a_larger_share_takes_nobody_away(shop: Shop) -> None:
    people = [CustomerId(f"c{number}") for number in range(2_000)]
    drawn = {
        percent: {p for p in people if is_held_out(p, percent, shop.digest)} for percent in (0, 5, 20, 100)
    }
    assert (drawn[0], drawn[100]) == (set(), set(people))
    assert drawn[5] < drawn[20]
    assert 60 < len(drawn[5]) < 140


def test_whoever_is_in_the_global_holdout_gets_no_marketing_but_what_they_asked_for(shop: Shop) -> None:
    everybody: dict[str, Any] = {"holdout_percent": 100}
    shop.given(letter(shop), replace(offer(shop, SECOND, DeliveryClass.SERVICE), campaign=None))
    shop.when(obeying(shop, **everybody)).then(refused("global-holdout", "holdout"))
    shop.when(obeying(shop, SECOND, **everybody)).then_kinds(DeliveryStarted)


def test_a_merged_customer_is_drawn_as_the_record_that_stays(shop: Shop) -> None:
    percent = next(
        percent
        for percent in range(1, 100)
        if is_held_out(shop.customer(), percent, shop.digest)
        != is_held_out(shop.customer(LIN), percent, shop.digest)
    )
    inside, outside = sorted(
        (WANG, LIN), key=lambda who: not is_held_out(shop.customer(who), percent, shop.digest)
    )
    other = replace(
        letter(shop),
        subject=SubjectId(f"contact-{shop.contact(inside)}"),
        contact=shop.contact(inside),
        customer=shop.customer(inside),
    )
    shop.given(other, MergeCustomers(customer=shop.customer(outside), other=shop.customer(inside)))
    shop.when(obeying(shop, holdout_percent=percent)).then_kinds(SendReserved, DeliveryStarted)


# --- caps of a topic, who comes first, zones -----------------------------------------------------------------------


def test_the_cap_of_a_topic_is_spent_by_this_topic_and_given_back_with_the_message(shop: Shop) -> None:
    caps: dict[str, Any] = {
        "cap": FrequencyCap(5, 0),
        "caps": (ScopedCap(FrequencyCap(1, 0), Scope.TOPIC, NEWS),),
    }
    first, second, sale = (
        replace(letter(shop, DeliveryId(name)), run=None, topic=topic, expires_at=NOON + HOUR)
        for name, topic in (("first", NEWS), ("second", NEWS), ("sale", SALE))
    )
    shop.given(first, second, sale, obeying(shop, first.delivery, **caps))
    shop.when(obeying(shop, sale.delivery, **caps)).then_kinds(SendReserved, DeliveryStarted)
    shop.given(RejectDelivery(delivery=first.delivery, attempt=1, reason=Slug("too-long")))
    shop.when(obeying(shop, second.delivery, **caps)).then_kinds(SendReserved, DeliveryStarted)
    third = replace(second, delivery=DeliveryId("third"))
    shop.given(third).when(obeying(shop, third.delivery, **caps)).then(
        refused("frequency-cap", "cap-topic-news-1-a-day-0-a-week", third.delivery)
    )


def test_a_more_important_message_that_is_to_come_today_goes_first(shop: Shop) -> None:
    rival = Rival(NOON + HOUR, Channel("telegram"), Slug("marketing"))
    shop.given(letter(shop), replace(letter(shop, SECOND), run=None, expires_at=NOON + HOUR))
    shop.when(replace(claim(shop), rivals=(rival,))).then(
        DeliveryPostponed(
            delivery=OFFER,
            not_before=NOON + HOUR + timedelta(minutes=10),
            reason=Slug("outranked"),
            rule=Slug("priority"),
        )
    )
    late = replace(claim(shop, SECOND), rivals=(rival,))
    shop.when(late).then(refused("outranked", "priority", SECOND))


def test_the_night_is_the_recipients_own(shop: Shop) -> None:
    there = DescribeCustomer(customer=shop.customer(), zone=ZoneName("Europe/Berlin"), source=Slug("import"))
    shop.given(there, letter(shop)).when(claim(shop)).then(  # noon in Shanghai is five in the morning there
        DeliveryPostponed(
            delivery=OFFER,
            not_before=NOON + timedelta(hours=3, minutes=30),
            reason=Slug("quiet-hours"),
            rule=Slug("quiet-hours"),
        )
    )


def test_where_nobody_told_it_is_the_night_where_their_device_is() -> None:
    there = replace(WANG, zone=ZoneName("Europe/Berlin"))
    shop = Shop().given(said("hello", there), *LAUNCHED)
    shop.given(letter(shop)).when(claim(shop)).then_kinds(DeliveryPostponed)
    assert shop.all_of(DeliveryPostponed)[0].reason == "quiet-hours"
    moved = replace(WANG, zone=ZoneName("Asia/Tokyo"))
    shop.given(said("hello again", moved), replace(letter(shop, SECOND), run=None))
    shop.when(claim(shop, SECOND)).then_kinds(SendReserved, DeliveryStarted)
    told = DescribeCustomer(customer=shop.customer(), zone=ZoneName("Europe/Berlin"), source=Slug("import"))
    third = replace(letter(shop, DeliveryId("third")), run=None)
    shop.given(told, third).when(claim(shop, third.delivery)).then_kinds(DeliveryPostponed)
    assert shop.all_of(DeliveryPostponed)[-1].reason == "quiet-hours"  # what a person told comes first


def test_a_zone_that_this_machine_does_not_know_is_the_installations(shop: Shop) -> None:
    told = CustomerDescribed(customer=shop.customer(), zone=ZoneName("Mars/Base"), source=Slug("import"))
    known = stream(customers.category, shop.customer())
    context = Context(actor=Slug("system"), occurred_at=NOON, now=NOON)
    written = StreamWrite(known, len(shop.log.read_stream(known)), (NewEvent(told, context),))
    shop.log.append([Append((written,))])
    assert shop.customer_state().zone == "Mars/Base"
    shop.given(letter(shop)).when(claim(shop)).then_kinds(SendReserved, DeliveryStarted)


# --- groups --------------------------------------------------------------------------------------------------------


def test_a_group_that_heard_too_much_promotion_hears_the_next_one_later(shop: Shop) -> None:
    sharing: dict[str, Any] = {"group_cap": FrequencyCap(0, 0), "group_share_percent": 50}
    first, second = notice(shop), notice(shop, SECOND)
    shop.given(first, second).when(obeying(shop, **sharing)).then_kinds(GroupSendReserved, DeliveryStarted)
    shop.when(obeying(shop, SECOND, **sharing)).then(refused("group-share", "share-50-percent", SECOND))
    answers = [replace(notice(shop, DeliveryId(f"a{n}")), kind=DeliveryClass.REPLY) for n in range(3)]
    for answer in answers:
        shop.given(answer).when(obeying(shop, answer.delivery, **sharing)).then_kinds(
            GroupAnswered, DeliveryStarted
        )
    third = notice(shop, DeliveryId("third"))
    shop.given(third).when(obeying(shop, third.delivery, **sharing)).then_kinds(
        GroupSendReserved, DeliveryStarted
    )
    assert len(shop.state(groups, shop.group()).answers) == 3
    shop.given(RejectDelivery(delivery=answers[0].delivery, attempt=1, reason=Slug("too-long")))
    assert len(shop.state(groups, shop.group()).answers) == 2


def test_without_a_share_nothing_is_noted_of_answers(shop: Shop) -> None:
    answer = replace(notice(shop), kind=DeliveryClass.REPLY)
    shop.given(answer).when(claim(shop)).then_kinds(DeliveryStarted)
