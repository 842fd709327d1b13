"""What happened to the team, and what it did."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from domain.identity import ContactId, CustomerId, Digest, OperatorId, Slug
from domain.message import Personal


class Role(StrEnum):
    """What an operator may do; each includes those before it."""

    VIEWER = "viewer"
    AGENT = "agent"
    MARKETER = "marketer"
    MANAGER = "manager"
    OWNER = "owner"

    def includes(self, other: "Role") -> bool:
        """Whether this role may do what ``other`` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class CommandOutcome(StrEnum):
    """What became of an operator's command."""

    DONE = "done"
    REFUSED = "refused"
    ASKED = "asked"
    """It wants a confirmation, or which of several was meant."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAdded:
    """A new member of the team. ``name_digest`` keeps two from having one name."""

    SUBJECT: ClassVar[str] = "operator"
    operator: OperatorId
    name: Personal[str]
    name_digest: Digest
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class BindCodeIssued:
    """A one-time code was made; only its keyed hash is kept."""

    SUBJECT: ClassVar[str] = ""
    operator: OperatorId
    code: Digest
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorBound:
    """The operator proved by the code that this contact is theirs."""

    SUBJECT: ClassVar[str] = ""
    operator: OperatorId
    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingRefused:
    """Somebody tried a code that is wrong, used or too old."""

    SUBJECT: ClassVar[str] = ""
    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChanged:
    """The operator may do more, or less."""

    SUBJECT: ClassVar[str] = ""
    operator: OperatorId
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRemoved:
    """Not a member of the team any more. ``contacts``: the accounts that were theirs, and are nobody's of us now."""

    SUBJECT: ClassVar[str] = ""
    operator: OperatorId
    contacts: tuple[ContactId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorTokenIssued:
    """A program may work for this operator; only the keyed hash of its token is kept."""

    SUBJECT: ClassVar[str] = ""
    operator: OperatorId
    token: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorTokensRevoked:
    """No token of this operator counts any more."""

    SUBJECT: ClassVar[str] = ""
    operator: OperatorId


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandGiven:
    """An operator gave a command: who, what, and what became of it. ``operator`` is ``cli`` for the owner of the machine.

    ``about``: the customers that the line, or the answer to it, tells of. Its ``order``'s key goes when one of them is forgotten.
    """

    SUBJECT: ClassVar[str] = "order|operator"
    operator: OperatorId
    command: Slug
    line: Personal[str]
    outcome: CommandOutcome
    about: tuple[CustomerId, ...] = ()
    order: Digest | None = None


class Verb(StrEnum):
    """What an operator may be asked for: the next message they write is it."""

    REPLY = "reply"
    TAG = "tag"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerAsked:
    """An operator pressed a card's button: what they write next from this contact concerns that customer, until ``until``."""

    SUBJECT: ClassVar[str] = ""
    contact: ContactId
    customer: CustomerId
    verb: Verb
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerEnded:
    """They wrote it, or want to write nothing after all."""

    SUBJECT: ClassVar[str] = ""
    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class CardsMuted:
    """An operator wants no cards about a customer until ``until``; the others go on having them."""

    SUBJECT: ClassVar[str] = ""
    operator: OperatorId
    customer: CustomerId
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CardsUnmuted:
    """They want them again."""

    SUBJECT: ClassVar[str] = ""
    operator: OperatorId
    customer: CustomerId


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerExported:
    """An operator took away everything that is known of a customer."""

    SUBJECT: ClassVar[str] = ""
    customer: CustomerId
    operator: OperatorId


ROSTER_EVENTS = (
    ("operator-added/1", OperatorAdded),
    ("bind-code-issued/1", BindCodeIssued),
    ("operator-bound/1", OperatorBound),
    ("binding-refused/1", BindingRefused),
    ("role-changed/1", RoleChanged),
    ("operator-removed/1", OperatorRemoved),
    ("operator-token-issued/1", OperatorTokenIssued),
    ("operator-tokens-revoked/1", OperatorTokensRevoked),
)
AUDIT_EVENTS = (("command-given/1", CommandGiven),)


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestTold:
    """An operator is told of many customers in one message. ``order`` names the key that seals it: it goes with any of them."""

    SUBJECT: ClassVar[str] = ""
    operator: OperatorId
    order: Digest
    about: tuple[CustomerId, ...]


DESK_EVENTS = (("answer-asked/1", AnswerAsked), ("answer-ended/1", AnswerEnded))
MUTE_EVENTS = (("cards-muted/1", CardsMuted), ("cards-unmuted/1", CardsUnmuted))
DIGEST_EVENTS = (("digest-told/1", DigestTold),)
EXPORT_EVENTS = (("customer-exported/1", CustomerExported),)
