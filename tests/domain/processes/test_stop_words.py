from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.contacts.commands import BindContactToOperator
from domain.contacts.events import ContactSeen
from domain.conversations.commands import Press
from domain.conversations.events import ButtonPressed, MessageReceived
from domain.customers.events import (
    MARKETING,
    ConsentGranted,
    ConsentSource,
    ConsentWithdrawn,
    CustomerCreated,
)
from domain.deliveries.events import DeliveryClass, DeliveryPlanned
from domain.identity import DeliveryId, Locale, ProviderMessageId, Slug, SubjectId
from domain.message import Personal
from domain.processes.stop_words import STOP_BUTTON
from tests.domain.controls.ids import LI, NOON
from tests.domain.shop import TEA_FANS, WANG, Shop, came, said

STOPPED = "You are unsubscribed: we send you no more offers. Write START to subscribe again."


@pytest.fixture
def shop() -> Shop:
    return Shop().given(said("你好"))


def withdrawn(shop: Shop, source: ConsentSource = ConsentSource.STOP_WORD) -> ConsentWithdrawn:
    return ConsentWithdrawn(customer=shop.customer(), contact=shop.contact(), topic=MARKETING, source=source)


def answered(shop: Shop, occasion: str, text: str) -> DeliveryPlanned:
    """The answer to the last message or press, back to where it came from."""
    asked = [r for r in shop.recorded() if isinstance(r.event, MessageReceived | ButtonPressed)][-1]
    place = f"contact-{shop.contact()}"
    return DeliveryPlanned(
        delivery=DeliveryId(shop.digest("delivery", f"{occasion}:{asked.id}", place, "", "")),
        subject=SubjectId(place),
        kind=DeliveryClass.REPLY,
        occasion=Slug(occasion),
        contact=shop.contact(),
        customer=shop.customer(),
        text=Personal(text),
        not_before=NOON,
        expires_at=NOON + timedelta(hours=24),
        automatic=True,
    )


def test_a_stop_withdraws_and_is_confirmed_in_the_append_of_the_message(shop: Shop) -> None:
    done = shop.when(said("退订"))
    message = MessageReceived(contact=shop.contact(), text=Personal("退订"))
    done.then(message, withdrawn(shop), answered(shop, "stop-confirmed", f"[zh] {STOPPED}"))


@pytest.mark.parametrize("implied", [True, False])
def test_a_stop_as_the_very_first_word_counts_at_once_and_is_confirmed_in_their_language(
    implied: bool,
) -> None:
    shop = Shop(implied_consent=implied)
    done = shop.when(said("STOP", replace(WANG, language=Locale("en"))))
    granted = [ConsentGranted] * implied
    done.then_kinds(
        MessageReceived, ContactSeen, CustomerCreated, *granted, ConsentWithdrawn, DeliveryPlanned
    )
    assert shop.all_of(DeliveryPlanned) == [answered(shop, "stop-confirmed", f"[en] {STOPPED}")]
    assert shop.customer_state().consents == frozenset()
    assert shop.customer_state().withdrawn == {MARKETING}


def test_a_stop_said_again_is_confirmed_again_and_changes_nothing(shop: Shop) -> None:
    shop.given(said("TD")).when(said("TD")).then_kinds(MessageReceived, DeliveryPlanned)


def test_writing_after_a_stop_is_no_new_consent(shop: Shop) -> None:
    shop.given(said("TD"), said("在吗"))
    assert shop.customer_state().withdrawn == {MARKETING}


def test_a_start_word_subscribes_again(shop: Shop) -> None:
    shop.given(said("TD"))
    done = shop.when(said("恢复订阅"))
    done.then(
        MessageReceived(contact=shop.contact(), text=Personal("恢复订阅")),
        ConsentGranted(
            customer=shop.customer(),
            contact=shop.contact(),
            topic=MARKETING,
            source=ConsentSource.START_WORD,
        ),
        answered(shop, "start-confirmed", "[zh] You are subscribed again."),
    )


def test_a_stop_after_a_start_after_a_stop_stops(shop: Shop) -> None:
    first = said("TD", key="1")
    shop.given(first, said("START"))
    assert shop.when(first).duplicate
    assert shop.customer_state().consents == {MARKETING}
    shop.given(said("TD"))
    assert shop.customer_state().withdrawn == {MARKETING}


def test_a_message_that_contains_a_stop_word_is_asked_about_with_a_button(shop: Shop) -> None:
    done = shop.when(said("我要退订酒店"))
    asked = answered(shop, "stop-asked", "[zh] Do you want us to stop sending you offers?")
    done.then(
        MessageReceived(contact=shop.contact(), text=Personal("我要退订酒店")),
        replace(asked, choices=Personal([["[zh] Unsubscribe", STOP_BUTTON]])),
    )
    assert shop.customer_state().withdrawn == frozenset()


