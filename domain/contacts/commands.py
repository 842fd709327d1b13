"""What may be asked of a contact."""

from dataclasses import dataclass

from domain.identity import Account, Channel, ContactId, CustomerId, Locale, OperatorId, Slug
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
class UnbindContact:
    """This account is not the operator's any more."""

    contact: ContactId
    operator: OperatorId
