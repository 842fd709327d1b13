"""What happened to the book of rules."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from domain.identity import RuleId, Tag
from domain.message import Personal


class Match(StrEnum):
    """How a rule looks at a message. First match wins, in the order the rules were added."""

    EXACT = "exact"
    CONTAINS = "contains"
    REGEX = "regex"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAdded:
    """A rule: messages that match are answered with ``answer`` or tagged with ``tag``."""

    SUBJECT: ClassVar[str] = "brand"
    rule: RuleId
    match: Match
    pattern: Personal[str]
    in_group: bool = False
    answer: Personal[str] | None = None
    tag: Tag | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRemoved:
    """It applies no more."""

    SUBJECT: ClassVar[str] = ""
    rule: RuleId


@dataclass(frozen=True, slots=True, kw_only=True)
class WelcomeSet:
    """What new contacts (or new members of groups) are greeted with; empty: nothing."""

    SUBJECT: ClassVar[str] = "brand"
    in_group: bool
    text: Personal[str]


EVENTS = (
    ("rule-added/1", RuleAdded),
    ("rule-removed/1", RuleRemoved),
    ("welcome-set/1", WelcomeSet),
)
