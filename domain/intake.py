"""The intake: one thing that came in becomes one fact in the log, once, with what it says about who sent it."""

from collections.abc import Iterable, Iterator
from typing import assert_never

from domain.contacts.commands import BlockContact, SeeContact, UnblockContact
from domain.contacts.contact import contacts
from domain.conversations.commands import (
    Act,
    Chat,
    Edit,
    GroupChange,
    Join,
    Leave,
    Message,
    NotUnderstood,
    Press,
    Reachability,
    Receipt,
    Receive,
    Sender,
)
from domain.conversations.conversation import inbound
from domain.conversations.events import (
    ActionReported,
    ButtonPressed,
    GroupChangeReported,
    MemberJoined,
    MemberLeft,
    MessageEdited,
    MessageReceived,
    ReachabilityReported,
    ReceiptReported,
    UpdateNotUnderstood,
)
from domain.decider import Handler, Streams, Write
from domain.errors import BadInput, SubjectForgotten
from domain.groups.commands import LeaveGroup, MigrateGroup, RejoinGroup, SeeGroup
from domain.identity import (
    Address,
    ContactId,
    CustomerId,
    Digest,
    GroupId,
    Party,
    ProviderMessageId,
    Slug,
)
from domain.message import Command, Context, Event, Personal
from domain.policies.text import normalised, normalised_details


def _people(command: Receive) -> Iterator[Sender]:
    if command.sender is not None:
        yield command.sender
    if isinstance(command.content, Join):
        yield from command.content.members
    elif isinstance(command.content, Leave):
        yield command.content.member


def _address(command: Receive, party: Party, external_id: str) -> Address:
    return Address(party, command.channel, command.account, external_id)


def addresses(command: Receive) -> Iterable[Address]:
    """Return everybody a command names."""
    found = [_address(command, Party.CONTACT, person.external_id) for person in _people(command)]
    if command.chat is not None:
        found.append(_address(command, Party.GROUP, command.chat.external_id))
    return found


def receive(command: Receive, streams: Streams, _context: Context) -> Iterator[Write | Command]:
    """Record the fact; a second one with the same key is a duplicate and leaves no trace."""
    key = streams.digest("inbound", command.channel, command.account, command.key)
    yield Write(
        inbound, key, (), once=True
    )  # before anything is read: a duplicate is one whatever became of its sender
    people = [
        (person, streams.contact(_address(command, Party.CONTACT, person.external_id)))
        for person in _people(command)
    ]
    for _, named in people:
        _not_forgotten(named, streams)
    contact = people[0][1] if command.sender is not None else None
    group: GroupId | None = None
    if command.chat is not None:
        group = streams.group(_address(command, Party.GROUP, command.chat.external_id))
    yield Write(inbound, key, (_fact(command, contact, group, streams),))
    if not isinstance(command.content, Reachability) or command.content.reachable:
        for person, named in people:
            yield from _see(command, person, named, streams)
    gone = isinstance(command.content, GroupChange) and command.content.change == "bot-left"
    if command.chat is not None and group is not None and not gone:
        yield _see_group(command, command.chat, group, streams)
    yield from _consequences(command, contact, group, streams)


def _not_forgotten(contact: ContactId, streams: Streams) -> None:
    """Whoever returns is somebody new: an id of before is remembered by this process only, or its key is being destroyed just now."""
    if streams.state(contacts, contact).forgotten:
        raise SubjectForgotten("this contact was forgotten: look the address up again")


def _fact(command: Receive, contact: ContactId | None, group: GroupId | None, streams: Streams) -> Event:
    """Return the event. Raises BadInput for content that lacks who or where: a parser's bug, not a customer's."""
    content = command.content
    if contact is not None and isinstance(content, Message | Edit | Press):
        return _said(command, content, contact, group, streams)
    told = _done(command, contact) if contact is not None else None
    if told is not None:
        return told
    raw = command.raw
    match content:
        case Join(members=members) if group is not None:
            who = tuple(streams.contact(_address(command, Party.CONTACT, m.external_id)) for m in members)
            return MemberJoined(contacts=who, group=group, raw=raw)
        case Leave(member=member) if group is not None:
            left = streams.contact(_address(command, Party.CONTACT, member.external_id))
            return MemberLeft(contact=left, group=group, raw=raw)
        case Receipt(provider_message=sent, outcome=outcome):
            channel = command.channel
            return ReceiptReported(channel=channel, provider_message=sent, outcome=outcome, raw=raw)
        case GroupChange(change=change) if group is not None:
            return GroupChangeReported(group=group, change=change, raw=raw)
        case NotUnderstood(reason=reason):
            return UpdateNotUnderstood(channel=Slug(command.channel), reason=reason, raw=raw)
        case _:
            raise BadInput(
                "a {content} from {channel} names nobody",
                content=type(content).__name__,
                channel=command.channel,
            )


