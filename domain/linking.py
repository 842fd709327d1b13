"""Linking: several records turn out to be one person, or one turns out to be two.

A merge appends to both customers and to every contact that moves, so whoever decided on one of them meanwhile decides again. The record
that was merged away forwards its commands (domain/customers/customer.py) until it is un-merged. Messages name contacts only: nothing else
is rewritten.
"""

from collections.abc import Iterator

from domain.contacts.commands import HoldIdentifier, LinkContacts, RedeemLinkCode
from domain.contacts.contact import contacts
from domain.contacts.events import ContactLinked, IdentifierHeld, LinkCodeUsed, LinkRefused
from domain.contacts.identifier import identifiers
from domain.contacts.link_code import LinkCodeState, link_codes
from domain.customers import parts
from domain.customers.commands import MergeCustomers, UnmergeCustomer
from domain.customers.customer import MOST_MERGED, answering_for, customers
from domain.customers.events import CustomerAbsorbed, CustomerMerged, CustomerReleased, CustomerUnmerged
from domain.decider import Handler, Streams, Write
from domain.errors import Rejected, UnknownRecipient
from domain.identity import ContactId, CustomerId, Slug
from domain.message import Command, Context

BY_CODE = Slug("code")


def merge(command: MergeCustomers, streams: Streams, _context: Context) -> Iterator[Write | Command]:
    """Merge one customer into another; those who are one already stay so. Raises UnknownRecipient, Rejected."""
    stays, goes = (answering_for(customer, streams) for customer in (command.customer, command.other))
    objection = _objection(stays, goes, streams)
    if objection is not None:
        raise objection
    yield from _merged(stays, goes, command.basis, streams)


def link(command: LinkContacts, streams: Streams, _context: Context) -> Iterator[Write | Command]:
    """Merge the customers behind two contacts, the younger into the older. What may not be is left."""
    one, other = (streams.state(contacts, contact).customer for contact in (command.contact, command.other))
    if one is None or other is None:
        return
    stays, goes = sorted((one, other))
    if _objection(stays, goes, streams) is None:
        yield from _merged(stays, goes, command.basis, streams)


def _objection(stays: CustomerId, goes: CustomerId, streams: Streams) -> Rejected | None:
    both = [streams.state(customers, customer) for customer in (stays, goes)]
    if any(not state.exists or state.forgotten for state in both):
        return UnknownRecipient("no such customer")
    if any(streams.state(contacts, c).operator is not None for state in both for c in sorted(state.contacts)):
        return Rejected("One of the two is one of us: operators are nobody's customers.")
    if stays != goes and sum(len(state.parts) for state in both) > MOST_MERGED:
        return Rejected("More than {most} records cannot be one customer.", most=MOST_MERGED)
    return None


def _merged(stays: CustomerId, goes: CustomerId, basis: Slug, streams: Streams) -> Iterator[Write]:
    if stays == goes:
        return
    before = streams.state(customers, goes)
    made_of = parts.joined(streams.state(customers, stays).parts, before.parts)
    yield Write(customers, goes, (CustomerMerged(customer=goes, into=stays, basis=basis),))
    yield Write(customers, stays, (CustomerAbsorbed(customer=stays, other=goes, parts=made_of),))
    yield from _moved(before.contacts, stays, goes)


def _moved(moving: frozenset[ContactId], customer: CustomerId, before: CustomerId) -> Iterator[Write]:
    for contact in sorted(moving):
        yield Write(contacts, contact, (ContactLinked(contact=contact, customer=customer, before=before),))


def unmerge(command: UnmergeCustomer, streams: Streams, _context: Context) -> Iterator[Write | Command]:
    """Let a record be a customer of its own again, with all that had been merged into it. Raises UnknownRecipient, Rejected."""
    back = command.customer
    whole = answering_for(back, streams)
    made_of = streams.state(customers, whole).parts  # nothing, once they are forgotten
    if back not in {part.customer for part in made_of}:
        raise UnknownRecipient("no such customer")
    if whole == back:
        raise Rejected("This customer was not merged into another.")
    left, gone = parts.parted(made_of, back)
    yield Write(customers, whole, (CustomerReleased(customer=whole, other=back, parts=left),))
    yield Write(customers, back, (CustomerUnmerged(customer=back, before=whole, parts=gone),))
    yield from _moved(parts.linked(gone), back, whole)


def hold(command: HoldIdentifier, streams: Streams, _context: Context) -> Iterator[Write | Command]:
    """Note who has an identifier; whoever had it before is the same person. Known for one contact, it links no second time."""
    holders = streams.state(identifiers, command.digest).holders
    if command.contact in holders:
        return
    held = IdentifierHeld(contact=command.contact, kind=command.kind)
    yield Write(identifiers, command.digest, (held,))
    for holder in holders:
        if not streams.state(contacts, holder).forgotten:
            yield LinkContacts(contact=holder, other=command.contact, basis=command.kind)
            return


def redeem(command: RedeemLinkCode, streams: Streams, context: Context) -> Iterator[Write | Command]:
    """Link who sends a code to who was given it. What does not fit is recorded, so often and no more."""
    state = streams.state(contacts, command.contact)
    if state.customer is None or not state.may_try_a_code(context.now):
        return
    code = streams.state(link_codes, command.code)
    stays = _given_to(code, streams) if code.is_open(context.now) else None
    if stays is None or stays == state.customer or _objection(stays, state.customer, streams) is not None:
        refused = LinkRefused(contact=command.contact, at=context.now)
        yield Write(contacts, command.contact, (refused,))
        return
    yield Write(link_codes, command.code, (LinkCodeUsed(code=command.code, contact=command.contact),))
    yield from _merged(stays, state.customer, BY_CODE, streams)


def _given_to(code: LinkCodeState, streams: Streams) -> CustomerId | None:
    """Whoever asked may have been linked, or un-merged, since: the code is theirs and not their record's."""
    if code.contact is not None:
        return streams.state(contacts, code.contact).customer
    return None if code.customer is None else answering_for(code.customer, streams)


LINKING: tuple[Handler, ...] = (
    Handler(MergeCustomers, merge),
    Handler(UnmergeCustomer, unmerge),
    Handler(LinkContacts, link),
    Handler(HoldIdentifier, hold),
    Handler(RedeemLinkCode, redeem),
)
