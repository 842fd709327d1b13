"""What is spent at the gate before a send, and what is given back where nothing was sent."""

from dataclasses import replace

import pytest

from domain.customers.events import Reservation, ReservationReleased, SendReserved
from domain.deliveries.commands import (
    LoseTrackOfDelivery,
    RejectDelivery,
    ResolveDelivery,
    ReturnDelivery,
)
from domain.deliveries.events import (
    DeliveryExpired,
    DeliveryPostponed,
    DeliveryRejected,
    DeliveryStarted,
    DeliverySuppressed,
)
from domain.groups.events import GroupLeft, GroupReservationReleased, GroupSendReserved
from domain.groups.group import groups
from domain.identity import DeliveryId, Slug
from tests.domain.controls.ids import NOON, TELEGRAM
from tests.domain.outbound import (
    DAY,
    HOUR,
    OFFER,
    REMINDER,
    claim,
    notice,
    offer,
    reminder,
    stop,
)
from tests.domain.shop import TEA_FANS, Shop, said


@pytest.fixture
def shop() -> Shop:
    return Shop().given(said("你好"), said("大家好", chat=TEA_FANS))


def test_a_new_attempt_does_not_spend_the_cap_again(shop: Shop) -> None:
    back = ReturnDelivery(delivery=OFFER, attempt=1, reason=Slug("refused"), not_before=NOON)
    shop.given(offer(shop), claim(shop), back)
    assert shop.customer_state().reservations == (Reservation(OFFER, NOON, channel=TELEGRAM),)
    shop.when(claim(shop)).then_kinds(SendReserved, DeliveryStarted)
    assert shop.customer_state().reservations == (Reservation(OFFER, NOON, channel=TELEGRAM),)


def test_a_new_attempt_in_a_group_does_not_spend_its_cap_again(shop: Shop) -> None:
    back = ReturnDelivery(delivery=OFFER, attempt=1, reason=Slug("refused"), not_before=NOON)
    shop.given(notice(shop), claim(shop), back)
    shop.when(claim(shop)).then_kinds(GroupSendReserved, DeliveryStarted)
    assert shop.state(groups, shop.group()).reservations == ((OFFER, NOON),)


def test_the_cap_of_a_group_lets_a_second_message_wait(shop: Shop) -> None:
    second = replace(notice(shop, DeliveryId("second")), expires_at=NOON + 2 * DAY)
    shop.given(notice(shop), second, claim(shop))
    shop.when(claim(shop, second.delivery)).then(
        DeliveryPostponed(
            delivery=second.delivery,
            not_before=NOON + 12 * HOUR,
            reason=Slug("frequency-cap"),
            rule=Slug("cap-1-a-day-3-a-week"),
        )
    )


def test_what_was_provably_never_sent_gives_the_cap_back(shop: Shop) -> None:
    shop.given(offer(shop), claim(shop))
    rejected = RejectDelivery(delivery=OFFER, attempt=1, reason=Slug("too-long"))
    shop.when(rejected).then(
        DeliveryRejected(delivery=OFFER, reason=Slug("too-long")),
        ReservationReleased(customer=shop.customer(), delivery=OFFER),
    )


def test_what_came_back_and_then_may_not_go_gives_the_cap_back(shop: Shop) -> None:
    back = ReturnDelivery(delivery=OFFER, attempt=1, reason=Slug("refused"), not_before=NOON)
    shop.given(offer(shop), claim(shop), back, stop(shop))
    shop.when(claim(shop)).then_kinds(DeliverySuppressed, ReservationReleased)


def test_what_came_back_and_expired_gives_the_cap_back(shop: Shop) -> None:
    back = ReturnDelivery(delivery=OFFER, attempt=1, reason=Slug("refused"), not_before=NOON)
    shop.given(offer(shop), claim(shop), back)
    shop.now += DAY
    shop.when(claim(shop)).then_kinds(DeliveryExpired, ReservationReleased)


def test_what_may_have_arrived_keeps_the_cap_spent_until_somebody_knows(shop: Shop) -> None:
    lost = LoseTrackOfDelivery(delivery=OFFER, attempt=1, reason=Slug("timed-out"))
    shop.given(offer(shop), claim(shop), lost)
    assert shop.customer_state().reservations == (Reservation(OFFER, NOON, channel=TELEGRAM),)
    shop.when(ResolveDelivery(delivery=OFFER, sent=False)).then_kinds(DeliveryRejected, ReservationReleased)


def test_a_service_message_that_failed_has_no_cap_to_give_back(shop: Shop) -> None:
    shop.given(reminder(shop), claim(shop, REMINDER))
    rejected = RejectDelivery(delivery=REMINDER, attempt=1, reason=Slug("too-long"))
    shop.when(rejected).then_kinds(DeliveryRejected)


def test_a_group_that_is_gone_is_left_and_gives_its_cap_back(shop: Shop) -> None:
    shop.given(notice(shop), claim(shop))
    gone = RejectDelivery(delivery=OFFER, attempt=1, reason=Slug("kicked"), unreachable=True)
    shop.when(gone).then(
        DeliveryRejected(delivery=OFFER, reason=Slug("kicked"), unreachable=True),
        GroupReservationReleased(group=shop.group(), delivery=OFFER),
        GroupLeft(group=shop.group(), reason=Slug("kicked")),
    )
    assert shop.state(groups, shop.group()).reservations == ()
