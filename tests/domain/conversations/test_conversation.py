from dataclasses import replace
from datetime import timedelta

import pytest

from domain.conversations.conversation import conversations, inbound
from domain.identity import DeliveryId
from tests.domain.controls import commands, events
from tests.domain.controls.ids import CONTEXT, NOON
from tests.domain.given import given

HALF_PAST = NOON + timedelta(minutes=30)


def test_a_person_answers_until_the_moment_named() -> None:
    state = given(conversations).when(commands.HAND_OVER).then(events.CONVERSATION_HANDED_OVER)
    assert state.human_talking(HALF_PAST - timedelta(seconds=1))
    assert not state.human_talking(HALF_PAST)


def test_every_answer_of_a_person_keeps_the_bot_silent_anew() -> None:
    later = NOON + timedelta(hours=1)
    longer = replace(events.CONVERSATION_HANDED_OVER, until=later)
    talking = given(conversations, events.CONVERSATION_HANDED_OVER)
    assert talking.when(replace(commands.HAND_OVER, until=later)).then(longer).silent_until == later


def test_the_bot_takes_over_again_once() -> None:
    talking = given(conversations, events.CONVERSATION_HANDED_OVER)
    state = talking.when(commands.RETURN_TO_BOT).then(events.CONVERSATION_RETURNED)
    assert not state.human_talking(NOON)
    given(conversations).when(commands.RETURN_TO_BOT).then_nothing()


def test_inbound_facts_are_no_decision() -> None:
    assert inbound.commands == ()
    assert inbound.evolve(inbound.initial, events.MESSAGE_RECEIVED) is None
    with pytest.raises(AssertionError, match="written by the intake, not by HandOver"):
        inbound.decide(None, commands.HAND_OVER, CONTEXT)


def test_what_was_spent_is_given_back_once() -> None:
    spent = given(conversations, events.REPLY_SPENT)
    state = spent.when(commands.GIVE_REPLY_BACK).then(events.REPLY_GIVEN_BACK)
    assert state.spent == ()
    given(conversations).when(commands.GIVE_REPLY_BACK).then_nothing()


def test_each_attempt_of_a_message_spends_and_is_given_back_by_itself() -> None:
    again = replace(events.REPLY_SPENT, at=NOON + timedelta(minutes=5), attempt=2)
    spent = given(conversations, events.REPLY_SPENT, again)
    assert [s.at for s in spent.state.spent] == [NOON, again.at]
    state = spent.when(replace(commands.GIVE_REPLY_BACK, attempt=2)).then(
        replace(events.REPLY_GIVEN_BACK, attempt=2)
    )
    assert [s.at for s in state.spent] == [NOON]


def test_what_is_older_than_any_window_is_forgotten() -> None:
    later = replace(events.REPLY_SPENT, delivery=DeliveryId("later"), at=NOON + timedelta(hours=49))
    state = given(conversations, events.REPLY_SPENT, later).state
    assert [s.delivery for s in state.spent] == ["later"]
