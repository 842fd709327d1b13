"""``/customers``: who there is, and what happened with one of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from bot.api.audit import record_read
from bot.api.auth import Viewer
from bot.api.pages import USUAL, Cursor, Limit, Page, Told, cut, place
from bot.api.whom import NAMED, one
from domain.deliveries.delivery import Phase
from domain.identity import Tag
from projections.people import customers
from projections.tags import holders, tags_of
from projections.timeline import Entry, Filters, Kind, of_customer

router = APIRouter(tags=["customers"])

HIGHEST = 2**31 - 1
"""Numbers of customers end here, in PostgreSQL."""
LISTING, SHOWING = "customers", "timeline"
"""As operators' commands are called that tell the same."""


class Contact(Told):
    """Where a customer is reached. ``name``: as the channel shows it; ``own_name``: as they said it; ``blocked``: why not any more."""

    id: str
    channel: str
    account: str
    external_id: str
    name: str
    own_name: str
    username: str
    blocked: str | None
    last_in: datetime | None


class Consent(Told):
    """Where they stand on a topic, since when, and how we know."""

    topic: str
    granted: bool
    contact: str
    source: str
    at: datetime


class Customer(Told):
    """As ``siyu customers --json``, with consents. ``last_seen``: when their last message was sent."""

    id: str
    number: int
    name: str
    tags: list[str]
    last_seen: datetime | None
    created_at: datetime
    phones: list[str]
    contacts: list[Contact]
    consents: list[Consent]


class State(Told):
    """Where a delivery stood, since when, and why."""

    phase: Phase
    at: datetime
    reason: str | None
    rule: str | None


class File(Told):
    """The file of a message: kept where ``media`` says, or refused for ``reason``."""

    media: str | None
    kind: str | None
    content_type: str | None
    size: int | None
    name: str | None
    reason: str | None


class Happened(Told):
    """One thing in a timeline, as ``siyu timeline --json``. ``edited``: what a message reads now; ``states``: a delivery's history."""

    position: int
    kind: Kind
    at: datetime
    event: str
    actor: str
    incoming: bool
    contact: str | None
    customer: str | None
    group: str | None
    channel: str | None
    text: str | None
    edited: str | None
    value: str | None
    provider_message: str | None
    forwarded: bool
    delivery: str | None
    broadcast: str | None
    occasion: str | None
    file: File | None
    states: list[State]


WITH_TAG = Annotated[
    str | None,
    Query(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f\x7f]+$", description="only with this tag"),
]
KINDS = Annotated[Kind | None, Query(description="only this kind")]


@router.get("/customers")
def list_customers(
    caller: Viewer, tag: WITH_TAG = None, limit: Limit = USUAL, cursor: Cursor = None
) -> Page[Customer]:
    """Customers by number, all or those with a tag; operators are none."""
    caller.house.catch_up()
    among = None if tag is None else holders(Tag(tag))
    with caller.house.views.snapshot() as connection:
        found = customers.listed(connection, among=among, after=min(place(cursor), HIGHEST), limit=limit + 1)
        page, next_ = cut(found, limit, lambda customer: customer.number)
        tags = {person.id: [held.tag for held in tags_of(connection, person.id)] for person in page}
    if page:
        record_read(caller, LISTING, "GET /customers", [person.id for person in page])
    return Page[Customer](items=[_told(person, tags[person.id]) for person in page], next=next_)


@router.get("/customers/{customer}")
def show_customer(caller: Viewer, customer: NAMED) -> Customer:
    """One customer."""
    whom = one(caller, customer)
    with caller.house.views.read() as connection:
        tags = [held.tag for held in tags_of(connection, whom.id)]
    record_read(caller, LISTING, f"GET /customers/#{whom.number}", [whom.id])
    return _told(whom, tags)


@router.get("/customers/{customer}/timeline")
def show_timeline(
    caller: Viewer, customer: NAMED, kind: KINDS = None, limit: Limit = USUAL, cursor: Cursor = None
) -> Page[Happened]:
    """What happened with a customer, in the order of the conversation: the newest of it first, `next` leads to what was before."""
    whom = one(caller, customer)
    kinds = frozenset() if kind is None else frozenset({kind})
    before = None if cursor is None else place(cursor)
    with caller.house.views.snapshot() as connection:
        found = of_customer(connection, whom.id, Filters(kinds=kinds, before=before, limit=limit + 1))
    page = found[-limit:]
    record_read(caller, SHOWING, f"GET /customers/#{whom.number}/timeline", [whom.id])
    return Page[Happened](items=_entries(page), next=str(page[0].place) if len(found) > limit else None)


def _entries(page: Sequence[Entry]) -> list[Happened]:
    return [Happened.model_validate(entry) for entry in page]


def _told(person: customers.Customer, tags: Sequence[str]) -> Customer:
    return Customer(
        id=person.id,
        number=person.number,
        name=person.name,
        tags=sorted(set(tags)),
        last_seen=person.last_in,
        created_at=person.created_at,
        phones=list(person.phones),
        contacts=[Contact.model_validate(contact) for contact in person.contacts],
        consents=[Consent.model_validate(consent) for consent in person.consents],
    )
