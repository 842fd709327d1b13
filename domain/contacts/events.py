"""What happened to a contact."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.identity import (
    Account,
    Channel,
    ContactId,
    CustomerId,
    Digest,
    Locale,
    OperatorId,
    Slug,
    ZoneName,
)
from domain.message import Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSeen:
    """Somebody wrote for the first time. ``private``: to us alone, not only in a group."""

    SUBJECT: ClassVar[str] = "contact"
    contact: ContactId
    customer: CustomerId
    channel: Channel
    account: Account
    external_id: Personal[str]
    name: Personal[str]
    username: Personal[str]
    profile: Slug
    """Keyed hash of name, user name, language and zone: a change is noticed without keeping them in the state."""
    language: Locale | None = None
    private: bool = True
    source: Slug | None = None
    zone: ZoneName | None = None
    """Where their device says they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactProfileChanged:
    """The provider shows another name, user name, language or zone."""

    SUBJECT: ClassVar[str] = "contact"
    contact: ContactId
    name: Personal[str]
    username: Personal[str]
    profile: Slug
    language: Locale | None = None
    zone: ZoneName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactReached:
    """Somebody known from a group wrote to us in private: from now on we may write to them."""

    SUBJECT: ClassVar[str] = ""
    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactBlocked:
    """They blocked us, or their account is gone. ``reason``: ``blocked``, ``deactivated``."""

    SUBJECT: ClassVar[str] = ""
    contact: ContactId
    reason: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactUnblocked:
    """They unblocked us, or wrote again."""

    SUBJECT: ClassVar[str] = ""
    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactBoundToOperator:
    """This account belongs to one of us: no customer's rules apply to it."""

    SUBJECT: ClassVar[str] = ""
    contact: ContactId
    operator: OperatorId


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactUnbound:
    """Whose account this is has left the team: they are a customer like others."""

    SUBJECT: ClassVar[str] = ""
    contact: ContactId
    operator: OperatorId


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactForgotten:
    """Whoever was behind it asked to be forgotten: nothing is kept here or sent there any more."""

    SUBJECT: ClassVar[str] = ""
    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressSuppressed:
    """Somebody at this address asked to be forgotten. If they return, as somebody new, that they write to us implies no consent.

    ``address``: keyed hash of channel, account and external id.
    """

    SUBJECT: ClassVar[str] = ""
    address: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactLinked:
    """This account belongs to another customer from now on: linked, or on its way back."""

    SUBJECT: ClassVar[str] = ""
    contact: ContactId
    customer: CustomerId
    before: CustomerId


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactIdentified:
    """Something that tells who is behind this account. ``kind``: ``phone`` (E.164) or ``unionid``.

    ``digest``: keyed hash of kind and value. ``verified``: the channel vouches for it; otherwise an operator noted it.
    """

    SUBJECT: ClassVar[str] = "contact"
    contact: ContactId
    kind: Slug
    digest: Digest
    value: Personal[str]
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactCompleted:
    """The provider told what was not known of somebody: their language, by which code they came. None: nothing new."""

    SUBJECT: ClassVar[str] = ""
    contact: ContactId
    language: Locale | None
    source: Slug | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerIntroduced:
    """Somebody said what they are called. ``digest``: keyed hash of the name: that it is known already is noticed without it."""

    SUBJECT: ClassVar[str] = "contact"
    contact: ContactId
    name: Personal[str]
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRefused:
    """Somebody tried a code that is wrong, used or too old."""

    SUBJECT: ClassVar[str] = ""
    contact: ContactId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierHeld:
    """A contact for whom a channel vouches has this identifier. The stream is the identifier's: whoever comes second is seen."""

    SUBJECT: ClassVar[str] = ""
    contact: ContactId
    kind: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCodeIssued:
    """A one-time code was made that links whoever sends it to this customer; only its keyed hash is kept.

    ``contact``: who asked for it, None for an operator's, who passes it on.
    """

    SUBJECT: ClassVar[str] = ""
    code: Digest
    customer: CustomerId
    contact: ContactId | None
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCodeUsed:
    """A contact sent it: nobody else can."""

    SUBJECT: ClassVar[str] = ""
    code: Digest
    contact: ContactId


EVENTS = (
    ("contact-seen/1", ContactSeen),
    ("contact-profile-changed/1", ContactProfileChanged),
    ("contact-reached/1", ContactReached),
    ("contact-blocked/1", ContactBlocked),
    ("contact-unblocked/1", ContactUnblocked),
    ("contact-bound-to-operator/1", ContactBoundToOperator),
    ("contact-linked/1", ContactLinked),
    ("contact-identified/1", ContactIdentified),
    ("contact-completed/1", ContactCompleted),
    ("customer-introduced/1", CustomerIntroduced),
    ("link-refused/1", LinkRefused),
    ("contact-unbound/1", ContactUnbound),
    ("contact-forgotten/1", ContactForgotten),
)
SUPPRESSION_EVENTS = (("address-suppressed/1", AddressSuppressed),)
IDENTIFIER_EVENTS = (("identifier-held/1", IdentifierHeld),)
LINK_CODE_EVENTS = (
    ("link-code-issued/1", LinkCodeIssued),
    ("link-code-used/1", LinkCodeUsed),
)
