"""Auto reply, welcome and handover: what the bot says by itself, and when it keeps silent."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.contacts.commands import BindContactToOperator
from domain.conversations.commands import HandOver, Join, Press, ReturnToBot
from domain.conversations.conversation import ConversationState, conversations
from domain.conversations.events import ConversationHandedOver, MessageReceived
from domain.deliveries.events import DeliveryClass, DeliveryPlanned
from domain.identity import DeliveryId, ProviderMessageId, RuleId, Slug, SubjectId
from domain.message import Personal
from domain.processes.handover import OPERATOR_REPLY
from domain.rules.commands import AddRule, SetWelcome
from domain.rules.events import Match
from tests.domain.controls import commands
from tests.domain.controls.ids import LI, NOON, VIP
from tests.domain.shop import LIN, SILENCE, TEA_FANS, Shop, came, said

PRICES = commands.ADD_RULE
ANYTHING = AddRule(rule=RuleId("any"), match=Match.ANY, pattern=Personal(""), answer=Personal("在的"))
WELCOME = SetWelcome(in_group=False, text=Personal("欢迎"))
GROUP_WELCOME = SetWelcome(in_group=True, text=Personal("新朋友好"))


@pytest.fixture
def shop() -> Shop:
    return Shop().given(PRICES)


def answers(shop: Shop) -> list[str]:
    planned = [event for event in shop.follow() if isinstance(event, DeliveryPlanned)]
    return [event.text.value for event in planned if event.text is not None]


def test_the_first_rule_that_matches_answers(shop: Shop) -> None:
    shop.given(ANYTHING, said("什么价?"))
    message = next(r for r in shop.recorded() if isinstance(r.event, MessageReceived))
    place = f"contact-{shop.contact()}"
    assert shop.follow() == [
        DeliveryPlanned(
            delivery=DeliveryId(shop.digest("delivery", f"auto-reply:{message.id}", place, "", "")),
            subject=SubjectId(place),
            kind=DeliveryClass.REPLY,
            occasion=Slug("auto-reply"),
            contact=shop.contact(),
            customer=shop.customer(),
            text=Personal("见菜单"),
            not_before=NOON,
            expires_at=NOON + timedelta(hours=24),
            automatic=True,
        )
    ]


def test_a_message_is_answered_once_however_often_the_process_reads_it(shop: Shop) -> None:
    shop.given(said("什么价?"))
    assert (answers(shop), answers(shop)) == (["见菜单"], [])


def test_a_repeated_update_is_answered_once(shop: Shop) -> None:
    price = said("什么价?", key="1")
    shop.batch(*[price] * 10)
    shop.batch(*[price] * 10)
    assert answers(shop) == ["见菜单"]


def test_each_message_has_its_own_answer(shop: Shop) -> None:
    shop.given(said("什么价?"), said("什么价?"))
    assert answers(shop) == ["见菜单", "见菜单"]


def test_a_rule_that_tags_answers_nothing_and_stands_in_nobody_s_way(shop: Shop) -> None:
    tagging = replace(ANYTHING, rule=RuleId("tag"), answer=None, tag=VIP)
    assert answers(Shop().given(tagging, ANYTHING, said("你好"))) == ["在的"]
    assert answers(shop.given(said("你好"))) == []


@pytest.mark.parametrize("text", ["退订", "START", "/bind 1234"])
def test_what_has_its_own_answer_gets_no_second_one(text: str) -> None:
    assert answers(Shop().given(ANYTHING, said(text))) == []


def test_a_message_that_merely_mentions_a_stop_is_answered_by_rule_too() -> None:
    assert answers(Shop().given(ANYTHING, said("我要退订酒店"))) == ["在的"]


@pytest.mark.parametrize(
    "more, in_group, answered",
    [
        ({}, False, True),
        ({"forwarded": True}, False, False),
        ({"chat": TEA_FANS, "to_bot": True}, False, True),
        ({"chat": TEA_FANS, "to_bot": False}, False, False),
        ({"chat": TEA_FANS, "to_bot": False}, True, True),
    ],
    ids=["private", "forwarded", "spoken-to-in-a-group", "overheard", "overheard-with-in-group"],
)
def test_in_groups_it_answers_when_spoken_to_or_when_the_rule_says_so(
    more: dict[str, Any], in_group: bool, answered: bool
) -> None:
    shop = Shop().given(replace(PRICES, in_group=in_group), said("什么价?", **more))
    assert answers(shop) == ["见菜单"] * answered


def test_an_answer_in_a_group_quotes_the_question_in_its_thread(shop: Shop) -> None:
    thread = replace(TEA_FANS, thread=Slug("7"))
    shop.given(said("什么价?", chat=thread, provider_message=ProviderMessageId("12")))
    (planned,) = shop.follow()
    assert isinstance(planned, DeliveryPlanned)
    assert (planned.group, planned.contact, planned.customer) == (shop.group(), None, None)
    assert (planned.reply_to, planned.thread) == (ProviderMessageId("12"), Slug("7"))


def test_operators_are_not_answered(shop: Shop) -> None:
    shop.given(said("你好"))
    shop.given(BindContactToOperator(contact=shop.contact(), operator=LI), said("什么价?"))
    assert answers(shop) == []


def test_while_a_person_is_talking_the_bot_is_silent_towards_that_customer_only(shop: Shop) -> None:
    shop.given(said("你好"), said("你好", LIN))
    shop.given(HandOver(contact=shop.contact(), operator=LI, until=NOON + SILENCE))
    shop.given(said("什么价?"), said("什么价?", LIN))
    (planned,) = shop.follow()
    assert isinstance(planned, DeliveryPlanned)
    assert planned.contact == shop.contact(LIN)


def test_the_bot_speaks_again_when_the_time_is_over_or_it_is_handed_back(shop: Shop) -> None:
    shop.given(said("你好"))
    shop.given(HandOver(contact=shop.contact(), operator=LI, until=NOON + SILENCE))
    shop.given(ReturnToBot(contact=shop.contact()), said("什么价?"))
    assert answers(shop) == ["见菜单"]
    shop.given(HandOver(contact=shop.contact(), operator=LI, until=NOON + SILENCE))
    shop.now += SILENCE
    shop.given(said("什么价?"))
    assert answers(shop) == ["见菜单"]


def test_an_operator_s_answer_silences_the_bot_in_the_same_append() -> None:
    shop = Shop().given(said("你好"))
    reply = replace(
        commands.PLAN_DELIVERY,
        kind=DeliveryClass.REPLY,
        occasion=OPERATOR_REPLY,
        contact=shop.contact(),
        customer=shop.customer(),
    )
    shop.when(reply).then_kinds(DeliveryPlanned, ConversationHandedOver)
    shop.when(reply).then()
    expected = ConversationHandedOver(contact=shop.contact(), operator=LI, until=NOON + SILENCE)
    assert shop.all_of(ConversationHandedOver) == [expected]
    assert shop.state(conversations, shop.contact()) == ConversationState(NOON + SILENCE)


def test_where_no_silence_is_wanted_an_operator_s_answer_hands_nothing_over() -> None:
    reply = replace(commands.PLAN_DELIVERY, kind=DeliveryClass.REPLY, occasion=OPERATOR_REPLY)
    Shop(silence=timedelta()).when(reply).then_kinds(DeliveryPlanned)


def test_a_follow_up_planned_for_later_silences_nobody() -> None:
    shop = Shop().given(said("你好"))
    shop.when(commands.PLAN_DELIVERY).then_kinds(DeliveryPlanned)


def test_somebody_new_is_welcomed_once() -> None:
    shop = Shop().given(WELCOME, said("你好"), said("在吗"))
    assert (answers(shop), answers(shop)) == (["欢迎"], [])


def test_who_was_in_a_group_is_welcomed_when_they_write_in_private() -> None:
    shop = Shop().given(WELCOME, said("大家好", chat=TEA_FANS))
    assert answers(shop) == []
    assert answers(shop.given(said("你好"))) == ["欢迎"]


def test_who_begins_with_a_stop_is_not_welcomed() -> None:
    assert answers(Shop().given(WELCOME, said("退订"))) == []


def test_an_operator_is_not_welcomed() -> None:
    shop = Shop().given(WELCOME, said("/bind 1234"))
    shop.given(BindContactToOperator(contact=shop.contact(), operator=LI))
    assert answers(shop) == []


def test_without_a_text_nobody_is_welcomed() -> None:
    assert answers(Shop().given(said("你好"), came(Join(members=(LIN,)), chat=TEA_FANS))) == []
    empty = SetWelcome(in_group=False, text=Personal(""))
    assert answers(Shop().given(WELCOME, empty, said("你好"))) == []


def test_members_who_join_a_group_within_a_minute_are_greeted_together() -> None:
    shop = Shop().given(GROUP_WELCOME)
    shop.given(came(Join(members=(LIN,)), chat=TEA_FANS), came(Join(members=(LIN,)), chat=TEA_FANS))
    (planned,) = shop.follow()
    assert isinstance(planned, DeliveryPlanned)
    assert (planned.group, planned.text) == (shop.group(), Personal("新朋友好"))
    shop.now += timedelta(minutes=1)
    shop.given(came(Join(members=(LIN,)), chat=TEA_FANS))
    assert answers(shop) == ["新朋友好"]


def test_in_a_group_the_bots_name_is_no_part_of_what_is_asked() -> None:
    exactly = replace(PRICES, match=Match.EXACT, pattern=Personal("价"))
    shop = Shop().given(exactly, said("@siyu_bot 价", chat=TEA_FANS))
    assert answers(shop) == ["见菜单"]
    assert answers(Shop().given(exactly, said("@siyu_bot 价"))) == []


def test_a_provider_whose_clock_is_ahead_delays_no_answer(shop: Shop) -> None:
    shop.given(SetWelcome(in_group=False, text=Personal("欢迎")))
    asked = shop.request(said("什么价?"))
    early = replace(asked, context=replace(asked.context, occurred_at=NOON + timedelta(minutes=5)))
    shop.dispatcher.step([early])
    planned = [event for event in shop.follow() if isinstance(event, DeliveryPlanned)]
    assert sorted(event.occasion for event in planned) == ["auto-reply", "welcome"]
    assert {event.not_before for event in planned} == {NOON}


def test_a_button_that_says_something_is_answered_as_if_it_had_been_said(shop: Shop) -> None:
    shop.given(came(Press(data="say:什么价?", query="")))
    assert answers(shop) == ["见菜单"]


@pytest.mark.parametrize("data", ["什么价?", "say:", "menu:1"])
def test_another_button_is_not_answered_by_rule(shop: Shop, data: str) -> None:
    shop.given(ANYTHING, came(Press(data=data, query="")))
    assert answers(shop) == []
