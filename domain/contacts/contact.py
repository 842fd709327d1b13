"""The contact: one account of somebody on one channel. Short; nothing personal in its state."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from domain.contacts.commands import (
    BindContactToOperator,
    BlockContact,
    SeeContact,
    UnbindContact,
    UnblockContact,
)
from domain.contacts.events import (
    EVENTS,
    ContactBlocked,
    ContactBoundToOperator,
    ContactProfileChanged,
    ContactReached,
    ContactSeen,
    ContactUnblocked,
    ContactUnbound,
)
from domain.decider import Decider, Streams
from domain.identity import Account, Channel, CustomerId, Locale, OperatorId, Slug
from domain.message import Context, Event

ContactCommand = SeeContact | BlockContact | UnblockContact | BindContactToOperator | UnbindContact
ContactEvent = (
    ContactSeen
    | ContactProfileChanged
    | ContactReached
    | ContactBlocked
    | ContactUnblocked
    | ContactBoundToOperator
    | ContactUnbound
)


@dataclass(frozen=True, slots=True)
class ContactState:
    """``customer`` is None until the contact was seen."""

    customer: CustomerId | None = None
    channel: Channel = Channel("")
    account: Account = Account("")
    language: Locale | None = None
    profile: Slug | None = None
    private: bool = False
    blocked: Slug | None = None
    operator: OperatorId | None = None

    @property
    def reachable(self) -> bool:
        """Whether a private message may arrive at all."""
        return self.customer is not None and self.private and self.blocked is None


def _see(state: ContactState, command: SeeContact) -> Sequence[Event]:
    if state.customer is None:
        first_seen = ContactSeen(
            contact=command.contact,
            customer=command.customer,
            channel=command.channel,
            account=command.account,
            external_id=command.external_id,
            name=command.name,
            username=command.username,
            profile=command.profile,
            language=command.language,
            private=command.private,
            source=command.source,
        )
        return (first_seen,)
    events: list[Event] = []
    if command.private and not state.private:
        events.append(ContactReached(contact=command.contact))
    if command.private and state.blocked is not None:
        events.append(ContactUnblocked(contact=command.contact))
    if command.profile != state.profile:
        events.append(_profile(command))
    return events


def _profile(command: SeeContact) -> ContactProfileChanged:
    return ContactProfileChanged(
        contact=command.contact,
        name=command.name,
        username=command.username,
        profile=command.profile,
        language=command.language,
    )


def decide(state: ContactState, command: ContactCommand, _context: Context) -> Sequence[Event]:
    """Decide what a command means for this contact; saying what is already so changes nothing."""
    match command:
        case SeeContact():
            return _see(state, command)
        case BlockContact(contact=contact, reason=reason):
            return (
                ()
                if state.blocked or state.customer is None
                else (ContactBlocked(contact=contact, reason=reason),)
            )
        case UnblockContact(contact=contact):
            return (ContactUnblocked(contact=contact),) if state.blocked else ()
        case BindContactToOperator(contact=contact, operator=operator):
            return (
                ()
                if state.operator == operator
                else (ContactBoundToOperator(contact=contact, operator=operator),)
            )
        case UnbindContact(contact=contact, operator=operator):
            theirs = state.operator == operator
            return (ContactUnbound(contact=contact, operator=operator),) if theirs else ()
        case _:
            assert_never(command)


def evolve(state: ContactState, event: ContactEvent) -> ContactState:
    """Fold one event into the state."""
    match event:
        case ContactSeen():
            return replace(
                state,
                customer=event.customer,
                channel=event.channel,
                account=event.account,
                language=event.language,
                profile=event.profile,
                private=event.private,
            )
        case ContactProfileChanged():
            return replace(state, profile=event.profile, language=event.language or state.language)
        case ContactReached():
            return replace(state, private=True)
        case ContactBlocked():
            return replace(state, blocked=event.reason)
        case ContactUnblocked():
            return replace(state, blocked=None)
        case ContactBoundToOperator():
            return replace(state, operator=event.operator)
        case ContactUnbound():
            return replace(state, operator=None)
        case _:
            assert_never(event)


def _key(command: ContactCommand, _streams: Streams) -> str:
    return command.contact


contacts = Decider(
    category="contact",
    initial=ContactState(),
    decide=decide,
    evolve=evolve,
    events=EVENTS,
    commands=(SeeContact, BlockContact, UnblockContact, BindContactToOperator, UnbindContact),
    key=_key,
)
