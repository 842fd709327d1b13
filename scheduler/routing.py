"""Which of a channel's routes a message is offered to, and how it takes the one that the gate chose (domain/policies/routes.py)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from domain.identity import Slug
from domain.policies import routes as policy
from domain.policies.routes import Offer, Sayable
from domain.ports.messenger import Outbound, Route
from scheduler.letters import Written


def offers(routes: Sequence[Route], written: Written, now: datetime) -> tuple[Offer, ...]:
    """Return the ways this message could take, the preferred one first; none on a channel that has one only."""
    return policy.offers(routes, _sayable(written), now)


def _sayable(written: Written) -> Sayable | None:
    if written.routes is None:
        return None
    many = written.to_many
    return Sayable(
        forms={
            name: (form.id, "\n".join(value for _, value in form.fields))
            for name, form in written.forms.items()
        },
        # What asks something back goes to one only: everybody's message is the same, and nobody could tell who pressed.
        to_many=None if many is None or many.choices else many.text,
        wanted=written.routes,
        given=written.known.given,
    )


def routed(outbound: Outbound, route: Slug | None, routes: Sequence[Route], written: Written) -> Outbound:
    """Return the message as it takes a route."""
    taken = next((one for one in routes if one.name == route), None)
    if route is None or taken is None:
        return outbound if route is None else replace(outbound, route=route)
    if taken.together is not None and written.to_many is not None:
        return replace(written.to_many, route=route)
    return replace(outbound, route=route, form=written.forms.get(taken.by_form))
