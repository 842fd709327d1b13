from dataclasses import replace

import pytest

from domain.errors import UnknownRecipient
from domain.identity import RuleId, Tag
from domain.message import Personal
from domain.rules.events import Match
from domain.rules.rulebook import MAX_RULES, Rule, Rulebook, rulebook
from tests.domain.controls import commands, events
from tests.domain.controls.ids import PRICES, VIP
from tests.domain.given import given

RULE = Rule(PRICES, Match.CONTAINS, Personal("价"), in_group=False, answer=Personal("见菜单"), tag=None)


def test_rules_stand_in_the_order_they_were_added() -> None:
    second = replace(events.RULE_ADDED, rule=RuleId("second"))
    state = given(rulebook, events.RULE_ADDED, second).state
    assert state == Rulebook(rules=(RULE, replace(RULE, id=RuleId("second"))))


def test_a_rule_is_added_once() -> None:
    given(rulebook).when(commands.ADD_RULE).then(events.RULE_ADDED)
    given(rulebook, events.RULE_ADDED).when(commands.ADD_RULE).then_nothing()


@pytest.mark.parametrize("answer, tag", [(None, None), (Personal("见菜单"), VIP)])
def test_a_rule_either_answers_or_tags(answer: Personal[str] | None, tag: Tag | None) -> None:
    undecided = replace(commands.ADD_RULE, answer=answer, tag=tag)
    given(rulebook).when(undecided).then_rejected("a rule either answers or tags")


def test_the_book_is_full_at_some_point() -> None:
    full = [replace(events.RULE_ADDED, rule=RuleId(str(number))) for number in range(MAX_RULES)]
    given(rulebook, *full).when(commands.ADD_RULE).then_rejected(
        "there are 500 rules already: remove one first"
    )
    given(rulebook, *full[1:]).when(commands.ADD_RULE).then(events.RULE_ADDED)


def test_a_rule_is_removed_once() -> None:
    state = given(rulebook, events.RULE_ADDED).when(commands.REMOVE_RULE).then(events.RULE_REMOVED)
    assert state.rules == ()
    given(rulebook).when(commands.REMOVE_RULE).then_rejected("no such rule", UnknownRecipient)


def test_contacts_and_groups_have_a_welcome_each() -> None:
    state = given(rulebook).when(commands.SET_WELCOME).then(events.WELCOME_SET)
    assert state == Rulebook(welcome=Personal("欢迎"))
    in_group = replace(events.WELCOME_SET, in_group=True, text=Personal("新朋友好"))
    both = given(rulebook, events.WELCOME_SET).when(
        replace(commands.SET_WELCOME, in_group=True, text=Personal("新朋友好"))
    )
    assert both.then(in_group) == Rulebook(welcome=Personal("欢迎"), group_welcome=Personal("新朋友好"))
