"""Attribution: which delivery an answer, or a receipt, is about."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.contacts.commands import BindContactToOperator
from domain.conversations.commands import Message, Press, Receipt, Receive
from domain.customers.commands import MergeCustomers
from domain.deliveries.commands import AcceptDelivery, LoseTrackOfDelivery, PlanDelivery
from domain.deliveries.delivery import Phase, deliveries
from domain.deliveries.events import Confirmation, DeliveryConfirmed, DeliveryRejected
from domain.dispatch import Request
from domain.identity import DeliveryId, ProviderMessageId, Slug, stream
from domain.message import Command
from domain.policies.frequency_cap import FrequencyCap
from domain.policies.routes import Offer
from domain.ports.event_log import Append, Appended, NewEvent, StreamWrite
from domain.processes.attribution import ANSWERED_WITHIN
from domain.receipts.events import ReceiptCame, ReceiptExpected
from tests.domain.controls import commands
from tests.domain.controls.ids import LI
from tests.domain.outbound import HOUR, OFFER, REMINDER, SECOND, claim, notice, offer, reminder
from tests.domain.outbound import started as begun
from tests.domain.shop import LIN, TEA_FANS, WANG, Shop, came, said

UNCAPPED = replace(commands.CONTROLS, cap=FrequencyCap(0, 0))
SECOND_OFFER = DeliveryId("second-offer")
MESSAGE = ProviderMessageId("501")


@pytest.fixture
def shop() -> Shop:
    """Mrs Wang got an offer, an hour ago."""
    shop = Shop().given(said("你好"), said("大家好", chat=TEA_FANS))
    shop.now += HOUR
    send(shop, offer(shop), MESSAGE)
    shop.now += HOUR
    return shop


def send(shop: Shop, plan: PlanDelivery, message: ProviderMessageId | None, *, known: bool = True) -> None:
    """``known``: whether the provider's answer came."""
    delivery = plan.delivery
    shop.given(plan, replace(claim(shop, delivery), controls=UNCAPPED))
    outcome: Command = AcceptDelivery(delivery=delivery, attempt=1, provider_message=message)
    if not known:
        outcome = LoseTrackOfDelivery(delivery=delivery, attempt=1, reason=Slug("timed-out"))
    shop.given(outcome)


def says(shop: Shop, text: str = "好的，我要两份", reply_to: ProviderMessageId | None = None) -> Receive:
    """She says something now."""
    return replace(came(Message(text=text, reply_to=reply_to), WANG), occurred_at=shop.now)


def replied(shop: Shop) -> list[DeliveryId]:
    """Which deliveries got an answer, once the process has followed."""
    shop.follow()
    return [e.delivery for e in shop.all_of(DeliveryConfirmed) if e.how is Confirmation.REPLIED]


def test_what_she_says_is_an_answer_to_the_newest_offer(shop: Shop) -> None:
    send(shop, offer(shop, SECOND_OFFER), ProviderMessageId("502"))
    shop.now += HOUR
    shop.given(says(shop))
    assert replied(shop) == [SECOND_OFFER]


def test_what_she_quotes_is_what_she_answers(shop: Shop) -> None:
    send(shop, offer(shop, SECOND_OFFER), ProviderMessageId("502"))
    shop.now += 5 * 24 * HOUR
    shop.given(says(shop, reply_to=MESSAGE))
    assert replied(shop) == [OFFER]


def test_who_quotes_something_else_answers_no_offer(shop: Shop) -> None:
    shop.given(says(shop, reply_to=ProviderMessageId("77")))
    assert replied(shop) == []


def test_an_answer_counts_once_however_much_she_says_and_however_often_it_is_read(shop: Shop) -> None:
    shop.given(says(shop), says(shop, "几点送到？"))
    assert replied(shop) == [OFFER]
    assert replied(shop) == [OFFER]


@pytest.mark.parametrize("late, counts", [(-SECOND, True), (SECOND, False)])
def test_without_a_quotation_it_is_an_answer_for_two_days(shop: Shop, late: timedelta, counts: bool) -> None:
    shop.now += ANSWERED_WITHIN - HOUR + late
    shop.given(says(shop))
    assert replied(shop) == [OFFER] * counts


def test_what_she_said_before_the_offer_went_out_is_no_answer_to_it(shop: Shop) -> None:
    early = says(shop)
    shop.now += HOUR
    send(shop, offer(shop, SECOND_OFFER), ProviderMessageId("502"))
    context = replace(shop.request().context, occurred_at=early.occurred_at)
    shop.dispatcher.step([Request(context, (early,))])  # the provider was slow to hand it over
    assert replied(shop) == [OFFER]


@pytest.mark.parametrize("word", ["退订", "TD", "START"])
def test_a_stop_or_start_word_is_no_answer(shop: Shop, word: str) -> None:
    shop.given(says(shop, word))
    assert replied(shop) == []


def test_somebody_else_s_words_are_no_answer(shop: Shop) -> None:
    shop.given(replace(says(shop), content=Message(text="看看这个", forwarded=True)))
    assert replied(shop) == []


def test_what_one_of_us_says_is_no_answer(shop: Shop) -> None:
    shop.given(BindContactToOperator(contact=shop.contact(), operator=LI), says(shop))
    assert replied(shop) == []


