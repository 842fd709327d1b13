"""Which of a channel's routes a message may be offered to: what it carries, what its campaign wants, what the recipient gave."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from domain.identity import Slug
from domain.message import Personal
from domain.policies.routes import Offer
from domain.ports.messenger import MASS, Outbound, Route
from scheduler.letters import Written

SUBSCRIPTION = "subscription"


def offers(routes: Sequence[Route], written: Written, now: datetime) -> tuple[Offer, ...]:
    """Return the ways this message could take, the preferred one first; none on a channel that has one only.

    What is of no campaign goes inside the reply window only.
    """
    wanted = written.routes
    if wanted is None:
        return tuple(Offer(route.name, windowed=True) for route in routes if route.windowed)
    ordered = sorted(
        (route for route in routes if not wanted or route.name in wanted),
        key=lambda route: wanted.index(route.name) if wanted else 0,
    )
    return tuple(offer for route in ordered for offer in _offered(route, written, now))


def _offered(route: Route, written: Written, now: datetime) -> Iterator[Offer]:
    form = written.forms.get(route.by_form)
    if route.by_form and form is None:
        return
    said = None if form is None else Personal("\n".join(value for _, value in form.fields))
    if route.name == MASS:
        many = written.to_many
        if many is None or many.choices:  # everybody's message is the same: nobody could tell who pressed
            return
        said = Personal(many.text)
    if route.by_balance and form is not None:
        of = Slug(f"{SUBSCRIPTION}-{form.id}")
        yield Offer(route.name, of=of, allowed=written.known.given.get(of, 0), said=said)
    elif route.per_month is not None:
        month = now.astimezone(ZoneInfo(route.zone or "UTC")).strftime("%Y-%m")
        yield Offer(route.name, of=Slug(f"{route.name}-{month}"), allowed=route.per_month, said=said)
    else:
        yield Offer(route.name, windowed=route.windowed, said=said)


def routed(outbound: Outbound, route: Slug | None, routes: Sequence[Route], written: Written) -> Outbound:
    """Return the message as it takes a route."""
    if route is None:
        return outbound
    if route == MASS and written.to_many is not None:
        return replace(written.to_many, route=route)
    by_form = next((one.by_form for one in routes if one.name == route), Slug(""))
    return replace(outbound, route=route, form=written.forms.get(by_form))
