"""The team: one short stream for all operators, so that codes and names are judged against everybody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import assert_never

from domain.decider import Decider, Streams
from domain.errors import Rejected, UnknownRecipient
from domain.identity import ContactId, Digest, OperatorId
from domain.message import Context, Event
from domain.operators.commands import (
    AddOperator,
    BindOperator,
    ChangeRole,
    IssueBindCode,
    RecordCommand,
    RemoveOperator,
)
from domain.operators.events import (
    AUDIT_EVENTS,
    ROSTER_EVENTS,
    BindCodeIssued,
    BindingRefused,
    CommandGiven,
    OperatorAdded,
    OperatorBound,
    OperatorRemoved,
    Role,
    RoleChanged,
)

ROSTER = "team"
"""The key of the one stream."""

RosterCommand = AddOperator | IssueBindCode | BindOperator | ChangeRole | RemoveOperator
RosterEvent = OperatorAdded | BindCodeIssued | OperatorBound | BindingRefused | RoleChanged | OperatorRemoved


@dataclass(frozen=True, slots=True)
class Member:
    """One operator."""

    role: Role
    name: Digest
    contacts: frozenset[ContactId] = frozenset()


@dataclass(frozen=True, slots=True)
class Code:
    """A one-time code not used yet."""

    operator: OperatorId
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RosterState:
    """Members by id, open codes by their hash."""

    members: Mapping[OperatorId, Member] = field(default_factory=lambda: MappingProxyType({}))
    codes: Mapping[Digest, Code] = field(default_factory=lambda: MappingProxyType({}))

    def operator_of(self, contact: ContactId) -> OperatorId | None:
        """Return whose contact this is."""
        return next(
            (operator for operator, member in self.members.items() if contact in member.contacts), None
        )


def _known(state: RosterState, operator: OperatorId) -> Member:
    if operator not in state.members:
        raise UnknownRecipient("no such operator")
    return state.members[operator]


def decide(state: RosterState, command: RosterCommand, context: Context) -> Sequence[Event]:
    """Decide what a command means for the team."""
    match command:
        case AddOperator(operator=operator, name=name, name_digest=digest, role=role):
            if any(member.name == digest for member in state.members.values()):
                raise Rejected("an operator of this name exists already")
            return (OperatorAdded(operator=operator, name=name, name_digest=digest, role=role),)
        case IssueBindCode(operator=operator, code=code, expires_at=expires_at):
            _known(state, operator)
            return (BindCodeIssued(operator=operator, code=code, expires_at=expires_at),)
        case BindOperator(code=code, contact=contact):
            issued = state.codes.get(code)
            if issued is None or context.now >= issued.expires_at or issued.operator not in state.members:
                return (BindingRefused(contact=contact),)
            return (OperatorBound(operator=issued.operator, contact=contact),)
        case ChangeRole(operator=operator, role=role):
            same = _known(state, operator).role is role
            return () if same else (RoleChanged(operator=operator, role=role),)
        case RemoveOperator(operator=operator):
            theirs = tuple(sorted(_known(state, operator).contacts))
            return (OperatorRemoved(operator=operator, contacts=theirs),)
        case _:
            assert_never(command)


def _with_member(state: RosterState, operator: OperatorId, member: Member) -> RosterState:
    return replace(state, members=MappingProxyType({**state.members, operator: member}))


def evolve(state: RosterState, event: RosterEvent) -> RosterState:
    """Fold one event into the state."""
    match event:
        case OperatorAdded(operator=operator, name_digest=digest, role=role):
            return _with_member(state, operator, Member(role, digest))
        case BindCodeIssued(operator=operator, code=code, expires_at=expires_at):
            return replace(state, codes=MappingProxyType({**state.codes, code: Code(operator, expires_at)}))
        case OperatorBound(operator=operator, contact=contact):
            others = {who: replace(m, contacts=m.contacts - {contact}) for who, m in state.members.items()}
            member = others[operator]
            open_codes = {code: issued for code, issued in state.codes.items() if issued.operator != operator}
            members = {**others, operator: replace(member, contacts=member.contacts | {contact})}
            return RosterState(MappingProxyType(members), MappingProxyType(open_codes))
        case BindingRefused():
            return state
        case RoleChanged(operator=operator, role=role):
            return _with_member(state, operator, replace(state.members[operator], role=role))
        case OperatorRemoved(operator=operator):
            left = {known: member for known, member in state.members.items() if known != operator}
            return replace(state, members=MappingProxyType(left))
        case _:
            assert_never(event)


def _key(_command: RosterCommand, _streams: Streams) -> str:
    return ROSTER


roster = Decider(
    category="roster",
    initial=RosterState(),
    decide=decide,
    evolve=evolve,
    events=ROSTER_EVENTS,
    commands=(AddOperator, IssueBindCode, BindOperator, ChangeRole, RemoveOperator),
    key=_key,
)


def _record(given: bool, command: RecordCommand, _context: Context) -> Sequence[Event]:  # noqa: FBT001  # the state is that one fact
    if given:
        return ()
    return (
        CommandGiven(
            operator=command.operator,
            command=command.command,
            line=command.line,
            outcome=command.outcome,
            about=command.about,
            order=command.order,
        ),
    )


audit: Decider[bool] = Decider(
    category="command",
    initial=False,
    decide=_record,
    evolve=lambda _given, _event: True,
    events=AUDIT_EVENTS,
    commands=(RecordCommand,),
    key=lambda command, _streams: command.request,
)
"""One operator's command a stream: recorded once, however often it is carried out again after a crash."""
