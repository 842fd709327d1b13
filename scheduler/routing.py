"""Which of a channel's routes a message may be offered to: what it carries, what its campaign wants, what the recipient gave."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from domain.identity import Slug
from domain.message import Personal
from domain.policies.routes import Offer
from domain.ports.messenger import MASS, Form, Outbound, Route

SUBSCRIPTION = "subscription"


def offers(
    routes: Sequence[Route],
    outbound: Outbound,
    forms: Mapping[Slug, Form],
    given: Mapping[Slug, int],
    now: datetime,
    wanted: Sequence[Slug] | None = None,
) -> tuple[Offer, ...]:
    """Return the ways this message could take, the preferred one first; none on a channel that has one only.

    ``forms``: those that its text has, by what routes call them. ``given``: how many consents the recipient gave, by what they are for.
    ``wanted``: its campaign's routes, empty for the channel's own order; None for what is of no campaign, which goes inside the reply
    window only.
    """
    if wanted is None:
        return tuple(Offer(route.name, windowed=True) for route in routes if route.windowed)
    ordered = sorted(
        (route for route in routes if not wanted or route.name in wanted),
        key=lambda route: wanted.index(route.name) if wanted else 0,
    )
    return tuple(offer for route in ordered for offer in _offered(route, outbound, forms, given, now))


def _offered(
    route: Route, outbound: Outbound, forms: Mapping[Slug, Form], given: Mapping[Slug, int], now: datetime
) -> Iterator[Offer]:
    form = forms.get(route.by_form)
    said = None if form is None else Personal("\n".join(value for _, value in form.fields))
    if route.by_form and form is None:
        return
    if (
        route.name == MASS and outbound.choices
    ):  # everybody's message is the same: nobody could tell who pressed
        return
    if route.by_balance and form is not None:
        of = Slug(f"{SUBSCRIPTION}-{form.id}")
        yield Offer(route.name, of=of, allowed=given.get(of, 0), said=said)
    elif route.per_month is not None:
        month = now.astimezone(ZoneInfo(route.zone or "UTC")).strftime("%Y-%m")
        yield Offer(route.name, of=Slug(f"{route.name}-{month}"), allowed=route.per_month)
    else:
        yield Offer(route.name, windowed=route.windowed, said=said)


def routed(
    outbound: Outbound, route: Slug | None, routes: Sequence[Route], forms: Mapping[Slug, Form]
) -> Outbound:
    """Return the message as it takes a route."""
    by_form = next((one.by_form for one in routes if one.name == route), Slug(""))
    return outbound if route is None else replace(outbound, route=route, form=forms.get(by_form))
