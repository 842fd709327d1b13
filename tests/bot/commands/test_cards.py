"""/card, /mute and /cancel, and what a bound operator's plain words mean."""

from datetime import timedelta

import pytest

from bot.commands.said import Meant, meant, repeatable
from domain.identity import Channel
from domain.operators.commands import AskForAnswer, EndAnswer
from domain.operators.desk import Question
from domain.operators.events import CommandOutcome, Role, Verb
from projections.people.customers import Customer
from projections.people.customers import customer as by_id
from tests.bot.commands.shop import Shop

TELEGRAM, WECHAT = Channel("telegram"), Channel("wechat")


@pytest.fixture
def wang(shop: Shop) -> Customer:
    shop.says("wang", "hello")
    shop.says("wang", "how much?\nand when?")
    shop.catch_up()
    with shop.office.views.read() as connection:
        found = by_id(connection, shop.customer("wang"))
    assert found is not None
    return found


def test_a_card_shows_what_was_said_last_and_lies_under_the_customers_key(shop: Shop, wang: Customer) -> None:
    reply = shop.asks("/card #1")
    assert reply.text == "#1 Wang · Telegram\nhello\nhow much?\nand when?"
    assert reply.choices[0] == (("Answer", "/reply #1"), ("Tag", "/tag #1"))
    assert reply.about == f"contact-{wang.contacts[0].id}"


@pytest.mark.parametrize("verb", list(Verb))
def test_a_command_without_its_text_asks_for_it_on_a_phone_and_shows_its_usage_elsewhere(
    shop: Shop, wang: Customer, verb: Verb
) -> None:
    ann = shop.binds("ann", Role.AGENT, "ann")
    assert ann.contact is not None
    reply = shop.asks(f"/{verb} #1", operator=ann)
    until = shop.now + timedelta(minutes=10)
    asked = AskForAnswer(contact=ann.contact, customer=wang.id, verb=verb, until=until)
    assert (reply.commands, reply.outcome) == ((asked,), CommandOutcome.ASKED)
    assert shop.asks(f"/{verb} #1").outcome is CommandOutcome.REFUSED
    assert shop.asks("/cancel", operator=ann).commands == (EndAnswer(contact=ann.contact),)


def test_who_gets_no_cards_can_mute_none(shop: Shop, wang: Customer) -> None:
    assert shop.asks(f"/mute #{wang.number}").outcome is CommandOutcome.REFUSED


def test_the_card_that_is_quoted_comes_before_a_question_and_that_before_a_number(
    shop: Shop, wang: Customer
) -> None:
    question = (Question(wang.id, Verb.NOTE, shop.now), wang)
    assert meant("#7 hi", wang, question, TELEGRAM) == Meant("/reply #1 #7 hi", wang.id)
    assert meant("#7 hi", None, question, TELEGRAM) == Meant("/note #1 #7 hi", wang.id, ends=True)
    assert meant("＃7 hi", None, None, TELEGRAM) == Meant("/reply #7 hi")
    assert meant("7 hi", None, None, WECHAT) == Meant("/reply #7 hi")
    assert meant("7 hi", None, None, TELEGRAM) is None
    assert meant("7", None, None, WECHAT) is None
    assert meant("/tag vip", wang, question, TELEGRAM) == Meant("/tag vip", wang.id)
    assert meant("", wang, None, TELEGRAM) is None


def test_only_buttons_that_ask_or_show_may_be_pressed_again() -> None:
    assert [repeatable(line) for line in ("/reply #1", "/mute #12", "/reply #1 hi", "/confirm 123")] == [
        True,
        True,
        False,
        False,
    ]
