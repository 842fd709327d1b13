"""Purchasing: whoever becomes known gets the orders that waited for them, and whoever says an order's number gets the order."""

from collections.abc import Iterable

from domain.contacts.contact import contacts
from domain.contacts.events import ContactIdentified, ContactSeen
from domain.conversations.events import MessageReceived
from domain.decider import Process, Streams
from domain.message import Command, Recorded
from domain.policies.signs import ADDRESS, address_sign
from domain.purchases.commands import ClaimByNumber, ClaimOrders
from domain.purchases.numbers import numbers_said, purchase_of


def react(recorded: Recorded, streams: Streams) -> Iterable[Command]:
    """Claim what is theirs."""
    match recorded.event:
        case ContactSeen() as seen:
            sign = address_sign(streams.digest, seen.channel, seen.external_id.value)
            yield ClaimOrders(sign=sign.digest, kind=ADDRESS, contact=seen.contact)
        case ContactIdentified(contact=contact, kind=kind, digest=digest):
            yield ClaimOrders(sign=digest, kind=kind, contact=contact)
        case MessageReceived(group=None, forwarded=False) as said:
            numbers = numbers_said(said.text.value)
            if numbers and streams.state(contacts, said.contact).operator is None:
                named = tuple(purchase_of(streams.digest, number) for number in numbers)
                yield ClaimByNumber(purchases=named, contact=said.contact)
        case _:
            return


purchasing = Process("purchasing", (ContactSeen, ContactIdentified, MessageReceived), react, immediate=True)