def test_the_button_withdraws_the_consent_of_whoever_presses_it(shop: Shop) -> None:
    done = shop.when(came(Press(data=STOP_BUTTON, query="q1")))
    done.then(
        ButtonPressed(contact=shop.contact(), data=Personal(STOP_BUTTON), query=Personal("q1")),
        withdrawn(shop, ConsentSource.BUTTON),
        answered(shop, "stop-confirmed", f"[zh] {STOPPED}"),
    )


def test_a_button_that_says_stop_does_what_saying_it_does(shop: Shop) -> None:
    done = shop.when(came(Press(data="say:退订", query="")))
    done.then(
        ButtonPressed(contact=shop.contact(), data=Personal("say:退订"), query=Personal("")),
        withdrawn(shop),
        answered(shop, "stop-confirmed", f"[zh] {STOPPED}"),
    )


def test_a_forged_press_in_a_group_is_only_noted(shop: Shop) -> None:
    shop.given(said("大家好", chat=TEA_FANS))
    shop.when(came(Press(data="say:退订", query="q1"), chat=TEA_FANS)).then_kinds(ButtonPressed)


def test_another_button_is_only_noted(shop: Shop) -> None:
    shop.when(came(Press(data="menu:1", query="q1"))).then_kinds(ButtonPressed)


@pytest.mark.parametrize("more", [{"forwarded": True}, {"to_bot": False, "chat": TEA_FANS}])
def test_words_of_others_and_words_to_others_are_no_wish(more: dict[str, Any]) -> None:
    shop = Shop().given(said("你好"), said("你好", chat=TEA_FANS))
    shop.when(said("退订", **more)).then_kinds(MessageReceived)


def test_a_stop_said_to_the_bot_in_a_group_is_answered_there(shop: Shop) -> None:
    shop.given(said("@bot 退订", chat=TEA_FANS))
    shop.given(
        said(
            "退订",
            chat=replace(TEA_FANS, thread=Slug("7")),
            provider_message=ProviderMessageId("12"),
        )
    )
    (planned,) = shop.all_of(DeliveryPlanned)
    assert (planned.group, planned.contact, planned.customer) == (shop.group(), None, None)
    assert (planned.reply_to, planned.thread) == (ProviderMessageId("12"), Slug("7"))
    assert planned.subject == f"group-{shop.group()}"
    assert shop.customer_state().withdrawn == {MARKETING}


def test_an_operator_who_writes_about_stopping_is_not_asked(shop: Shop) -> None:
    shop.given(BindContactToOperator(contact=shop.contact(), operator=LI))
    shop.when(said("/note #1 说要退订")).then_kinds(MessageReceived)


# --- topics --------------------------------------------------------------------------------------------------------

NEWS = Slug("news")


@pytest.fixture
def knowing() -> Shop:
    """A shop whose customers can end the news by themselves, and agree to a version of a text."""
    return Shop(topics={NEWS: "新品"}, consent_text=Slug("2026-11")).given(said("你好"))


def test_one_topic_can_be_ended_and_taken_up_again(knowing: Shop) -> None:
    ended = ConsentWithdrawn(
        customer=knowing.customer(), contact=knowing.contact(), topic=NEWS, source=ConsentSource.STOP_WORD
    )
    done = knowing.when(said("退订 新品"))
    message = MessageReceived(contact=knowing.contact(), text=Personal("退订 新品"))
    told = "[zh] You get no more messages about 新品. Write STOP to get no offers at all."
    done.then(message, ended, answered(knowing, "stop-confirmed", told))
    state = knowing.customer_state()
    assert [state.agrees(knowing.contact(), topic) for topic in (NEWS, MARKETING)] == [False, True]
    knowing.given(said("START news"))
    assert knowing.all_of(DeliveryPlanned)[-1].text == Personal("[zh] You get messages about 新品 again.")
    assert knowing.customer_state().agrees(knowing.contact(), NEWS)


def test_a_stop_ends_what_was_agreed_to_by_itself_too(knowing: Shop) -> None:
    knowing.given(said("START news"), said("退订"))
    state = knowing.customer_state()
    assert (state.ended(NEWS), state.agrees(knowing.contact(), NEWS)) == (True, False)


def test_the_version_of_the_text_they_agreed_to_is_noted(knowing: Shop) -> None:
    knowing.given(said("退订"), said("START"))
    implied, again = knowing.all_of(ConsentGranted)
    assert (implied.source, again.source) == (ConsentSource.CONTACT_STARTED, ConsentSource.START_WORD)
    assert implied.text_version == again.text_version == Slug("2026-11")
