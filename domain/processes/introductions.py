"""Introductions: a message that says only who somebody is tells what to call them, where the channel shows no name."""

from collections.abc import Iterable

from domain.contacts.commands import IntroduceCustomer
from domain.contacts.contact import contacts
from domain.conversations.events import ContentKind, MessageReceived
from domain.decider import Process, Streams
from domain.message import Command, Personal, Recorded
from domain.policies.introductions import introduced_as


def react(recorded: Recorded, streams: Streams) -> Iterable[Command]:
    """Keep the name that a customer says in private, in their own words."""
    match recorded.event:
        case MessageReceived(kind=ContentKind.TEXT, group=None, forwarded=False) as said:
            name = introduced_as(said.text.value)
        case _:
            return
    if name is None or streams.state(contacts, said.contact).operator is not None:
        return
    digest = streams.digest("introduced", said.contact, name)
    yield IntroduceCustomer(contact=said.contact, name=Personal(name), digest=digest)


introductions = Process("introductions", (MessageReceived,), react, immediate=True)
