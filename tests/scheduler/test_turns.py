"""Those who share a request wait for one another, and keep nobody else waiting."""

from datetime import UTC, datetime

from domain.identity import Account, Channel, ContactId, DeliveryId
from domain.ports.agenda import DueDelivery
from scheduler.pacing import Pacer, Rates
from scheduler.turns import IN_FLIGHT, PROMISES_KEPT, Turns

WECHAT = Channel("wechat"), Account("wx1")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def due(number: int, delivery: str = "") -> DueDelivery:
    return DueDelivery(
        delivery=DeliveryId(delivery or f"d{number}"),
        priority=2,
        channel=WECHAT[0],
        account=WECHAT[1],
        contact=ContactId(f"c{number}"),
        group=None,
        not_before=NOON,
    )


def test_whoever_shares_a_request_leaves_room_to_the_others() -> None:
    turns = Turns({WECHAT: Pacer(Rates(0, 0, 0))})
    hints = [due(number) for number in range(2 * IN_FLIGHT)]
    first = turns.pick(hints, 0.0).hints
    assert len(first) == IN_FLIGHT
    assert turns.pick(hints, 0.0).hints == ()
    for hint in first:
        turns.step_aside(hint)
    assert turns.pick(hints, 0.0).hints == tuple(hints[IN_FLIGHT:])
    assert turns.flying(WECHAT) == 2 * IN_FLIGHT


def test_whoever_stepped_aside_leaves_its_token_to_the_others_once() -> None:
    pacer = Pacer(Rates(1, 0, 0))
    turns = Turns({WECHAT: pacer})
    for _ in range(3):
        (hint,) = turns.pick([due(1)], 0.0).hints
        turns.step_aside(hint)
        turns.landed(hint)
    assert turns.flying(WECHAT) == 0
    assert len(turns.pick([due(1), due(2)], 0.0).hints) == 1


def test_on_an_account_that_failed_many_may_still_share_a_request() -> None:
    turns = Turns({WECHAT: Pacer(Rates(0, 0, 0))})
    (hint,) = turns.pick([due(0)], 0.0).hints
    turns.answered(hint, plainly=False)
    turns.landed(hint)
    for number in range(1, 4):
        (one,) = turns.pick([due(number), due(number + 1)], 0.0).hints
        turns.step_aside(one)
    assert turns.flying(WECHAT) == 3


def test_of_very_many_chats_that_wait_for_what_was_returned_the_first_are_ordinary_chats_again() -> None:
    turns = Turns({WECHAT: Pacer(Rates(0, 0, 0))})
    for number in range(PROMISES_KEPT):
        turns.promise(due(number), until=60.0)
    turns.promise(due(0), until=120.0)  # returned once more: it waits as long as any
    turns.promise(due(PROMISES_KEPT), until=120.0)
    later = [due(number, "later") for number in (0, 1, 2, PROMISES_KEPT)]
    assert turns.pick(later, 10.0).hints == (later[1],)
    assert turns.pick([due(0)], 10.0).hints == (due(0),)  # what was promised comes first in its chat
    assert turns.pick(later, 70.0).hints == (later[2],)
