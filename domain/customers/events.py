"""What happened to a customer: decisions only. Messages are not in this stream."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from domain.identity import (
    MARKETING_TOPIC,
    ORDER,
    BroadcastId,
    CampaignId,
    Channel,
    ContactId,
    CustomerId,
    DeliveryId,
    Digest,
    Locale,
    OperatorId,
    RunId,
    Slug,
    SubjectId,
    Tag,
    ZoneName,
)
from domain.message import Personal


class ConsentSource(StrEnum):
    """How we know that somebody agreed or withdrew: the evidence."""

    CONTACT_STARTED = "contact-started"
    """Writing to the account in private implies it (region cn)."""
    STOP_WORD = "stop-word"
    START_WORD = "start-word"
    BUTTON = "button"
    OPERATOR = "operator"
    FORGOTTEN = "forgotten"
    """Somebody at this address asked to be forgotten before."""


MARKETING = MARKETING_TOPIC
"""The umbrella: agreeing to it covers every topic that was not ended by itself, ending it ends them all."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """One marketing message that spent this customer's caps.

    ``broadcast``, ``run``: of which it may get one only, however many records it had. ``channel``: None where it was not noted yet.
    """

    delivery: DeliveryId
    at: datetime
    broadcast: BroadcastId | None = None
    channel: Channel | None = None
    topic: Slug = MARKETING
    run: RunId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """The person ended a withdrawal again, speaking as ``by``: it holds for as long as the two are one customer.

    A topic may be taken up again of all that a withdrawal of the umbrella ended.
    """

    topic: Slug
    by: CustomerId


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One record of those that make up a customer: what it would take along if it were on its own again.

    ``into``: the record it was merged into, None for the one that stays. ``contacts``: the one that was first known as this record: there
    is one record for each contact, so what a record agreed to was agreed to on that channel. ``tags``: given to it by hand.
    ``consents``: what its own contact agreed to; ``withdrawn``: what any of the linked contacts ended. ``described``: the digest of
    what was last told of it.
    """

    customer: CustomerId
    into: CustomerId | None = None
    contacts: tuple[ContactId, ...] = ()
    tags: tuple[Tag, ...] = ()
    consents: tuple[Slug, ...] = ()
    withdrawn: tuple[Slug, ...] = ()
    lifted: tuple[Lift, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    zone: ZoneName | None = None
    language: Locale | None = None
    described: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerCreated:
    """A new person; known by this contact."""

    SUBJECT: ClassVar[str] = ""
    customer: CustomerId
    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerTagged:
    """An operator (or a customer's own choice) put a tag; tags by rule are not events."""

    SUBJECT: ClassVar[str] = ""
    customer: CustomerId
    tag: Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerUntagged:
    """A tag given by hand was taken away."""

    SUBJECT: ClassVar[str] = ""
    customer: CustomerId
    tag: Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerNamed:
    """An operator's remark: what we call this customer."""

    SUBJECT: ClassVar[str] = "customer"
    customer: CustomerId
    remark: Personal[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDescribed:
    """Somebody who knows told us about them; None is what was not said, and changes nothing.

    ``birthday``: ``1990-05-17``, ``05-17``, or in the lunar calendar ``lunar:04-15``. ``source``: who told (``import``, ``api``,
    ``operator``). ``digest``: keyed hash of all that was said.
    """

    SUBJECT: ClassVar[str] = "customer"
    customer: CustomerId
    birthday: Personal[str] | None = None
    member_since: date | None = None
    language: Locale | None = None
    zone: ZoneName | None = None
    source: Slug
    digest: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAdded:
    """An operator wrote something down."""

    SUBJECT: ClassVar[str] = "customer"
    customer: CustomerId
    operator: OperatorId | None
    note: Personal[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGranted:
    """They may be written to about this topic, by this contact.

    ``text_version``: which wording they agreed to, as the brand numbers its texts; None where there was none to see.
    """

    SUBJECT: ClassVar[str] = ""
    customer: CustomerId
    contact: ContactId
    topic: Slug
    source: ConsentSource
    text_version: Slug | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWithdrawn:
    """They may not, on any channel; the umbrella's withdrawal ends every topic. ``contact``: by which they said so."""

    SUBJECT: ClassVar[str] = ""
    customer: CustomerId
    contact: ContactId
    topic: Slug
    source: ConsentSource
    text_version: Slug | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendReserved:
    """A marketing message spends this customer's caps, before it is sent: the one over all, its channel's and its topic's."""

    SUBJECT: ClassVar[str] = ""
    customer: CustomerId
    contact: ContactId
    delivery: DeliveryId
    at: datetime
    broadcast: BroadcastId | None = None
    channel: Channel | None = None
    topic: Slug = MARKETING
    campaign: CampaignId | None = None
    run: RunId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationReleased:
    """It was provably never sent: the cap is given back."""

    SUBJECT: ClassVar[str] = ""
    customer: CustomerId
    delivery: DeliveryId


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerMerged:
    """This record is part of another customer from now on, who answers for it. ``basis``: operator, code, phone, unionid."""

    SUBJECT: ClassVar[str] = ""
    customer: CustomerId
    into: CustomerId
    basis: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerAbsorbed:
    """This customer took in another, with all that had been merged into it. ``parts``: all that it is made of now, itself first."""

    SUBJECT: ClassVar[str] = ""
    customer: CustomerId
    other: CustomerId
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReleased:
    """A part of this customer is on its own again. ``parts``: what this one is made of now, itself first."""

    SUBJECT: ClassVar[str] = ""
    customer: CustomerId
    other: CustomerId
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerUnmerged:
    """This record is a customer of its own again. ``before``: whom it was part of; ``parts``: what it takes along, itself first."""

    SUBJECT: ClassVar[str] = ""
    customer: CustomerId
    before: CustomerId
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerForgotten:
    """They asked to be forgotten: the promise that everything personal about them is destroyed, again at every start.

    ``customers``: this one and all that were merged into it; ``contacts``: all of theirs. ``orders``: what operators said of them.
    """

    SUBJECT: ClassVar[str] = ""
    customer: CustomerId
    customers: tuple[CustomerId, ...]
    contacts: tuple[ContactId, ...]
    orders: tuple[Digest, ...] = ()
    operator: OperatorId | None = None

    @property
    def subjects(self) -> tuple[SubjectId, ...]:
        """Whose keys are destroyed."""
        named = (("customer", self.customers), ("contact", self.contacts), (ORDER, self.orders))
        return tuple(SubjectId(f"{category}-{key}") for category, keys in named for key in keys)


EVENTS = (
    ("customer-created/1", CustomerCreated),
    ("customer-tagged/1", CustomerTagged),
    ("customer-untagged/1", CustomerUntagged),
    ("customer-named/1", CustomerNamed),
    ("note-added/1", NoteAdded),
    ("consent-granted/1", ConsentGranted),
    ("consent-withdrawn/1", ConsentWithdrawn),
    ("send-reserved/1", SendReserved),
    ("reservation-released/1", ReservationReleased),
    ("customer-forgotten/1", CustomerForgotten),
    ("customer-merged/1", CustomerMerged),
    ("customer-absorbed/1", CustomerAbsorbed),
    ("customer-released/1", CustomerReleased),
    ("customer-unmerged/1", CustomerUnmerged),
    ("customer-described/1", CustomerDescribed),
)
