"""D18: what was open and due when a backup is restored may have been sent since, so it is not sent again."""

from dataclasses import replace

import pytest

from domain.customers.events import SendReserved
from domain.deliveries.commands import AcceptDelivery, LoseTrackOfDelivery, ResolveDelivery
from domain.deliveries.delivery import Phase, deliveries
from domain.deliveries.events import RESTORED, DeliveryAccepted, DeliveryStarted, DeliveryUnknown
from domain.groups.events import GroupSendReserved
from domain.identity import DeliveryId, Slug
from domain.installation.commands import MarkRestored, ResumeSending
from domain.restoring import DoubtDelivery
from tests.domain.outbound import DAY, HOUR, OFFER, REMINDER, claim, notice, offer, reminder, reserved
from tests.domain.shop import TEA_FANS, Shop, said


@pytest.fixture
def shop() -> Shop:
    return Shop().given(said("你好"))


def doubted(delivery: DeliveryId = OFFER) -> DeliveryUnknown:
    return DeliveryUnknown(delivery=delivery, reason=RESTORED)


def test_marketing_that_was_due_is_unknown_and_has_spent_the_cap(shop: Shop) -> None:
    shop.given(offer(shop))
    shop.when(DoubtDelivery(delivery=OFFER)).then(reserved(shop), doubted())


def test_a_message_to_a_group_spends_the_groups_cap(shop: Shop) -> None:
    shop.given(said("大家好", chat=TEA_FANS))
    shop.given(notice(shop))
    shop.when(DoubtDelivery(delivery=OFFER)).then_kinds(GroupSendReserved, DeliveryUnknown)


def test_a_service_message_that_was_due_is_unknown_and_not_sent_again_however_long_one_waits(
    shop: Shop,
) -> None:
    shop.given(reminder(shop))
    shop.when(DoubtDelivery(delivery=REMINDER)).then(doubted(REMINDER))
    for _ in range(3):
        shop.now += HOUR
        shop.when(claim(shop, REMINDER)).then()


@pytest.mark.parametrize("lost", [False, True], ids=["started", "unknown"])
def test_a_service_message_that_was_begun_is_not_sent_again_either(shop: Shop, lost: bool) -> None:
    shop.given(reminder(shop), claim(shop, REMINDER))
    if lost:
        shop.given(LoseTrackOfDelivery(delivery=REMINDER, attempt=1, reason=Slug("timed-out")))
    shop.when(DoubtDelivery(delivery=REMINDER)).then(doubted(REMINDER))
    shop.now += HOUR
    shop.when(claim(shop, REMINDER)).then()


def test_what_is_not_due_yet_cannot_have_been_sent_and_goes_at_its_time(shop: Shop) -> None:
    later = replace(offer(shop), not_before=shop.now + HOUR, expires_at=shop.now + DAY)
    shop.given(later)
    shop.when(DoubtDelivery(delivery=OFFER)).then()
    shop.now += HOUR
    shop.when(claim(shop)).then_kinds(SendReserved, DeliveryStarted)


def test_what_has_ended_is_not_in_doubt_and_a_doubt_is_cast_once(shop: Shop) -> None:
    shop.given(offer(shop), claim(shop), AcceptDelivery(delivery=OFFER, attempt=1))
    shop.when(DoubtDelivery(delivery=OFFER)).then()
    shop.given(reminder(shop), DoubtDelivery(delivery=REMINDER))
    shop.when(DoubtDelivery(delivery=REMINDER)).then()


def test_people_may_still_say_what_became_of_it(shop: Shop) -> None:
    shop.given(reminder(shop), DoubtDelivery(delivery=REMINDER))
    assert shop.state(deliveries, REMINDER).phase is Phase.UNKNOWN
    shop.when(ResolveDelivery(delivery=REMINDER, sent=True)).then_kinds(DeliveryAccepted)


def test_after_a_restore_nothing_at_all_is_sent_until_somebody_says_so(shop: Shop) -> None:
    later = replace(reminder(shop), not_before=shop.now + HOUR)
    shop.given(MarkRestored(head=3, taken_at=shop.now), later)
    shop.now += HOUR
    shop.when(claim(shop, REMINDER)).then()
    shop.given(ResumeSending()).when(claim(shop, REMINDER)).then_kinds(DeliveryStarted)
