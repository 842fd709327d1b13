"""Order numbers: what they come down to when they are compared, and what in a message looks like one."""

import re
from collections.abc import Callable

from domain.identity import Digest, PurchaseId
from domain.policies.text import folded

LONGEST_NUMBER = 64
MOST_NUMBERS_SAID = 5
"""In one message."""
_SPOKEN = re.compile(r"[a-z0-9](?:[a-z0-9_-]{4,38})[a-z0-9]", re.ASCII)
FEWEST_DIGITS = 4


def purchase_of(digest: Callable[..., Digest], number: str) -> PurchaseId:
    """Return the purchase with this order number; case, width and outer blanks do not count."""
    return PurchaseId(digest("purchase", folded(number)))


def numbers_said(text: str) -> list[str]:
    """Return what in a text may be an order number, at most MOST_NUMBERS_SAID: six signs or more, at least four of them digits."""
    found: dict[str, None] = {}
    for token in _SPOKEN.findall(folded(text)):
        if sum(sign.isdecimal() for sign in token) >= FEWEST_DIGITS:
            found[token] = None
        if len(found) == MOST_NUMBERS_SAID:
            break
    return list(found)
