"""Sending one message over a channel."""

import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from domain.errors import SendFailed
from domain.identity import Address, MediaId, ProviderMessageId, Slug
from domain.message import Route

__all__ = ["Attachment", "Card", "Form", "MemoryMessenger", "Messenger", "Outbound", "Route"]

SERVICE, SUBSCRIBE, TEMPLATE, MASS = Slug("service"), Slug("subscribe"), Slug("template"), Slug("mass")
"""Routes: a message of our own, one that the recipient asked for, one by a template of the provider's, one to many at once."""
REQUEST_TIMEOUT_S = 30.0
"""No request to a provider takes longer; the lease of a delivery is built on it (shared/design/delivery.md, "Frozen workers")."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along with a message. ``kind``: ``photo``, ``voice``, ``video`` or ``document``. ``size`` in bytes.

    ``content_type``: what its bytes are, not what somebody said they were. ``read`` gives the bytes from the beginning, as often as asked.
    ``media``: its id in the media store, for channels that show it by a link.
    """

    kind: Slug
    content_type: str
    name: str
    size: int
    read: Callable[[], AsyncIterator[bytes]]
    media: MediaId | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """A template that the provider has: its id there, its fields filled in, and where it leads (empty: nowhere)."""

    id: str
    fields: tuple[tuple[str, str], ...]
    url: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A link with a title and a picture."""

    title: str
    url: str
    description: str = ""
    picture: Attachment | None = None


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message for one address. ``key``: the delivery's id, for providers that know duplicate keys.

    ``choices``: rows of (label, coded answer) below the text. ``thread``: the forum topic. ``text`` is the caption of an ``attachment``.
    ``links``: rows of (label, address), below the choices. ``card``: below the text.
    ``route``: which of the channel's routes it takes, empty where it has one only; ``form``: what goes out by a route that needs one.
    """

    key: str
    to: Address
    text: str
    choices: tuple[tuple[tuple[str, str], ...], ...] = ()
    reply_to: ProviderMessageId | None = None
    thread: Slug | None = None
    attachment: Attachment | None = None
    route: Slug = Slug("")  # a string
    form: Form | None = None
    links: tuple[tuple[tuple[str, str], ...], ...] = ()
    card: Card | None = None


def with_note(outbound: Outbound) -> Outbound:
    """Return the message without its attachment, its text naming what is missing: for channels that cannot take this file."""
    if outbound.attachment is None:
        return outbound
    note = f"📎 {outbound.attachment.name}"
    return replace(outbound, text=f"{outbound.text}\n{note}" if outbound.text else note, attachment=None)


def with_card_in_words(outbound: Outbound) -> Outbound:
    """Return the message with its card as lines of its text, and the card's picture as its file where it has none."""
    card = outbound.card
    if card is None:
        return outbound
    lines = (outbound.text, card.title, card.description, card.url)
    text = "\n".join(line for line in lines if line)
    return replace(outbound, text=text, card=None, attachment=outbound.attachment or card.picture)


def with_links_in_words(outbound: Outbound) -> Outbound:
    """Return the message with its links as lines of its text, for channels that have no buttons which open something."""
    lines = [f"{label}: {address}" for row in outbound.links for label, address in row]
    text = "\n".join(line for line in (outbound.text, *lines) if line)
    return replace(outbound, text=text, links=())


class Messenger(Protocol):
    """One channel's way out."""

    async def send(self, outbound: Outbound) -> ProviderMessageId | None:
        """Send, and return the provider's id of the message, if it gives one.

        Ends within 30 s. Raises TemporaryFailure or PermanentFailure where it was provably not sent, OutcomeUnknown where nobody can
        tell.
        """
        ...


@dataclass(slots=True)
class MemoryMessenger:
    """A messenger that keeps what it was given; ``failures`` are raised first, one a send."""

    sent: list[Outbound] = field(default_factory=list)
    failures: list[SendFailed] = field(default_factory=list)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def send(self, outbound: Outbound) -> ProviderMessageId | None:
        """See Messenger."""
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(outbound)
        return ProviderMessageId(str(next(self._ids)))
