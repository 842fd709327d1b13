"""The customer's decision state: consent, tags by hand, what was sent to them lately."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from domain.customers.commands import (
    AddNote,
    CreateCustomer,
    GrantConsent,
    NameCustomer,
    ReleaseReservation,
    TagCustomer,
    UntagCustomer,
    WithdrawConsent,
)
from domain.customers.events import (
    EVENTS,
    ConsentGranted,
    ConsentSource,
    ConsentWithdrawn,
    CustomerCreated,
    CustomerNamed,
    CustomerTagged,
    CustomerUntagged,
    NoteAdded,
    ReservationReleased,
    SendReserved,
)
from domain.decider import Decider, Streams
from domain.errors import UnknownRecipient
from domain.identity import ContactId, CustomerId, DeliveryId, Slug, Tag
from domain.message import Context, Event

CustomerCommand = (
    CreateCustomer
    | TagCustomer
    | UntagCustomer
    | NameCustomer
    | AddNote
    | GrantConsent
    | WithdrawConsent
    | ReleaseReservation
)
CustomerEvent = (
    CustomerCreated
    | CustomerTagged
    | CustomerUntagged
    | CustomerNamed
    | NoteAdded
    | ConsentGranted
    | ConsentWithdrawn
    | SendReserved
    | ReservationReleased
)

RESERVATIONS_KEPT = timedelta(days=8)
"""A little more than the longest cap window, a week."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """One marketing message that spent this customer's cap."""

    delivery: DeliveryId
    at: datetime


@dataclass(frozen=True, slots=True)
class CustomerState:
    """``consents``: topics agreed to; ``withdrawn``: topics ended, which beats any older consent on any contact."""

    id: CustomerId | None = None
    contacts: frozenset[ContactId] = frozenset()
    tags: frozenset[Tag] = frozenset()
    consents: frozenset[Slug] = frozenset()
    withdrawn: frozenset[Slug] = frozenset()
    reservations: tuple[Reservation, ...] = ()

    @property
    def exists(self) -> bool:
        """Whether this customer was ever created."""
        return self.id is not None


def decide(state: CustomerState, command: CustomerCommand, _context: Context) -> Sequence[Event]:
    """Decide what a command means for this customer; saying what is already so changes nothing."""
    if isinstance(command, CreateCustomer):
        return () if state.exists else (CustomerCreated(customer=command.customer, contact=command.contact),)
    if state.id is None:
        raise UnknownRecipient("no such customer")
    return _decide_known(state, state.id, command)


def _decide_known(
    state: CustomerState,
    me: CustomerId,
    command: TagCustomer
    | UntagCustomer
    | NameCustomer
    | AddNote
    | GrantConsent
    | WithdrawConsent
    | ReleaseReservation,
) -> Sequence[Event]:
    match command:
        case TagCustomer(tag=tag):
            return () if tag in state.tags else (CustomerTagged(customer=me, tag=tag),)
        case UntagCustomer(tag=tag):
            return (CustomerUntagged(customer=me, tag=tag),) if tag in state.tags else ()
        case NameCustomer(remark=remark):
            return (CustomerNamed(customer=me, remark=remark),)
        case AddNote(operator=operator, note=note):
            return (NoteAdded(customer=me, operator=operator, note=note),)
        case GrantConsent(contact=contact, topic=topic, source=source):
            implied = source is ConsentSource.CONTACT_STARTED
            if topic in state.consents or (implied and topic in state.withdrawn):
                return ()
            return (ConsentGranted(customer=me, contact=contact, topic=topic, source=source),)
        case WithdrawConsent(contact=contact, topic=topic, source=source):
            if topic in state.withdrawn:
                return ()
            return (ConsentWithdrawn(customer=me, contact=contact, topic=topic, source=source),)
        case ReleaseReservation(delivery=delivery):
            held = any(reservation.delivery == delivery for reservation in state.reservations)
            return (ReservationReleased(customer=me, delivery=delivery),) if held else ()
        case _:
            assert_never(command)


def evolve(state: CustomerState, event: CustomerEvent) -> CustomerState:
    """Fold one event into the state."""
    match event:
        case CustomerCreated():
            return replace(state, id=event.customer, contacts=frozenset({event.contact}))
        case CustomerTagged(tag=tag):
            return replace(state, tags=state.tags | {tag})
        case CustomerUntagged(tag=tag):
            return replace(state, tags=state.tags - {tag})
        case CustomerNamed() | NoteAdded():
            return state
        case ConsentGranted(topic=topic):
            return replace(state, consents=state.consents | {topic}, withdrawn=state.withdrawn - {topic})
        case ConsentWithdrawn(topic=topic):
            return replace(state, consents=state.consents - {topic}, withdrawn=state.withdrawn | {topic})
        case SendReserved(delivery=delivery, at=at):
            recent = tuple(
                r for r in state.reservations if at - r.at < RESERVATIONS_KEPT and r.delivery != delivery
            )
            return replace(state, reservations=(*recent, Reservation(delivery, at)))
        case ReservationReleased(delivery=delivery):
            return replace(state, reservations=tuple(r for r in state.reservations if r.delivery != delivery))
        case _:
            assert_never(event)


def _key(command: CustomerCommand, streams: Streams) -> str:
    if isinstance(command, GrantConsent | WithdrawConsent):
        return streams.customer_of(command.contact)
    return command.customer


customers = Decider(
    category="customer",
    initial=CustomerState(),
    decide=decide,
    evolve=evolve,
    events=EVENTS,
    commands=(
        CreateCustomer,
        TagCustomer,
        UntagCustomer,
        NameCustomer,
        AddNote,
        GrantConsent,
        WithdrawConsent,
        ReleaseReservation,
    ),
    key=_key,
    snapshots=1,
)