def _order(
    command: Receive, contact: ContactId, message: ProviderMessageId | None, streams: Streams
) -> Digest | None:
    """Return what an operator's words are sealed under: a message and its edits have one key. None for a customer's."""
    if command.chat is not None or streams.state(contacts, contact).operator is None:
        return None
    return streams.digest("order", contact, message or "", "" if message else command.key)


def _said(
    command: Receive,
    content: Message | Edit | Press,
    contact: ContactId,
    group: GroupId | None,
    streams: Streams,
) -> Event:
    """Return the event of somebody's own words, or of a button."""
    raw = command.raw
    match content:
        case Message():
            return MessageReceived(
                contact=contact,
                group=group,
                kind=content.kind,
                text=Personal(normalised(content.text)),
                details=Personal(normalised_details(content.details)) if content.details else None,
                provider_message=content.provider_message,
                reply_to=content.reply_to,
                thread=command.chat.thread if command.chat else None,
                to_bot=content.to_bot,
                forwarded=content.forwarded,
                raw=raw,
                opens=command.opens,
                order=_order(command, contact, content.provider_message, streams),
            )
        case Edit():
            text = Personal(normalised(content.text))
            message = content.provider_message
            return MessageEdited(
                contact=contact,
                group=group,
                text=text,
                provider_message=message,
                raw=raw,
                order=_order(command, contact, message, streams),
            )
        case Press():
            return ButtonPressed(
                contact=contact,
                group=group,
                data=Personal(normalised(content.data)),
                query=Personal(normalised(content.query)),
                provider_message=content.provider_message,
                raw=raw,
                opens=command.opens,
                order=_order(command, contact, None, streams),
            )
        case _:
            assert_never(content)


def _done(command: Receive, contact: ContactId) -> Event | None:
    """Return the event of what somebody did without a word, None for anything else."""
    raw, opens = command.raw, command.opens
    match command.content:
        case Reachability(reachable=reachable, source=source):
            return ReachabilityReported(
                contact=contact, reachable=reachable, raw=raw, source=source, opens=opens
            )
        case Act(action=action, data=data, source=source):
            told = Personal(normalised_details(data))
            return ActionReported(
                contact=contact, action=action, data=told, source=source, raw=raw, opens=opens
            )
        case _:
            return None


def _see(command: Receive, person: Sender, contact: ContactId, streams: Streams) -> Iterator[SeeContact]:
    """See somebody, unless they are known just so: most messages come from people who are."""
    name, username = normalised(person.name), normalised(person.username)
    shown = (name, username, person.language or "", *([person.zone] if person.zone else []))
    profile = Slug(streams.digest("profile", *shown))
    started = command.sender is person and command.chat is None
    known = streams.state(contacts, contact)
    if known.profile == profile and known.reachable >= started:
        return
    yield SeeContact(
        contact=contact,
        customer=CustomerId(streams.fresh()),
        channel=command.channel,
        account=command.account,
        external_id=Personal(person.external_id),
        name=Personal(name),
        username=Personal(username),
        profile=profile,
        language=person.language,
        zone=person.zone,
        private=started,
        source=command.content.source
        if started and isinstance(command.content, Message | Reachability | Act)
        else None,
    )


def _see_group(command: Receive, chat: Chat, group: GroupId, streams: Streams) -> SeeGroup:
    title = normalised(chat.title)
    return SeeGroup(
        group=group,
        channel=command.channel,
        account=command.account,
        external_id=Personal(chat.external_id),
        title=Personal(title),
        title_digest=Slug(streams.digest("title", title)),
        kind=chat.kind,
    )


def _consequences(
    command: Receive, contact: ContactId | None, group: GroupId | None, streams: Streams
) -> Iterator[Command]:
    match command.content:
        case Reachability(reachable=reachable) if contact is not None:
            blocked = BlockContact(contact=contact, reason=Slug("blocked"))
            yield UnblockContact(contact=contact) if reachable else blocked
        case GroupChange(change="bot-joined") if group is not None:
            yield RejoinGroup(group=group)
        case GroupChange(change="bot-left") if group is not None:
            yield LeaveGroup(group=group, reason=Slug("bot-left"))
        case GroupChange(change="migrated", new_external_id=str(moved)) if group is not None:
            streams.move(group, _address(command, Party.GROUP, moved))
            yield MigrateGroup(group=group, external_id=Personal(moved), kind=Slug("supergroup"))
        case _:
            return


INTAKE = Handler(Receive, receive, addresses)
