"""The book of rules: one short stream."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from domain.decider import Decider, Streams
from domain.errors import Rejected, UnknownRecipient
from domain.identity import RuleId, Tag
from domain.message import Context, Event, Personal
from domain.rules.commands import AddRule, RemoveRule, SetWelcome
from domain.rules.events import EVENTS, Match, RuleAdded, RuleRemoved, WelcomeSet

BOOK = "book"
"""The key of the one stream."""
MAX_RULES = 500
"""Every message is held against each of them."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Its texts stay sealed until somebody reads them."""

    id: RuleId
    match: Match
    pattern: Personal[str]
    in_group: bool
    answer: Personal[str] | None
    tag: Tag | None


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All rules, in the order they were added, and the two welcomes."""

    rules: tuple[Rule, ...] = ()
    welcome: Personal[str] | None = None
    group_welcome: Personal[str] | None = None


def decide(state: Rulebook, command: AddRule | RemoveRule | SetWelcome, _context: Context) -> Sequence[Event]:
    """Decide what a command means for the book."""
    match command:
        case AddRule():
            if any(rule.id == command.rule for rule in state.rules):
                return ()
            if len(state.rules) >= MAX_RULES:
                raise Rejected("there are {max_rules} rules already: remove one first", max_rules=MAX_RULES)
            if (command.answer is None) == (command.tag is None):
                raise Rejected("a rule either answers or tags")
            return (
                RuleAdded(
                    rule=command.rule,
                    match=command.match,
                    pattern=command.pattern,
                    in_group=command.in_group,
                    answer=command.answer,
                    tag=command.tag,
                ),
            )
        case RemoveRule(rule=wanted):
            if all(rule.id != wanted for rule in state.rules):
                raise UnknownRecipient("no such rule")
            return (RuleRemoved(rule=wanted),)
        case SetWelcome(in_group=in_group, text=text):
            return (WelcomeSet(in_group=in_group, text=text),)
        case _:
            assert_never(command)


def evolve(state: Rulebook, event: RuleAdded | RuleRemoved | WelcomeSet) -> Rulebook:
    """Fold one event into the state."""
    match event:
        case RuleAdded():
            rule = Rule(event.rule, event.match, event.pattern, event.in_group, event.answer, event.tag)
            return replace(state, rules=(*state.rules, rule))
        case RuleRemoved(rule=removed):
            return replace(state, rules=tuple(rule for rule in state.rules if rule.id != removed))
        case WelcomeSet(in_group=True, text=text):
            return replace(state, group_welcome=text)
        case WelcomeSet(text=text):
            return replace(state, welcome=text)
        case _:
            assert_never(event)


def _key(_command: AddRule | RemoveRule | SetWelcome, _streams: Streams) -> str:
    return BOOK


rulebook = Decider(
    category="rules",
    initial=Rulebook(),
    decide=decide,
    evolve=evolve,
    events=EVENTS,
    commands=(AddRule, RemoveRule, SetWelcome),
    key=_key,
)
