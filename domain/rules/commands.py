"""What may be asked of the book of rules."""

from dataclasses import dataclass

from domain.identity import RuleId, Tag
from domain.message import Personal
from domain.rules.events import Match


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRule:
    """Add a rule at the end of the book. Exactly one of ``answer`` and ``tag``."""

    rule: RuleId
    match: Match
    pattern: Personal[str]
    in_group: bool = False
    answer: Personal[str] | None = None
    tag: Tag | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveRule:
    """Take a rule out of the book."""

    rule: RuleId


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWelcome:
    """Say what new contacts, or new members of groups, are greeted with."""

    in_group: bool
    text: Personal[str]
