"""Identifying: a phone number that somebody shares as their own, and who else is known by what a channel vouches for."""

from collections.abc import Callable, Iterable

from domain.contacts.commands import HoldIdentifier, IdentifyContact
from domain.contacts.events import ContactIdentified
from domain.conversations.events import ContentKind, MessageReceived
from domain.decider import Process, Streams
from domain.identity import ContactId, Digest, Slug
from domain.message import Command, Personal, Recorded

PHONE = Slug("phone")
UNIONID = Slug("unionid")

Dialled = Callable[[str], str | None]
"""Return a phone number as E.164, None for what is none; a number without a country is one of the installation's region."""


def identified_by(
    contact: ContactId, kind: Slug, value: str, *, verified: bool, digest: Callable[..., Digest]
) -> IdentifyContact:
    """Return the command that notes an identifier: one value gives one digest, whoever notes it. ``value``: E.164 for a phone."""
    return IdentifyContact(
        contact=contact,
        kind=kind,
        digest=digest("identifier", kind, value),
        value=Personal(value),
        verified=verified,
    )


def identifying(dialled: Dialled) -> Process:
    """Take phone numbers that people share as their own, and let equal identifiers link their contacts at once."""

    def react(recorded: Recorded, streams: Streams) -> Iterable[Command]:
        match recorded.event:
            case MessageReceived(kind=ContentKind.CONTACT, group=None, forwarded=False) as said:
                told = said.details.value if said.details is not None else {}
                number = _vouched(str(told.get("phone", ""))) if told.get("own") is True else None
                if number is not None:
                    yield identified_by(said.contact, PHONE, number, verified=True, digest=streams.digest)
            case ContactIdentified(contact=contact, kind=kind, digest=digest, verified=True):
                yield HoldIdentifier(digest=digest, contact=contact, kind=kind)
            case _:
                return

    def _vouched(shared: str) -> str | None:
        """Providers name the country of their users, with or without the +."""
        return dialled(f"+{shared.removeprefix('+')}") or dialled(shared)

    return Process("identifying", (MessageReceived, ContactIdentified), react, immediate=True)
