"""How processes put an answer to something that came in: one delivery, back to where it came from."""

from collections.abc import Callable
from datetime import timedelta

from domain.contacts.contact import contacts
from domain.conversations.events import ButtonPressed, MessageReceived
from domain.decider import Streams
from domain.deliveries.commands import PlanDelivery
from domain.deliveries.events import DeliveryClass
from domain.identity import DeliveryId, Locale, Slug, SubjectId
from domain.message import Personal, Recorded

ANSWERS_LIVE = timedelta(hours=24)
"""An automatic answer to something older than this helps nobody; providers keep what we missed for a day."""

Say = Callable[[str, Locale | None], str]
"""Translate one of our own texts into a locale; None: the installation's."""


def answer(
    recorded: Recorded,
    event: MessageReceived | ButtonPressed,
    streams: Streams,
    *,
    occasion: Slug,
    text: Personal[str],
    choices: Personal[list[list[str]]] | None = None,
) -> PlanDelivery:
    """Return the delivery that answers an inbound event; the same event and occasion give the same delivery."""
    place = f"group-{event.group}" if event.group else f"contact-{event.contact}"
    quoted = event.provider_message if event.group else None
    return PlanDelivery(
        delivery=DeliveryId(streams.digest("delivery", f"{occasion}:{recorded.id}", place, "", "")),
        subject=SubjectId(place),
        kind=DeliveryClass.REPLY,
        occasion=occasion,
        contact=None if event.group else event.contact,
        customer=None if event.group else streams.state(contacts, event.contact).customer,
        group=event.group,
        text=text,
        choices=choices,
        not_before=min(recorded.occurred_at, recorded.recorded_at),
        expires_at=recorded.occurred_at + ANSWERS_LIVE,
        automatic=True,
        reply_to=quoted,
        thread=event.thread if isinstance(event, MessageReceived) else None,
    )
