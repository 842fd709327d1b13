"""Occasions: days that come again each year, for everybody (``06-18``) or for each on a day of their own (``birthday``)."""

from datetime import date, timedelta

from domain.errors import Rejected
from domain.identity import Slug
from domain.policies.anniversaries import Day, birthday_of, kept_on

BIRTHDAY = Slug("birthday")
"""Solar or lunar, as it was told."""
MEMBER_ANNIVERSARY = Slug("member-anniversary")
"""Of the day they became a member, from the first year on."""
OWN = frozenset({BIRTHDAY, MEMBER_ANNIVERSARY})
"""Each customer has their own."""


def day_of(occasion: Slug) -> Day | None:
    """Return (month, day) of an occasion that is the same for everybody; None for one that is each one's own. Raises Rejected."""
    if occasion in OWN:
        return None
    named = birthday_of(occasion)
    if named is None or named.lunar or named.year is not None:
        raise Rejected(
            "{occasion!r} is no day of the year: write birthday, member-anniversary or one like 06-18",
            occasion=occasion,
        )
    return named.month, named.day


def kept(sent_on: date, offset_days: int) -> date:
    """Return the day whose occasion a message of some day is about; ``offset_days``: so many days after the occasion it is sent."""
    return sent_on - timedelta(days=offset_days)


def sends_on(day: date, occasion: Slug, offset_days: int) -> bool:
    """Whether messages of this occasion go out on a local date; for an occasion of their own they do every day. Raises Rejected."""
    named = day_of(occasion)
    return named is None or named in kept_on(kept(day, offset_days))
