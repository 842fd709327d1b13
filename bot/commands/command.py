"""What an operator command is, and what it may use."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.campaigns.outreach import Outreach
from bot.commands.times import Clock
from bot.texts import Told
from domain.errors import NotAllowed, Rejected
from domain.identity import ContactId, CustomerId, Digest, GroupId, Locale, OperatorId, SubjectId
from domain.message import Command as DomainCommand
from domain.operators.events import CommandOutcome, Role
from domain.policies.may_contact import Controls
from domain.ports.audience import Audience
from projections.engine import Views

CLI = OperatorId("cli")
"""Who types ``siyu do`` on the machine itself: an owner, since they hold the data folder anyway."""
NOBODY = OperatorId("nobody")
"""Who is not bound: may only try a bind code."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Who gives the command. ``contact``: from where; None for ``siyu do``."""

    id: OperatorId
    role: Role
    contact: ContactId | None = None
    locale: Locale | None = None


class Say(Protocol):
    """Translates one of our texts for the operator who asked."""

    def __call__(self, text: str) -> str:
        """Return the text in their language."""
        ...


@dataclass(frozen=True, slots=True)
class Office:
    """What commands may look at. They change nothing themselves: they return domain commands, which are decided in one append."""

    views: Views
    audience: Audience
    controls: Controls
    digest: Callable[..., Digest]
    say: Callable[[str, Locale | None], str]
    brand: str
    render_check: Callable[[str], str | None]
    """Return what is wrong with a message template, None for a good one."""
    regex_check: Callable[[str], str | None]
    """Return what is wrong with a regular expression, None for a good one."""
    dialled: Callable[[str], str | None]
    """Return a phone number as E.164, None for what is none."""
    outreach: Outreach
    status: "Callable[[], Sequence[tuple[str, str]]]"
    """Lines for /stats that only the house knows: queue lengths, lag."""


@dataclass(frozen=True, slots=True)
class Call:
    """One command as given.

    ``request``: keyed hash that is the same when the same message is carried out again after a crash; every id that the command makes is
    derived from it. ``confirmed``: ``--yes`` was said. ``replying_to``: the customer whose card was replied to.
    """

    operator: Operator
    name: str
    rest: str
    line: str
    request: Digest
    order: Digest
    """Names the key under which the line, and what is answered, are sealed."""
    now: datetime
    office: Office
    confirmed: bool = False
    replying_to: CustomerId | None = None
    in_group: GroupId | None = None
    tell: Callable[[Told], None] = lambda _: None
    """Say how far it is: heard on the machine itself only."""
    mentioned: list[CustomerId] = field(default_factory=list)
    """Whom the line and the answer tell of, as far as it is carried out: their being forgotten takes both along."""

    def say(self, text: str) -> str:
        """Translate for the operator."""
        return self.office.say(text, self.operator.locale)

    def derived(self, *parts: str) -> Digest:
        """Return an id of something this very request makes."""
        return self.office.digest("request", self.request, *parts)

    @property
    def clock(self) -> Clock:
        """What times are read and shown by."""
        return Clock(self.now, self.office.controls.zone, self.say)

    def needs(self, role: Role) -> None:
        """Raise NotAllowed for an operator whose role does not include ``role``."""
        if not self.operator.role.includes(role):
            told = self.say("This needs the role {role}; yours is {yours}.")
            raise NotAllowed(told.format(role=role, yours=self.operator.role))


@dataclass(frozen=True, slots=True)
class Reply:
    """What the operator is told, and what shall happen: the domain commands are decided in one append with the audit entry."""

    text: str
    commands: tuple[DomainCommand, ...] = ()
    outcome: CommandOutcome = CommandOutcome.DONE
    choices: tuple[tuple[tuple[str, str], ...], ...] = ()
    """Rows of (label, what pressing it says)."""
    rows: tuple[dict[str, object], ...] = field(default_factory=tuple)
    customers: tuple[CustomerId, ...] | None = field(default=None, compare=False)
    """Whom it tells of; None: those that the call mentioned."""
    about: SubjectId | None = None
    """Whose words it repeats: it is sealed under their key, and who answers it, answers them."""
    command: str | None = None
    """The name of the command that was carried out, for the audit; None where none was found."""


@dataclass(frozen=True, slots=True)
class OperatorCommand:
    """One command. ``usage``: a line for each way to call it, capitals for placeholders, as interface.md.

    ``words``: plain Chinese words that mean it; what follows a blank in one is implied (``全部暂停 all``). ``help``: what it does, in
    English, the key of its translation.
    """

    name: str
    role: Role
    usage: tuple[str, ...]
    help: str
    run: Callable[[Call], Reply]
    words: tuple[str, ...] = ()


class Usage(Rejected):
    """The command was not called as it wants to be called."""


class Ambiguous(Rejected):
    """Several are meant: the candidates are shown, never guessed."""

    def __init__(self, text: str, candidates: Sequence[tuple[str, str]]) -> None:
        """``candidates``: (label, the command that means this one)."""
        super().__init__(text)
        self.candidates = candidates
