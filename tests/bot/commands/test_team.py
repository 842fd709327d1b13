"""The team: one-time codes bind an account, and tell nobody anything."""

from datetime import timedelta

import pytest

from bot.commands.command import NOBODY, Operator, Reply
from domain.operators.commands import BindOperator, RemoveOperator
from domain.operators.events import BindingRefused, CommandOutcome, OperatorBound, Role
from tests.bot.commands.shop import Shop
from tests.projections.house import must

WRONG = "This code is wrong, used or expired."


@pytest.fixture
def hired(shop: Shop) -> Shop:
    shop.says("olga", "hello")
    shop.says("mallory", "hello")
    shop.hires("olga", Role.AGENT, "ABC234")
    return shop


def stranger(shop: Shop, who: str) -> Operator:
    return Operator(NOBODY, Role.VIEWER, shop.contact(who))


@pytest.mark.parametrize("line", ["/bind ABC234", "绑定 ABC234", "／bind ABC234"])
def test_the_right_code_binds_the_account_it_is_sent_from(hired: Shop, line: str) -> None:
    reply = hired.orders(line, operator=stranger(hired, "olga"))
    bind = BindOperator(code=hired.digest("bind-code", "ABC234"), contact=hired.contact("olga"))
    assert reply == Reply("This account is yours now. /help lists what you can do.", (bind,), command="bind")
    assert [(event.operator, event.contact) for event in hired.events_of(OperatorBound)] == [
        ("op-olga", hired.contact("olga"))
    ]


def test_a_code_binds_once(hired: Shop) -> None:
    hired.orders("/bind ABC234", operator=stranger(hired, "olga"))
    reply = hired.orders("/bind ABC234", operator=stranger(hired, "mallory"))
    assert (reply.text, reply.outcome) == (WRONG, CommandOutcome.REFUSED)
    assert [event.contact for event in hired.events_of(OperatorBound)] == [hired.contact("olga")]


def test_wrong_used_and_expired_codes_and_those_of_who_left_read_the_same(hired: Shop) -> None:
    replies = [hired.asks("/bind NOTONE", operator=stranger(hired, "mallory"))]
    hired.hires("left", Role.OWNER, "LEFT22")
    must(hired.do(RemoveOperator(operator="op-left")))  # type: ignore[arg-type]  # a plain id
    replies.append(hired.asks("/bind LEFT22", operator=stranger(hired, "mallory")))
    hired.now += timedelta(hours=24)
    replies.append(hired.asks("/bind ABC234", operator=stranger(hired, "mallory")))
    told = [(reply.text, reply.outcome, len(reply.commands)) for reply in replies]
    assert told == [(WRONG, CommandOutcome.REFUSED, 1)] * 3


def test_after_five_wrong_codes_an_account_waits_an_hour(hired: Shop) -> None:
    for number in range(5):
        hired.orders(f"/bind WRONG{number}", operator=stranger(hired, "mallory"))
    limited = hired.orders("/bind ABC234", operator=stranger(hired, "mallory"))
    told = "Too many wrong codes. Try again in an hour."
    assert (limited.text, limited.outcome, limited.commands) == (told, CommandOutcome.REFUSED, ())
    assert hired.asks("/bind ABC234", operator=stranger(hired, "olga")).outcome is CommandOutcome.DONE
    hired.now += timedelta(hours=1)
    assert hired.asks("/bind NOTONE", operator=stranger(hired, "mallory")).text == WRONG
    assert len(hired.events_of(BindingRefused)) == 5


def test_the_command_line_cannot_be_bound(hired: Shop) -> None:
    reply = hired.asks("/bind ABC234")
    assert (reply.outcome, reply.commands) == (CommandOutcome.REFUSED, ())


@pytest.mark.parametrize("line", ["/bind", "/bind ABC 234"])
def test_a_code_is_one_word(hired: Shop, line: str) -> None:
    reply = hired.asks(line, operator=stranger(hired, "olga"))
    assert (reply.text, reply.commands) == ("Write it like this:\n/bind CODE", ())


def test_an_operator_may_bind_a_second_account(hired: Shop) -> None:
    olga = hired.binds("anna", Role.AGENT, "mallory")
    reply = hired.asks("/bind ABC234", operator=olga)
    assert [type(command) for command in reply.commands] == [BindOperator]


def test_the_team_is_listed_with_roles_and_where_they_are_bound(hired: Shop) -> None:
    hired.now += timedelta(seconds=1)
    hired.binds("anna", Role.MANAGER, "mallory")
    assert hired.asks("/operators").text.splitlines() == [
        "olga  agent  not bound yet",
        "anna  manager  telegram",
    ]


def test_an_empty_team_says_how_to_add_somebody(shop: Shop) -> None:
    assert shop.asks("/operators").text == "There are no operators yet: siyu operator add NAME --role ROLE"
