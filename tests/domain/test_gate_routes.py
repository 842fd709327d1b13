"""Routes at the gate: the first that is open is taken, and what it spends is spent in the claim's append."""

from dataclasses import replace

import pytest

from domain.conversations.events import ReplyGivenBack, ReplySpent
from domain.customers.events import ReservationReleased
from domain.deliveries.commands import LoseTrackOfDelivery, PlanDelivery, RejectDelivery
from domain.deliveries.events import DeliveryClass, DeliveryRejected, DeliveryStarted, DeliverySuppressed
from domain.gate import ClaimDelivery
from domain.identity import DeliveryId, Slug
from domain.message import Personal, ReplyWindow
from domain.policies.routes import Offer
from tests.domain.controls.ids import NOON
from tests.domain.outbound import DAY, OFFER, claim, offer, stop
from tests.domain.shop import Shop, said

WROTE = ReplyWindow(5, NOON, NOON + 2 * DAY)
SERVICE = Offer(Slug("service"), windowed=True)
MONTH = Slug("mass-2026-03")
MASS = Offer(Slug("mass"), of=MONTH, allowed=4)
TEMPLATE = Offer(Slug("template"), said=Personal("已发货"))


@pytest.fixture
def shop() -> Shop:
    return Shop().given(said("你好"))


def campaign(shop: Shop, name: str = "offer") -> PlanDelivery:
    return offer(shop, DeliveryId(name), DeliveryClass.MARKETING)


def offered(
    shop: Shop, *offers: Offer, name: str = "offer", opened: tuple[ReplyWindow, ...] = (WROTE,)
) -> ClaimDelivery:
    controls = claim(shop).controls
    unlimited = replace(controls, cap=replace(controls.cap, per_day=0, per_week=0))
    return replace(claim(shop, DeliveryId(name)), opened=opened, offers=offers, controls=unlimited)


def replied(shop: Shop, messages: int) -> None:
    """Answers that went out inside the window."""
    for number in range(messages):
        name = f"reply-{number}"
        shop.given(offer(shop, DeliveryId(name), DeliveryClass.REPLY), offered(shop, SERVICE, name=name))


def routes(shop: Shop) -> list[tuple[str, str | None, str | None]]:
    """What started: delivery, route, and which allowance it took from."""
    spent = {event.delivery: event.of for event in shop.all_of(ReplySpent)}
    started = shop.all_of(DeliveryStarted)
    return [(event.delivery, event.route, spent.get(event.delivery, "nothing")) for event in started]


def test_inside_the_window_the_preferred_route_spends_the_window(shop: Shop) -> None:
    shop.given(campaign(shop), offered(shop, SERVICE, MASS))
    assert routes(shop) == [("offer", "service", None)]


def test_where_the_window_has_no_room_for_marketing_the_next_route_is_taken(shop: Shop) -> None:
    replied(shop, 3)
    shop.given(campaign(shop), offered(shop, SERVICE, MASS))
    assert routes(shop)[-1] == ("offer", "mass", MONTH)


def test_who_never_opened_a_window_is_reached_by_another_route(shop: Shop) -> None:
    shop.given(campaign(shop), offered(shop, SERVICE, MASS, opened=()))
    assert routes(shop) == [("offer", "mass", MONTH)]


def test_an_answer_does_not_wait_for_the_view_to_know_of_the_window(shop: Shop) -> None:
    reply = offer(shop, OFFER, DeliveryClass.REPLY)
    shop.given(reply, offered(shop, SERVICE, opened=()))
    assert routes(shop) == [("offer", "service", "nothing")]


def test_the_fifth_mass_message_of_a_month_is_not_sent_whichever_worker_asks(shop: Shop) -> None:
    plans = [campaign(shop, f"m-{number}") for number in range(5)]
    shop.given(*plans)
    shop.batch(*(offered(shop, MASS, name=plan.delivery) for plan in plans))
    assert len(shop.all_of(DeliveryStarted)) == 4
    (left_out,) = shop.all_of(DeliverySuppressed)
    assert (left_out.reason, left_out.rule) == ("no-route", "routes")


def test_who_can_be_reached_by_none_of_several_routes_is_left_out_for_that(shop: Shop) -> None:
    replied(shop, 3)
    used_up = replace(MASS, allowed=0)
    for name, offers in (("offer", (SERVICE, used_up)), ("second", (SERVICE,))):
        shop.given(campaign(shop, name), offered(shop, *offers, name=name))
    left_out = [(event.reason, event.rule) for event in shop.all_of(DeliverySuppressed)]
    assert left_out == [("no-route", "routes"), ("window-closed", "reply-window")]


def test_what_a_template_says_is_what_the_log_says(shop: Shop) -> None:
    shop.given(campaign(shop), replace(offered(shop, TEMPLATE), rendered=Personal("长文")))
    (started,) = shop.all_of(DeliveryStarted)
    assert (started.route, started.rendered) == ("template", Personal("已发货"))
    assert shop.all_of(ReplySpent) == []


def test_an_allowance_is_given_back_where_provably_nothing_was_sent_and_only_there(shop: Shop) -> None:
    shop.given(campaign(shop), offered(shop, MASS))
    refused = RejectDelivery(delivery=OFFER, attempt=1, reason=Slug("media-gone"))
    shop.when(refused).then(
        DeliveryRejected(delivery=OFFER, reason=Slug("media-gone")),
        ReplyGivenBack(contact=shop.contact(), delivery=OFFER),
        ReservationReleased(customer=shop.customer(), delivery=OFFER),
    )
    shop.given(campaign(shop, "second"), offered(shop, MASS, name="second"))
    shop.given(LoseTrackOfDelivery(delivery=DeliveryId("second"), attempt=1, reason=Slug("timed-out")))
    assert len(shop.all_of(ReplyGivenBack)) == 1


def test_no_route_leads_round_a_stop(shop: Shop) -> None:
    shop.given(campaign(shop), stop(shop)).when(offered(shop, SERVICE, MASS, TEMPLATE)).then(
        DeliverySuppressed(delivery=OFFER, reason=Slug("opted-out"), rule=Slug("consent"))
    )
