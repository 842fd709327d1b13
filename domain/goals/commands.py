"""What may be told of a goal."""

from dataclasses import dataclass
from datetime import datetime

from domain.identity import ContactId, Currency, CustomerId, Digest, Slug
from domain.policies.signs import Sign


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteGoal:
    """Note that it was reached. Fields as in GoalReached."""

    key: Digest
    goal: Slug
    by: Slug
    customer: CustomerId | None = None
    contact: ContactId | None = None
    at: datetime
    value: int | None = None
    currency: Currency | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachGoal:
    """Note that the customer, or whoever has one of the signs, reached it. Other fields as in GoalReached."""

    key: Digest
    goal: Slug
    customer: CustomerId | None = None
    signs: tuple[Sign, ...] = ()
    at: datetime
    value: int | None = None
    currency: Currency | None = None
