"""What may be asked of a customer. ``customer`` is resolved to whoever it was merged into."""

from dataclasses import dataclass
from datetime import date

from domain.customers.events import ConsentSource
from domain.identity import (
    ContactId,
    CustomerId,
    DeliveryId,
    Digest,
    Locale,
    OperatorId,
    Slug,
    Tag,
    ZoneName,
)
from domain.message import Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCustomer:
    """Open the record of a new person."""

    customer: CustomerId
    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class TagCustomer:
    """Put a tag by hand."""

    customer: CustomerId
    tag: Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagCustomer:
    """Take a tag away that was given by hand."""

    customer: CustomerId
    tag: Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class NameCustomer:
    """Say what we call this customer."""

    customer: CustomerId
    remark: Personal[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeCustomer:
    """Tell what is known of a customer; None is not said. Fields as in CustomerDescribed.

    ``digest``: keyed hash of all that is said, so that telling it again changes nothing; None: it is noted every time. Raises Rejected
    for a zone that nobody knows.
    """

    customer: CustomerId
    birthday: Personal[str] | None = None
    member_since: date | None = None
    language: Locale | None = None
    zone: ZoneName | None = None
    source: Slug
    digest: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNote:
    """Write something down about this customer."""

    customer: CustomerId
    operator: OperatorId | None
    note: Personal[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantConsent:
    """Record that the person behind this contact agreed to be written to by it. Fields as in ConsentGranted."""

    contact: ContactId
    topic: Slug
    source: ConsentSource
    text_version: Slug | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawConsent:
    """Record that the person behind this contact wants no more of it, by whatever contact."""

    contact: ContactId
    topic: Slug
    source: ConsentSource
    text_version: Slug | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReservation:
    """Give a cap back for a message that was provably never sent."""

    customer: CustomerId
    delivery: DeliveryId


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeCustomers:
    """``other`` is the same person as ``customer``, who stays. ``basis``: how we know."""

    customer: CustomerId
    other: CustomerId
    basis: Slug = Slug("operator")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmergeCustomer:
    """``customer``, which was merged into another, is somebody else after all."""

    customer: CustomerId
