"""The reply window at the gate: spent before the send, on the conversation's own stream, and given back where it was never used."""

from dataclasses import replace

import pytest

from domain.conversations.events import ReplyGivenBack, ReplySpent
from domain.deliveries.commands import (
    AcceptDelivery,
    LoseTrackOfDelivery,
    PlanDelivery,
    RejectDelivery,
    ReturnDelivery,
)
from domain.deliveries.events import (
    ANSWERED_IN_REQUEST,
    WINDOW_USED_UP,
    DeliveryClass,
    DeliveryPostponed,
    DeliveryRejected,
    DeliverySuppressed,
    DeliveryUnknown,
)
from domain.gate import ClaimDelivery
from domain.identity import DeliveryId, OperatorId, Slug
from domain.message import ReplyWindow
from tests.domain.controls.ids import NOON
from tests.domain.outbound import DAY, HOUR, OFFER, SECOND, claim, offer, started
from tests.domain.shop import Shop, said

WROTE = ReplyWindow(5, NOON, NOON + 2 * DAY)
CLOSED = DeliverySuppressed(delivery=OFFER, reason=Slug("window-closed"), rule=Slug("reply-window"))


@pytest.fixture
def shop() -> Shop:
    return Shop().given(said("你好"))


def reply(shop: Shop, name: str = "offer") -> PlanDelivery:
    return offer(shop, DeliveryId(name), DeliveryClass.REPLY)


def within(shop: Shop, name: str = "offer", *opened: ReplyWindow) -> ClaimDelivery:
    return replace(claim(shop, DeliveryId(name)), opened=opened or (WROTE,))


def spent(shop: Shop, name: str = "offer") -> ReplySpent:
    return ReplySpent(contact=shop.contact(), delivery=DeliveryId(name), at=shop.now)


def given_back(shop: Shop) -> ReplyGivenBack:
    return ReplyGivenBack(contact=shop.contact(), delivery=OFFER)


def used(shop: Shop, messages: int) -> None:
    """Replies that went out."""
    for number in range(messages):
        shop.given(reply(shop, f"reply-{number}"), within(shop, f"reply-{number}"))


def test_what_may_go_spends_one_of_the_window_in_the_append_that_starts_it(shop: Shop) -> None:
    plan = reply(shop)
    shop.given(plan).when(within(shop)).then(spent(shop), started(shop, plan))


def test_the_sixth_message_after_theirs_is_refused_though_the_view_still_shows_the_window(shop: Shop) -> None:
    used(shop, 5)
    shop.given(reply(shop)).when(within(shop)).then(CLOSED)


def test_two_workers_cannot_both_take_the_last_one(shop: Shop) -> None:
    used(shop, 4)
    shop.given(reply(shop), reply(shop, "other"))
    shop.batch(within(shop), within(shop, "other"))
    assert len(shop.all_of(ReplySpent)) == 5
    assert len(shop.all_of(DeliverySuppressed)) == 1


def test_they_wrote_again_and_all_five_are_there_again(shop: Shop) -> None:
    used(shop, 5)
    shop.now += HOUR
    plan = reply(shop)
    anew = ReplyWindow(5, shop.now, shop.now + 2 * DAY)
    shop.given(plan).when(within(shop, "offer", anew)).then(spent(shop), started(shop, plan))


@pytest.mark.parametrize("kind", [DeliveryClass.MARKETING, DeliveryClass.SERVICE])
def test_the_last_two_are_for_people(shop: Shop, kind: DeliveryClass) -> None:
    used(shop, 3)
    shop.given(offer(shop, kind=kind)).when(within(shop)).then(CLOSED)


def test_an_operators_message_takes_the_last_one(shop: Shop) -> None:
    used(shop, 4)
    plan = replace(offer(shop, kind=DeliveryClass.SERVICE), operator=OperatorId("li"), automatic=False)
    shop.given(plan).when(within(shop)).then(spent(shop), started(shop, plan))


def test_a_window_that_is_over_is_closed_for_replies_too(shop: Shop) -> None:
    over = ReplyWindow(5, NOON - 2 * DAY, NOON)
    shop.given(reply(shop)).when(within(shop, "offer", over)).then(CLOSED)


def test_what_was_provably_not_sent_is_given_back(shop: Shop) -> None:
    later = NOON + SECOND
    shop.given(reply(shop), within(shop)).when(
        ReturnDelivery(delivery=OFFER, attempt=1, reason=Slug("refused"), not_before=later)
    ).then(DeliveryPostponed(delivery=OFFER, not_before=later, reason=Slug("refused")), given_back(shop))


def test_what_the_provider_rejected_is_given_back(shop: Shop) -> None:
    reason = Slug("bad-request")
    shop.given(reply(shop), within(shop)).when(RejectDelivery(delivery=OFFER, attempt=1, reason=reason)).then(
        DeliveryRejected(delivery=OFFER, reason=reason), given_back(shop)
    )


def test_an_answer_in_the_request_itself_takes_nothing_of_the_window(shop: Shop) -> None:
    shop.given(reply(shop), within(shop)).when(
        LoseTrackOfDelivery(delivery=OFFER, attempt=1, reason=ANSWERED_IN_REQUEST)
    ).then(DeliveryUnknown(delivery=OFFER, reason=ANSWERED_IN_REQUEST), given_back(shop))


def test_what_nobody_can_tell_stays_spent(shop: Shop) -> None:
    reason = Slug("timed-out")
    shop.given(reply(shop), within(shop)).when(
        LoseTrackOfDelivery(delivery=OFFER, attempt=1, reason=reason)
    ).then(DeliveryUnknown(delivery=OFFER, reason=reason))


def test_the_proof_of_an_answer_in_the_request_counts_whatever_attempt_it_names(shop: Shop) -> None:
    shop.given(
        reply(shop), within(shop), LoseTrackOfDelivery(delivery=OFFER, attempt=1, reason=ANSWERED_IN_REQUEST)
    )
    shop.given(AcceptDelivery(delivery=OFFER, attempt=0))
    shop.now += DAY - SECOND
    shop.when(within(shop)).then()


def test_each_attempt_that_may_have_arrived_counts(shop: Shop) -> None:
    used(shop, 3)
    lost = LoseTrackOfDelivery(delivery=OFFER, attempt=1, reason=Slug("timed-out"))
    shop.given(reply(shop), within(shop), lost)
    shop.now += HOUR
    shop.given(within(shop))
    assert [spent.attempt for spent in shop.all_of(ReplySpent) if spent.delivery == OFFER] == [1, 2]
    shop.given(reply(shop, "other")).when(within(shop, "other")).then(
        replace(CLOSED, delivery=DeliveryId("other"))
    )


def test_where_the_gate_refuses_another_attempt_the_first_stays_spent(shop: Shop) -> None:
    used(shop, 4)
    shop.given(
        reply(shop), within(shop), LoseTrackOfDelivery(delivery=OFFER, attempt=1, reason=Slug("timed-out"))
    )
    shop.now += HOUR
    shop.when(within(shop)).then(DeliveryRejected(delivery=OFFER, reason=CLOSED.reason, rule=CLOSED.rule))


def test_what_the_providers_own_count_refuses_stays_spent(shop: Shop) -> None:
    shop.given(reply(shop), within(shop)).when(
        RejectDelivery(delivery=OFFER, attempt=1, reason=WINDOW_USED_UP)
    ).then(DeliveryRejected(delivery=OFFER, reason=WINDOW_USED_UP))
