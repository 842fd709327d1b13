"""Records: what becomes of the customers view when customers are merged and un-merged."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.customers import parts
from domain.customers.events import MARKETING, CustomerAbsorbed, CustomerReleased, CustomerUnmerged, Part
from domain.identity import CustomerId, Slug
from projections.projection import Rows

MERGED = Slug("merged")
"""The source of a standing for which no record has evidence of its own."""
MadeOf = CustomerAbsorbed | CustomerReleased | CustomerUnmerged


@dataclass(frozen=True, slots=True)
class MergedAway:
    """A record that is part of another customer now. Its number still leads there."""

    id: CustomerId
    number: int
    remark: str


def consent_id(customer: CustomerId, topic: Slug) -> str:
    """Return the key of a row of CONSENTS."""
    return f"{customer}:{topic}"


def consent_ids(event: MadeOf) -> Iterable[str]:
    """Return the rows of CONSENTS that ``stand`` looks at."""
    return (consent_id(part.customer, topic) for part in event.parts for topic in _topics(event.parts))


def _topics(made_of: parts.Parts) -> list[Slug]:
    own = {topic for part in made_of for topic in (*part.consents, *part.withdrawn)}
    return sorted({MARKETING, *own})


def follow(customers: Rows, event: MadeOf) -> None:
    """Let the rows of CUSTOMERS say who answers for whom. ``customers``: with the rows of all parts."""
    customers[event.customer]["merged_into"] = None
    for part in event.parts[1:]:
        customers[part.customer]["merged_into"] = event.customer


def stand(consents: Rows, event: MadeOf, at: datetime) -> None:
    """Let the rows of CONSENTS say where the customer stands now: the strictest wins (domain/customers/parts.py)."""
    agreed, ended = parts.consents(event.parts), parts.withdrawn(event.parts)
    for topic in _topics(event.parts):
        row = consents.get(consent_id(event.customer, topic))
        if topic not in agreed | ended:
            consents.discard(consent_id(event.customer, topic))
        elif row is None or row["granted"] != (topic in agreed):
            consents.put(_standing(consents, event, topic, at, granted=topic in agreed))


def _standing(consents: Rows, event: MadeOf, topic: Slug, at: datetime, *, granted: bool) -> dict[str, Any]:
    """The evidence is that of the part that says so."""
    new = {"id": consent_id(event.customer, topic), "customer": event.customer, "topic": topic}
    for part in event.parts:
        row = consents.get(consent_id(part.customer, topic))
        if row is not None and row["granted"] == granted:
            return {**row, **new}
    whose = next((p for p in event.parts if topic in _said(p, granted=granted)), event.parts[0])
    return {
        **new,
        "granted": granted,
        "contact": whose.contacts[0],
        "source": MERGED,
        "at": at,
        "text_version": None,
    }


def _said(part: Part, *, granted: bool) -> tuple[Slug, ...]:
    return part.consents if granted else part.withdrawn