def test_what_somebody_just_says_proves_nothing_of_an_offer_that_may_not_have_arrived(shop: Shop) -> None:
    send(shop, offer(shop, SECOND_OFFER), None, known=False)
    shop.given(says(shop))
    assert replied(shop) == [OFFER]
    assert shop.state(deliveries, SECOND_OFFER).phase is Phase.UNKNOWN


def test_a_quotation_nobody_knows_is_of_the_offer_whose_id_nobody_knows(shop: Shop) -> None:
    send(shop, offer(shop, SECOND_OFFER), None, known=False)
    shop.given(says(shop, reply_to=ProviderMessageId("503")))
    assert replied(shop) == [SECOND_OFFER]


def test_service_is_not_what_a_campaign_is_answered_by(shop: Shop) -> None:
    send(shop, reminder(shop), ProviderMessageId("504"))
    shop.given(says(shop))
    assert REMINDER not in replied(shop)


def test_a_linked_account_answers_for_itself_only(shop: Shop) -> None:
    shop.given(said("hello", LIN))
    shop.given(MergeCustomers(customer=shop.customer(), other=shop.customer(LIN)))
    shop.given(replace(says(shop), sender=LIN))
    assert replied(shop) == []
    shop.given(says(shop))
    assert replied(shop) == [OFFER]


def test_a_button_below_the_offer_answers_it_and_a_menu_does_not(shop: Shop) -> None:
    menu = replace(came(Press(data="say:菜单", query="")), occurred_at=shop.now)
    shop.given(menu)
    assert replied(shop) == []
    shop.given(replace(menu, key="below", content=Press(data="say:要", query="q", provider_message=MESSAGE)))
    assert replied(shop) == [OFFER]


def test_in_a_group_only_a_quotation_is_an_answer(shop: Shop) -> None:
    send(shop, notice(shop, SECOND_OFFER), ProviderMessageId("601"))
    shop.given(replace(says(shop, "早"), chat=TEA_FANS))
    assert replied(shop) == []
    shop.given(replace(says(shop, "要", reply_to=ProviderMessageId("601")), chat=TEA_FANS))
    assert replied(shop) == [SECOND_OFFER]


# --- receipts ------------------------------------------------------------------------------------------------------


def receipt(outcome: str) -> Receive:
    """The provider tells of the message that it calls 900."""
    return came(Receipt(provider_message=ProviderMessageId("900"), outcome=Slug(outcome)), None)


def accept() -> AcceptDelivery:
    """It says that it took the message, and calls it so."""
    return AcceptDelivery(delivery=REMINDER, attempt=1, provider_message=ProviderMessageId("900"))


@pytest.fixture
def template(shop: Shop) -> Shop:
    """A reminder is under way by a route whose messages the provider tells of, one by one."""
    plan = reminder(shop)
    shop.given(plan)
    started = replace(begun(shop, plan), route=Slug("template"))
    written = StreamWrite(stream("delivery", REMINDER), 1, (NewEvent(started, shop.request().context),))
    assert isinstance(shop.log.append([Append((written,))])[0], Appended)
    return shop


@pytest.mark.parametrize("first", ["answer", "receipt"])
@pytest.mark.parametrize(
    "outcome, event",
    [
        ("sent", DeliveryConfirmed(delivery=REMINDER, how=Confirmation.DELIVERED)),
        ("blocked", DeliveryRejected(delivery=REMINDER, reason=Slug("blocked"))),
    ],
)
def test_a_receipt_tells_of_its_delivery_whichever_comes_first(
    template: Shop, first: str, outcome: str, event: DeliveryConfirmed | DeliveryRejected
) -> None:
    both: list[Command] = [accept(), receipt(outcome)] if first == "answer" else [receipt(outcome), accept()]
    template.given(both[0])
    template.follow()
    template.given(both[1])
    template.follow()
    assert [e for e in template.all_of(type(event)) if e.delivery == REMINDER] == [event]
    template.follow()
    template.given(receipt("err-20001")).follow()
    assert len([e for e in template.all_of(type(event)) if e.delivery == REMINDER]) == 1


def test_by_other_routes_no_receipt_is_waited_for(shop: Shop) -> None:
    shop.follow()
    assert shop.all_of(ReceiptExpected) == []


@pytest.mark.parametrize("outcome", ["sent", "err-10001"])
def test_the_result_of_a_mass_message_is_of_none_of_its_recipients(shop: Shop, outcome: str) -> None:
    mass = Offer(Slug("mass"), of=Slug("mass-2026-03"), allowed=4)
    begin = replace(claim(shop, SECOND_OFFER), controls=UNCAPPED, offers=(mass,))
    shop.given(offer(shop, SECOND_OFFER), begin)
    shop.given(
        AcceptDelivery(delivery=SECOND_OFFER, attempt=1, provider_message=ProviderMessageId("900")),
        receipt(outcome),
    ).follow()
    assert [event.outcome for event in shop.all_of(ReceiptCame)] == [outcome]
    assert shop.all_of(ReceiptExpected) == []
    assert [*shop.all_of(DeliveryConfirmed), *shop.all_of(DeliveryRejected)] == []


def test_a_receipt_of_a_message_that_is_none_of_ours_changes_nothing(shop: Shop) -> None:
    shop.given(receipt("sent")).follow()
    assert shop.all_of(DeliveryConfirmed) == []
    assert len(shop.all_of(ReceiptCame)) == 1
