"""What was reached."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.identity import ContactId, Currency, CustomerId, Digest, Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalReached:
    """This customer, or whoever this contact belongs to, did what the brand wished for; one of the two is named, as it was known.

    ``key``: keyed hash of what the brand calls this one time. ``goal``: which, such as ``signed-up``. ``value``: what it is worth, in the
    currency's smallest unit; without a currency, a mere number. ``by``: what told who it was, as in OrderMatched.
    """

    SUBJECT: ClassVar[str] = ""
    key: Digest
    goal: Slug
    by: Slug
    customer: CustomerId | None = None
    contact: ContactId | None = None
    at: datetime
    value: int | None = None
    currency: Currency | None = None


EVENTS = (("goal-reached/1", GoalReached),)
