"""What happened to a contact."""

from dataclasses import dataclass
from typing import ClassVar

from domain.identity import Account, Channel, ContactId, CustomerId, Locale, OperatorId, Slug
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
    """Keyed hash of name, user name and language: a change is noticed without keeping them in the state."""
    language: Locale | None = None
    private: bool = True
    source: Slug | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactProfileChanged:
    """The provider shows another name, user name or language."""

    SUBJECT: ClassVar[str] = "contact"
    contact: ContactId
    name: Personal[str]
    username: Personal[str]
    profile: Slug
    language: Locale | None = None


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


EVENTS = (
    ("contact-seen/1", ContactSeen),
    ("contact-profile-changed/1", ContactProfileChanged),
    ("contact-reached/1", ContactReached),
    ("contact-blocked/1", ContactBlocked),
    ("contact-unblocked/1", ContactUnblocked),
    ("contact-bound-to-operator/1", ContactBoundToOperator),
    ("contact-unbound/1", ContactUnbound),
)
