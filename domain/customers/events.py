"""What happened to a customer: decisions only. Messages are not in this stream."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from domain.identity import ContactId, CustomerId, DeliveryId, OperatorId, Slug, Tag
from domain.message import Personal


class ConsentSource(StrEnum):
    """How we know that somebody agreed or withdrew: the evidence."""

    CONTACT_STARTED = "contact-started"
    """Writing to the account in private implies it (region cn)."""
    STOP_WORD = "stop-word"
    START_WORD = "start-word"
    BUTTON = "button"
    OPERATOR = "operator"


MARKETING = Slug("marketing")
"""The one topic there is so far."""


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
class NoteAdded:
    """An operator wrote something down."""

    SUBJECT: ClassVar[str] = "customer"
    customer: CustomerId
    operator: OperatorId | None
    note: Personal[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGranted:
    """They may be written to about this topic."""

    SUBJECT: ClassVar[str] = ""
    customer: CustomerId
    contact: ContactId
    topic: Slug
    source: ConsentSource


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWithdrawn:
    """They may not, on any channel."""

    SUBJECT: ClassVar[str] = ""
    customer: CustomerId
    contact: ContactId
    topic: Slug
    source: ConsentSource


@dataclass(frozen=True, slots=True, kw_only=True)
class SendReserved:
    """A marketing message spends this customer's cap, before it is sent."""

    SUBJECT: ClassVar[str] = ""
    customer: CustomerId
    contact: ContactId
    delivery: DeliveryId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationReleased:
    """It was provably never sent: the cap is given back."""

    SUBJECT: ClassVar[str] = ""
    customer: CustomerId
    delivery: DeliveryId


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
)
