"""Somebody new wrote: open their record, and note the consent that writing to us implies where it does.

Whoever asked to be forgotten and returns is somebody new, of whom only this is known: they have agreed to nothing.
"""

from collections.abc import Iterable

from domain.contacts.events import ContactReached, ContactSeen
from domain.contacts.suppression import address_digest, suppressions
from domain.customers.commands import CreateCustomer, GrantConsent, WithdrawConsent
from domain.customers.events import MARKETING, ConsentSource
from domain.decider import Process, Streams
from domain.identity import Slug
from domain.message import Command, Recorded


def new_customers(*, implied_consent: bool, text_version: Slug | None = None) -> Process:
    """``implied_consent``: writing to the account in private counts as consent (region cn; delivery.md, "Consent").

    ``text_version``: which wording stands for what they agree to.
    """

    def react(recorded: Recorded, streams: Streams) -> Iterable[Command]:
        event = recorded.event
        if isinstance(event, ContactSeen):
            yield CreateCustomer(customer=event.customer, contact=event.contact)
            if _suppressed(event, streams):
                source = ConsentSource.FORGOTTEN
                yield WithdrawConsent(contact=event.contact, topic=MARKETING, source=source)
        if isinstance(event, ContactSeen | ContactReached) and implied_consent:
            started = event.private if isinstance(event, ContactSeen) else True
            if started:
                source = ConsentSource.CONTACT_STARTED
                yield GrantConsent(
                    contact=event.contact, topic=MARKETING, source=source, text_version=text_version
                )

    return Process("new-customers", (ContactSeen, ContactReached), react, immediate=True)


def _suppressed(event: ContactSeen, streams: Streams) -> bool:
    address = address_digest(streams.digest, event.channel, event.account, event.external_id.value)
    return streams.state(suppressions, address)
