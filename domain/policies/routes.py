"""Which of a channel's ways a message takes: the first of those offered that still has room (shared/design/platform-rules.md).

On WeChat: a service message inside the reply window, a message the recipient asked for, a template, or a mass message.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from domain.identity import Slug
from domain.message import Personal


@dataclass(frozen=True, slots=True)
class Offer:
    """One way that this message could take.

    ``windowed``: only while the reply window allows it. ``of``: the allowance it takes from, ``allowed`` in all; None: from none. ``said``:
    what the recipient would read, where that is not the message's own text.
    """

    route: Slug
    windowed: bool = False
    of: Slug | None = None
    allowed: int = 0
    said: Personal[str] | None = None


def choose(offers: Sequence[Offer], *, window_open: bool, spent: Callable[[Slug], int]) -> Offer | None:
    """Return the first way that is open; None where none is. ``spent``: how many messages took one of an allowance already."""
    for offer in offers:
        if offer.windowed and not window_open:
            continue
        if offer.of is None or spent(offer.of) < offer.allowed:
            return offer
    return None
