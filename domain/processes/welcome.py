"""Welcome: a first word to somebody new, and one a minute at most to new members of a group."""

from collections.abc import Iterable
from datetime import timedelta

from domain.contacts.contact import contacts
from domain.contacts.events import ContactReached, ContactSeen
from domain.conversations.events import MemberJoined
from domain.customers.customer import customers
from domain.customers.events import MARKETING
from domain.decider import Process, Streams
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass
from domain.identity import DeliveryId, Slug, SubjectId
from domain.message import Command, Recorded
from domain.processes.answer import ANSWERS_LIVE
from domain.rules.rulebook import BOOK, rulebook

MERGED_FOR = timedelta(minutes=1)
"""Members who join a group within this time are greeted together."""


def _greet_contact(
    recorded: Recorded, event: ContactSeen | ContactReached, streams: Streams
) -> Iterable[Command]:
    text = streams.state(rulebook, BOOK).welcome
    contact = streams.state(contacts, event.contact)
    if text is None or not text.value or not contact.private or contact.operator or contact.customer is None:
        return
    if MARKETING in streams.state(customers, contact.customer).withdrawn:  # their first word was stop
        return
    yield PlanDelivery(
        delivery=DeliveryId(streams.digest("delivery", "welcome", f"contact-{event.contact}", "", "")),
        subject=SubjectId(f"contact-{event.contact}"),
        kind=DeliveryClass.REPLY,
        occasion=Slug("welcome"),
        contact=event.contact,
        customer=contact.customer,
        text=text,
        not_before=min(recorded.occurred_at, recorded.recorded_at),
        expires_at=recorded.occurred_at + ANSWERS_LIVE,
        automatic=True,
    )


def _greet_group(recorded: Recorded, event: MemberJoined, streams: Streams) -> Iterable[Command]:
    text = streams.state(rulebook, BOOK).group_welcome
    if text is None or not text.value:
        return
    minute = int(recorded.recorded_at.timestamp() // MERGED_FOR.total_seconds())
    slot = str(minute)
    yield PlanDelivery(
        delivery=DeliveryId(streams.digest("delivery", "group-welcome", f"group-{event.group}", slot, "")),
        subject=SubjectId(f"group-{event.group}"),
        kind=DeliveryClass.REPLY,
        occasion=Slug("group-welcome"),
        group=event.group,
        text=text,
        not_before=min(recorded.occurred_at, recorded.recorded_at),
        expires_at=recorded.occurred_at + ANSWERS_LIVE,
        automatic=True,
    )


def react(recorded: Recorded, streams: Streams) -> Iterable[Command]:
    """Greet."""
    match recorded.event:
        case ContactSeen() | ContactReached() as event:
            return _greet_contact(recorded, event, streams)
        case MemberJoined() as event:
            return _greet_group(recorded, event, streams)
        case _:
            return ()


welcome = Process("welcome", (ContactSeen, ContactReached, MemberJoined), react)
