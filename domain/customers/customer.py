"""The customer's decision state: consent, tags by hand, what was sent to them lately, and of which records it is made."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.customers import parts
from domain.customers.commands import (
    AddNote,
    CreateCustomer,
    DescribeCustomer,
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
    CustomerAbsorbed,
    CustomerCreated,
    CustomerDescribed,
    CustomerForgotten,
    CustomerMerged,
    CustomerNamed,
    CustomerReleased,
    CustomerTagged,
    CustomerUnmerged,
    CustomerUntagged,
    NoteAdded,
    Part,
    Reservation,
    ReservationReleased,
    SendReserved,
)
from domain.customers.parts import Parts
from domain.decider import Decider, Streams
from domain.errors import Rejected, UnknownRecipient
from domain.identity import (
    BroadcastId,
    ContactId,
    CustomerId,
    DeliveryId,
    Locale,
    RunId,
    Slug,
    Tag,
    ZoneName,
)
from domain.message import Context, Event

CustomerCommand = (
    CreateCustomer
    | TagCustomer
    | UntagCustomer
    | NameCustomer
    | DescribeCustomer
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
    | CustomerDescribed
    | NoteAdded
    | ConsentGranted
    | ConsentWithdrawn
    | SendReserved
    | ReservationReleased
    | CustomerMerged
    | CustomerAbsorbed
    | CustomerReleased
    | CustomerUnmerged
    | CustomerForgotten
)

RESERVATIONS_KEPT = timedelta(days=8)
"""A little more than the longest cap window, a week."""
RUNS_KEPT = timedelta(days=35)
"""The same for what belongs to a run: a run may go out slowly, and a person who was two meanwhile still gets one of it."""

MOST_MERGED = 50
"""Records that may be one customer; also how long a chain of merges can be."""


@dataclass(frozen=True, slots=True)
class CustomerState:
    """``parts``: the records it is made of, itself first. ``merged_into``: who answers for it; what else is here is then of that time.

    ``parted``: whom it was one customer with before: they hold reservations in common.
    """

    id: CustomerId | None = None
    parts: Parts = ()
    merged_into: CustomerId | None = None
    parted: frozenset[CustomerId] = frozenset()
    forgotten: bool = False

    @property
    def exists(self) -> bool:
        """Whether this customer was ever created."""
        return self.id is not None

    @property
    def contacts(self) -> frozenset[ContactId]:
        """All that are linked, with those of the records merged into this one."""
        return parts.linked(self.parts)

    @property
    def tags(self) -> frozenset[Tag]:
        """Tags by hand."""
        return parts.tags(self.parts)

    @property
    def consents(self) -> frozenset[Slug]:
        """Topics agreed to."""
        return parts.consents(self.parts)

    @property
    def withdrawn(self) -> frozenset[Slug]:
        """Topics ended, which beats any older consent on any contact."""
        return parts.withdrawn(self.parts)

    def agrees(self, contact: ContactId, topic: Slug) -> bool:
        """Whether they may be written to about this topic by this contact."""
        return parts.agrees(self.parts, contact, topic)

    def ended(self, topic: Slug) -> bool:
        """Whether they ended this topic, by itself or with all others, on whatever channel."""
        return parts.is_ended(self.parts, topic)

    @property
    def zone(self) -> ZoneName | None:
        """Where they live, as far as somebody told."""
        return parts.zone(self.parts)

    @property
    def language(self) -> Locale | None:
        """What they read, as far as somebody told."""
        return parts.language(self.parts)

    @property
    def reservations(self) -> tuple[Reservation, ...]:
        """What spent the cap lately, oldest first."""
        return parts.reservations(self.parts)

    def had(self, occurrence: BroadcastId | RunId, *, other_than: DeliveryId) -> bool:
        """Whether this person had this broadcast, or this run of a campaign, already, by another delivery."""
        return any(
            occurrence in {held.broadcast, held.run} and held.delivery != other_than
            for held in self.reservations
        )


def decide(state: CustomerState, command: CustomerCommand, _context: Context) -> Sequence[Event]:
    """Decide what a command means for this customer; saying what is already so changes nothing."""
    if isinstance(command, CreateCustomer):
        return () if state.exists else (CustomerCreated(customer=command.customer, contact=command.contact),)
    if state.id is None:
        raise UnknownRecipient("no such customer")
    if state.forgotten:
        return _decide_forgotten(command)
    return _decide_known(state, state.id, command)


def _decide_forgotten(command: CustomerCommand) -> Sequence[Event]:
    """What a process still says of them changes nothing; a person is told."""
    if isinstance(command, TagCustomer | UntagCustomer | NameCustomer | AddNote | DescribeCustomer):
        raise UnknownRecipient("this customer was forgotten")
    return ()


def _decide_known(
    state: CustomerState,
    me: CustomerId,
    command: TagCustomer
    | UntagCustomer
    | NameCustomer
    | DescribeCustomer
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
        case DescribeCustomer():
            return _described(state, me, command)
        case GrantConsent():
            return _granted(state, me, command)
        case WithdrawConsent():
            return _withdrawn(state, me, command)
        case ReleaseReservation(delivery=delivery):
            held = any(reservation.delivery == delivery for reservation in state.reservations)
            return (ReservationReleased(customer=me, delivery=delivery),) if held else ()
        case _:
            assert_never(command)


def _described(state: CustomerState, me: CustomerId, command: DescribeCustomer) -> Sequence[Event]:
    if command.digest is not None and command.digest == state.parts[0].described:
        return ()
    if command.zone is not None:
        try:
            ZoneInfo(command.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "Asia" is a folder
            raise Rejected(
                "{zone!r} is no time zone: write one like Asia/Shanghai", zone=command.zone
            ) from None
    return (
        CustomerDescribed(
            customer=me,
            birthday=command.birthday,
            member_since=command.member_since,
            language=command.language,
            zone=command.zone,
            source=command.source,
            digest=command.digest,
        ),
    )


def _granted(state: CustomerState, me: CustomerId, command: GrantConsent) -> Sequence[Event]:
    contact, topic = command.contact, command.topic
    agreed = topic in parts.speaking_as(state.parts, contact).consents and not state.ended(topic)
    implied = command.source is ConsentSource.CONTACT_STARTED
    if agreed or (implied and state.ended(topic)):
        return ()
    granted = ConsentGranted(
        customer=me,
        contact=contact,
        topic=topic,
        source=command.source,
        text_version=command.text_version,
    )
    return (granted,)


def _withdrawn(state: CustomerState, me: CustomerId, command: WithdrawConsent) -> Sequence[Event]:
    """Ending again what is ended changes nothing, unless some record would agree to it still once it is on its own again."""
    if parts.ended(state.parts, command.topic) == state.parts:
        return ()
    withdrawn = ConsentWithdrawn(
        customer=me,
        contact=command.contact,
        topic=command.topic,
        source=command.source,
        text_version=command.text_version,
    )
    return (withdrawn,)


def _kept(old: Reservation, at: datetime) -> bool:
    return at - old.at < (RESERVATIONS_KEPT if old.run is None else RUNS_KEPT)


def evolve(state: CustomerState, event: CustomerEvent) -> CustomerState:
    """Fold one event into the state."""
    match event:
        case CustomerCreated():
            first = Part(customer=event.customer, contacts=(event.contact,))
            return replace(state, id=event.customer, parts=(first,))
        case CustomerTagged(tag=tag):
            return replace(state, parts=parts.tagged(state.parts, tag))
        case CustomerUntagged(tag=tag):
            return replace(state, parts=parts.untagged(state.parts, tag))
        case CustomerNamed() | NoteAdded():
            return state
        case ConsentGranted(contact=contact, topic=topic):
            return replace(state, parts=parts.agreed(state.parts, contact, topic))
        case ConsentWithdrawn(topic=topic):
            return replace(state, parts=parts.ended(state.parts, topic))
        case CustomerDescribed():
            return replace(state, parts=parts.described(state.parts, event))
        case SendReserved(at=at):
            spent = Reservation(event.delivery, at, event.broadcast, event.channel, event.topic, event.run)
            return replace(state, parts=parts.reserved(state.parts, spent, lambda old: _kept(old, at)))
        case ReservationReleased(delivery=delivery):
            return replace(state, parts=parts.released(state.parts, delivery))
        case CustomerMerged(into=into):
            return replace(state, merged_into=into)
        case CustomerAbsorbed(parts=made_of):
            return replace(state, parts=made_of)
        case CustomerReleased(other=other, parts=made_of):
            return replace(state, parts=made_of, parted=state.parted | {other})
        case CustomerUnmerged(before=before, parts=made_of):
            return replace(state, parts=made_of, merged_into=None, parted=state.parted | {before})
        case CustomerForgotten():
            return CustomerState(id=state.id, forgotten=True)
        case _:
            assert_never(event)


def answering_for(customer: CustomerId, streams: Streams) -> CustomerId:
    """Return who answers for a customer: itself, or whoever it was merged into. All states on the way are read, so a race is seen."""
    for _ in range(MOST_MERGED + 1):
        into = streams.state(customers, customer).merged_into
        if into is None:
            return customer
        customer = into
    raise AssertionError(f"{customer} was merged in a circle")


def _key(command: CustomerCommand, streams: Streams) -> str:
    if isinstance(command, GrantConsent | WithdrawConsent):
        return streams.customer_of(command.contact)
    return answering_for(command.customer, streams)


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
        DescribeCustomer,
        AddNote,
        GrantConsent,
        WithdrawConsent,
        ReleaseReservation,
    ),
    key=_key,
    snapshots=3,
)
