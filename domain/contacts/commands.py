"""What may be asked of a contact."""

from dataclasses import dataclass
from datetime import datetime

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
class SeeContact:
    """Somebody wrote: remember them, what they are called now, and that they can be reached."""

    contact: ContactId
    customer: CustomerId
    """Whom to create if this contact is new."""
    channel: Channel
    account: Account
    external_id: Personal[str]
    name: Personal[str]
    username: Personal[str]
    profile: Slug
    language: Locale | None = None
    private: bool = True
    source: Slug | None = None
    zone: ZoneName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockContact:
    """They cannot be reached any more."""

    contact: ContactId
    reason: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class UnblockContact:
    """They can be reached again."""

    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class BindContactToOperator:
    """This account belongs to an operator."""

    contact: ContactId
    operator: OperatorId


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressAddress:
    """Somebody there wants to be forgotten. ``address``: as ``domain.contacts.suppression.address_digest`` makes it."""

    address: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class UnbindContact:
    """This account is not the operator's any more."""

    contact: ContactId
    operator: OperatorId


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifyContact:
    """Note what tells who is behind an account. Fields as in ContactIdentified."""

    contact: ContactId
    kind: Slug
    digest: Digest
    value: Personal[str]
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteContact:
    """Note what the provider tells of somebody besides their messages, where it is not known yet. Fields as in ContactCompleted."""

    contact: ContactId
    language: Locale | None
    source: Slug | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntroduceCustomer:
    """Note what somebody said they are called. Fields as in CustomerIntroduced."""

    contact: ContactId
    name: Personal[str]
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldIdentifier:
    """A contact has this identifier for certain: whoever else has it is the same person."""

    digest: Digest
    contact: ContactId
    kind: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkContacts:
    """Two accounts are one person's, as ``basis`` shows. What cannot be linked (one of us) stays as it is: nobody is there to be told."""

    contact: ContactId
    other: ContactId
    basis: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueLinkCode:
    """Make a one-time code. Fields as in LinkCodeIssued."""

    code: Digest
    customer: CustomerId
    contact: ContactId | None
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemLinkCode:
    """Somebody says: I am the one who was given this code."""

    code: Digest
    contact: ContactId
