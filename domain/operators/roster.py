"""The team: one short stream for all operators, so that codes and names are judged against everybody."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import assert_never

from domain.decider import Decider, Handler, Streams, Write
from domain.errors import Rejected, UnknownRecipient
from domain.identity import ContactId, Digest, OperatorId
from domain.message import Context, Event
from domain.operators.commands import (
    AddOperator,
    BindOperator,
    ChangeRole,
    IssueBindCode,
    IssueOperatorToken,
    RecordCommand,
    RecordFirst,
    RemoveOperator,
    RevokeOperatorTokens,
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
    OperatorTokenIssued,
    OperatorTokensRevoked,
    Role,
    RoleChanged,
)

ROSTER = "team"
"""The key of the one stream."""

MOST_TOKENS = 10
"""Of one operator: one a program that works for them."""

RosterCommand = (
    AddOperator
    | IssueBindCode
    | BindOperator
    | ChangeRole
    | RemoveOperator
    | IssueOperatorToken
    | RevokeOperatorTokens
)
RosterEvent = (
    OperatorAdded
    | BindCodeIssued
    | OperatorBound
    | BindingRefused
    | RoleChanged
    | OperatorRemoved
    | OperatorTokenIssued
    | OperatorTokensRevoked
)


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
    """Members by id, open codes and the programs' tokens by their hash."""

    members: Mapping[OperatorId, Member] = field(default_factory=lambda: MappingProxyType({}))
    codes: Mapping[Digest, Code] = field(default_factory=lambda: MappingProxyType({}))
    tokens: Mapping[Digest, OperatorId] = field(default_factory=lambda: MappingProxyType({}))

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
        case IssueOperatorToken(operator=operator, token=token):
            _known(state, operator)
            if list(state.tokens.values()).count(operator) >= MOST_TOKENS:
                raise Rejected(
                    "this operator has {most} tokens already: revoke them, and give each program a new one",
                    most=MOST_TOKENS,
                )
            return (OperatorTokenIssued(operator=operator, token=token),)
        case RevokeOperatorTokens(operator=operator):
            _known(state, operator)
            has_one = operator in state.tokens.values()
            return (OperatorTokensRevoked(operator=operator),) if has_one else ()
        case _:
            assert_never(command)


def _with_member(state: RosterState, operator: OperatorId, member: Member) -> RosterState:
    return replace(state, members=MappingProxyType({**state.members, operator: member}))


def _without_tokens(state: RosterState, operator: OperatorId) -> RosterState:
    others = {token: whose for token, whose in state.tokens.items() if whose != operator}
    return replace(state, tokens=MappingProxyType(others))


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
            return replace(state, members=MappingProxyType(members), codes=MappingProxyType(open_codes))
        case BindingRefused():
            return state
        case RoleChanged(operator=operator, role=role):
            return _with_member(state, operator, replace(state.members[operator], role=role))
        case OperatorRemoved(operator=operator):
            left = {known: member for known, member in state.members.items() if known != operator}
            return _without_tokens(replace(state, members=MappingProxyType(left)), operator)
        case OperatorTokenIssued(operator=operator, token=token):
            return replace(state, tokens=MappingProxyType({**state.tokens, token: operator}))
        case OperatorTokensRevoked(operator=operator):
            return _without_tokens(state, operator)
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
    commands=(
        AddOperator,
        IssueBindCode,
        BindOperator,
        ChangeRole,
        RemoveOperator,
        IssueOperatorToken,
        RevokeOperatorTokens,
    ),
    key=_key,
)


def _record(given: bool, command: RecordCommand, _context: Context) -> Sequence[Event]:  # noqa: FBT001  # the state is that one fact
    return () if given else (_given(command),)


def _given(command: RecordCommand | RecordFirst) -> CommandGiven:
    return CommandGiven(
        operator=command.operator,
        command=command.command,
        line=command.line,
        outcome=command.outcome,
        about=command.about,
        order=command.order,
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


def _record_first(command: RecordFirst, _streams: Streams, _context: Context) -> Iterator[Write]:
    yield Write(audit, command.request, (_given(command),), once=True)


FIRST = Handler(RecordFirst, _record_first)
"""What a program asks for under a key of its own, and may ask for again because it does not know whether it was heard."""
