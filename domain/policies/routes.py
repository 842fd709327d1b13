"""Which of a channel's ways a message takes: the first of those offered that still has room (shared/design/platform-rules.md).

On WeChat: a service message inside the reply window, a message the recipient asked for, a template, or a mass message.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from domain.identity import Slug
from domain.message import Personal, Route
from domain.policies.may_contact import Allow, Refuse, Verdict

SUBSCRIPTION: Final = "subscription"
REPLY_WINDOW: Final = Slug("reply-window")
NO_ROUTE: Final = Refuse(Slug("no-route"), Slug("routes"))


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


NO_WAY: Final = Offer(Slug("none"), of=Slug("none"))
"""Stands where a message has no text for any of the routes it may take: nobody can take this one. No offers would mean a channel with one
way only."""


@dataclass(frozen=True, slots=True)
class Sayable:
    """What a message of a campaign has to say by each route.

    ``forms``: the provider's templates that may go instead of its text, as (id there, what they say), by what a route calls them.
    ``to_many``: what everybody can be sent alike, None where that cannot be said. ``wanted``: the routes its campaign may take, the
    preferred one first; empty: the channel's own order. ``given``: consents of the recipient, by what they are for, used or not.
    """

    forms: Mapping[Slug, tuple[str, str]] = field(default_factory=dict)
    to_many: str | None = None
    wanted: Sequence[Slug] = ()
    given: Mapping[Slug, int] = field(default_factory=dict)


def offers(routes: Sequence[Route], sayable: Sayable | None, now: datetime) -> tuple[Offer, ...]:
    """Return the ways a message could take, the preferred one first; none on a channel that has one only.

    ``sayable``: None for what is of no campaign, which goes inside the reply window only.
    """
    if sayable is None:
        return tuple(Offer(route.name, windowed=True) for route in routes if route.windowed)
    wanted = sayable.wanted
    ordered = sorted(
        (route for route in routes if not wanted or route.name in wanted),
        key=lambda route: wanted.index(route.name) if wanted else 0,
    )
    found = tuple(offer for route in ordered for offer in _offered(route, sayable, now))
    return found or ((NO_WAY,) if routes else ())


def _offered(route: Route, sayable: Sayable, now: datetime) -> Iterator[Offer]:
    form = sayable.forms.get(route.by_form)
    if route.by_form and form is None:
        return
    said = None if form is None else Personal(form[1])
    if route.together is not None:
        if sayable.to_many is None:
            return
        said = Personal(sayable.to_many)
    if route.by_balance and form is not None:
        of = Slug(f"{SUBSCRIPTION}-{form[0]}")
        yield Offer(route.name, of=of, allowed=sayable.given.get(of, 0), said=said)
    elif route.per_month is not None:
        month = now.astimezone(ZoneInfo(route.zone or "UTC")).strftime("%Y-%m")
        yield Offer(route.name, of=Slug(f"{route.name}-{month}"), allowed=route.per_month, said=said)
    else:
        yield Offer(route.name, windowed=route.windowed, said=said)


def choose(offers: Sequence[Offer], *, window_open: bool, spent: Callable[[Slug], int]) -> Offer | None:
    """Return the first way that is open; None where none is. ``spent``: how many messages took one of an allowance already."""
    for offer in offers:
        if offer.windowed and not window_open:
            continue
        if offer.of is None or spent(offer.of) < offer.allowed:
            return offer
    return None


def routed(
    verdict: Verdict, offers: Sequence[Offer], *, opened: bool, spent: Callable[[Slug], int]
) -> tuple[Verdict, Offer | None]:
    """Return what a verdict comes to where there are several ways, and which is taken. ``opened``: whether they ever opened a window.

    Where only the reply window objects, another route may be open: the window is asked last, so nothing else does.
    """
    closed = isinstance(verdict, Refuse) and verdict.rule == REPLY_WINDOW
    if not offers or not (closed or isinstance(verdict, Allow)):
        return verdict, None
    only_window = all(offer.windowed for offer in offers)
    # Whoever never opened a window has none. But the view may not know of it yet where somebody is answered at once, by this route only.
    window_open = not closed and (opened or only_window)
    offer = choose(offers, window_open=window_open, spent=spent)
    if offer is not None:
        return Allow(), offer
    return (verdict if closed and only_window else NO_ROUTE), None
