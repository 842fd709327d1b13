"""The contact: one account of somebody on one channel. Short; nothing personal in its state."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from domain.contacts.commands import (
    BindContactToOperator,
    BlockContact,
    CompleteContact,
    IdentifyContact,
    IntroduceCustomer,
    SeeContact,
    UnbindContact,
    UnblockContact,
)
from domain.contacts.events import (
    EVENTS,
    ContactBlocked,
    ContactBoundToOperator,
    ContactCompleted,
    ContactForgotten,
    ContactIdentified,
    ContactLinked,
    ContactProfileChanged,
    ContactReached,
    ContactSeen,
    ContactUnblocked,
    ContactUnbound,
    CustomerIntroduced,
    LinkRefused,
)
from domain.decider import Decider, Streams
from domain.identity import Account, Channel, CustomerId, Digest, Locale, OperatorId, Slug, ZoneName
from domain.message import Context, Event

ContactCommand = (
    SeeContact
    | BlockContact
    | UnblockContact
    | BindContactToOperator
    | UnbindContact
    | IdentifyContact
    | CompleteContact
    | IntroduceCustomer
)
ContactEvent = (
    ContactSeen
    | ContactProfileChanged
    | ContactReached
    | ContactBlocked
    | ContactUnblocked
    | ContactBoundToOperator
    | ContactUnbound
    | ContactForgotten
    | ContactLinked
    | ContactIdentified
    | ContactCompleted
    | CustomerIntroduced
    | LinkRefused
)

MOST_LINK_TRIES = 5
LINK_TRIES_WITHIN = timedelta(hours=1)
"""So many wrong codes may be tried by one contact in so long."""


@dataclass(frozen=True, slots=True)
class ContactState:
    """``customer`` is None until the contact was seen; then it is whom the account belongs to now.

    ``identifiers``: digests of what tells who it is; ``verified``: those a channel vouches for. ``introduced``: digest of the name they
    said. ``link_refusals``: the last wrong codes. ``zone``: where their device said they were.
    """

    customer: CustomerId | None = None
    channel: Channel = Channel("")
    account: Account = Account("")
    language: Locale | None = None
    source: Slug | None = None
    profile: Slug | None = None
    private: bool = False
    blocked: Slug | None = None
    operator: OperatorId | None = None
    forgotten: bool = False
    identifiers: frozenset[Digest] = frozenset()
    verified: frozenset[Digest] = frozenset()
    link_refusals: tuple[datetime, ...] = ()
    introduced: Digest | None = None
    zone: ZoneName | None = None

    def may_try_a_code(self, now: datetime) -> bool:
        """Whether this contact has not tried too many wrong ones."""
        recent = [at for at in self.link_refusals if now - at < LINK_TRIES_WITHIN]
        return len(recent) < MOST_LINK_TRIES

    @property
    def reachable(self) -> bool:
        """Whether a private message may arrive at all."""
        return self.customer is not None and self.private and self.blocked is None and not self.forgotten


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
            zone=command.zone,
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
        zone=command.zone,
    )


def decide(state: ContactState, command: ContactCommand, _context: Context) -> Sequence[Event]:
    """Decide what a command means for this contact; saying what is already so changes nothing."""
    if state.forgotten:  # a late outcome may still say that they cannot be reached
        return ()
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
        case IdentifyContact(digest=digest, verified=verified):
            known = digest in (state.verified if verified else state.identifiers)
            return () if known else (_identified(command),)
        case CompleteContact():
            return _completed(state, command)
        case IntroduceCustomer(contact=contact, name=name, digest=digest):
            same = digest == state.introduced
            return () if same else (CustomerIntroduced(contact=contact, name=name, digest=digest),)
        case _:
            assert_never(command)


def _completed(state: ContactState, command: CompleteContact) -> Sequence[Event]:
    language = command.language if state.language is None else None
    source = command.source if state.source is None else None
    if state.customer is None or (language is None and source is None):
        return ()
    return (ContactCompleted(contact=command.contact, language=language, source=source),)


def _identified(command: IdentifyContact) -> ContactIdentified:
    return ContactIdentified(
        contact=command.contact,
        kind=command.kind,
        digest=command.digest,
        value=command.value,
        verified=command.verified,
    )


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
                source=event.source,
                profile=event.profile,
                private=event.private,
                zone=event.zone,
            )
        case ContactProfileChanged():
            return replace(
                state,
                profile=event.profile,
                language=event.language or state.language,
                zone=event.zone or state.zone,
            )
        case ContactReached():
            return replace(state, private=True)
        case ContactBlocked():
            return replace(state, blocked=event.reason)
        case ContactUnblocked():
            return replace(state, blocked=None)
        case ContactBoundToOperator():
            return replace(state, operator=event.operator)
        case ContactForgotten():
            return replace(state, forgotten=True, profile=None, language=None, blocked=None, introduced=None)
        case ContactUnbound():
            return replace(state, operator=None)
        case ContactLinked():
            return replace(state, customer=event.customer)
        case ContactIdentified(digest=digest, verified=verified):
            vouched = state.verified | {digest} if verified else state.verified
            return replace(state, identifiers=state.identifiers | {digest}, verified=vouched)
        case ContactCompleted(language=language, source=source):
            return replace(state, language=state.language or language, source=state.source or source)
        case CustomerIntroduced(digest=digest):
            return replace(state, introduced=digest)
        case LinkRefused(at=at):
            return replace(state, link_refusals=(*state.link_refusals, at)[-MOST_LINK_TRIES:])
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
    commands=(
        SeeContact,
        BlockContact,
        UnblockContact,
        BindContactToOperator,
        UnbindContact,
        IdentifyContact,
        CompleteContact,
        IntroduceCustomer,
    ),
    key=_key,
)
