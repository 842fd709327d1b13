"""What may be asked of the team's roster."""

from dataclasses import dataclass
from datetime import datetime

from domain.identity import ContactId, CustomerId, Digest, OperatorId, Slug
from domain.message import Personal
from domain.operators.events import CommandOutcome, Role, Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOperator:
    """Take somebody into the team."""

    operator: OperatorId
    name: Personal[str]
    name_digest: Digest
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueBindCode:
    """Make a one-time code for an operator."""

    operator: OperatorId
    code: Digest
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BindOperator:
    """Somebody says: this code is mine, so this contact is the operator."""

    code: Digest
    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRole:
    """Give an operator another role."""

    operator: OperatorId
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveOperator:
    """Take somebody out of the team."""

    operator: OperatorId


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueOperatorToken:
    """Let a program work for an operator: whoever has the token of this keyed hash."""

    operator: OperatorId
    token: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeOperatorTokens:
    """Let no program work for this operator any more."""

    operator: OperatorId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCommand:
    """Write down what an operator asked for and what became of it. ``request`` makes it once only. Fields as in CommandGiven."""

    request: Digest
    operator: OperatorId
    command: Slug
    line: Personal[str]
    outcome: CommandOutcome
    about: tuple[CustomerId, ...] = ()
    order: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFirst:
    """As RecordCommand; asked for again, the whole append is a duplicate: nothing of it happens twice. It stands first in its append."""

    request: Digest
    operator: OperatorId
    command: Slug
    line: Personal[str]
    outcome: CommandOutcome
    about: tuple[CustomerId, ...] = ()
    order: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForAnswer:
    """Take the next message from this contact for that customer. A new question replaces an older one."""

    contact: ContactId
    customer: CustomerId
    verb: Verb
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EndAnswer:
    """Nothing is asked of this contact any more."""

    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteCards:
    """Send this operator no cards about a customer until then."""

    operator: OperatorId
    customer: CustomerId
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmuteCards:
    """Send them again."""

    operator: OperatorId
    customer: CustomerId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordExport:
    """Note that an operator takes away what is known of a customer. ``request``: equal when it is asked for again after a crash."""

    request: Digest
    operator: OperatorId
    customer: CustomerId


@dataclass(frozen=True, slots=True, kw_only=True)
class TellDigest:
    """Remember whom a message to an operator tells of, so that forgetting any of them reaches it. ``order`` makes it once only."""

    operator: OperatorId
    order: Digest
    about: tuple[CustomerId, ...]
