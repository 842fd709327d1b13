"""How much of what a group hears from us may be promotion."""

from collections.abc import Sequence
from datetime import datetime

from domain.policies.frequency_cap import WEEK


def within_share(
    promotions: Sequence[datetime], others: Sequence[datetime], now: datetime, percent: int
) -> bool:
    """Whether one more promotion keeps the share.

    Of our messages to the group in the last seven days, this one among them, at most ``percent`` % are promotion:
    ``(promotions + 1) * 100 <= percent * (promotions + others + 1)``. The first in seven days always is within it: one of one is 100 %,
    and a group we never write to would hear nothing for ever.
    """
    lately = [at for at in promotions if at > now - WEEK]
    if not lately:
        return True
    whole = len(lately) + sum(1 for at in others if at > now - WEEK) + 1
    return (len(lately) + 1) * 100 <= percent * whole
