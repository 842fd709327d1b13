"""What channels hand in, and what may be asked of a conversation."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.conversations.events import ContentKind
from domain.identity import (
    Account,
    Channel,
    ContactId,
    DeliveryId,
    Locale,
    OperatorId,
    ProviderMessageId,
    Slug,
    ZoneName,
)
from domain.message import Opening, Raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Somebody at a provider, as the provider shows them. ``zone``: where they are, as far as their device tells."""

    external_id: str
    name: str = ""
    username: str = ""
    language: Locale | None = None
    zone: ZoneName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A group at a provider. ``thread``: the forum topic a message lies in."""

    external_id: str
    title: str = ""
    kind: Slug = Slug("group")
    thread: Slug | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Text or media. Fields as in MessageReceived."""

    kind: ContentKind = ContentKind.TEXT
    text: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    provider_message: ProviderMessageId | None = None
    reply_to: ProviderMessageId | None = None
    to_bot: bool = True
    forwarded: bool = False
    source: Slug | None = None
    """Where this person came from: the payload of a deep link or QR code, on their first message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """New text for an earlier message."""

    text: str
    provider_message: ProviderMessageId


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A pressed button."""

    data: str
    query: str
    provider_message: ProviderMessageId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Members who came into the group; the sender may be who added them."""

    members: tuple[Sender, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """A member who left the group."""

    member: Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Reachability:
    """The sender blocked or unfollowed us (False), or may be written to from now on (True: unblocked, followed).

    ``source``: the payload of the code they followed by.
    """

    reachable: bool
    source: Slug | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """The sender did something that is no message: ``action`` is ``scanned``, ``opened-link``, ``chose-subscription`` ...

    ``data``: what they did it with (a scene, an address, a template and their choice).
    """

    action: Slug
    data: dict[str, Any] = field(default_factory=dict)
    source: Slug | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The provider tells what became of one of our messages, by its own id. ``outcome``: ``sent``, or why not, as a slug."""

    provider_message: ProviderMessageId
    outcome: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChange:
    """``change``: ``bot-joined``, ``bot-left``, ``renamed`` or ``migrated``; then ``new_external_id`` is the group's id from now on."""

    change: Slug
    new_external_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotUnderstood:
    """Something this Siyu cannot read; ``reason``: ``unknown-kind`` or ``malformed``."""

    reason: Slug


Content = Message | Edit | Press | Join | Leave | Reachability | Act | Receipt | GroupChange | NotUnderstood


@dataclass(frozen=True, slots=True, kw_only=True)
class Receive:
    """One thing that came in on a channel.

    ``key``: the provider's message key, unique within channel and account for 90 days (Telegram: update_id). The second one with the same
    key is a duplicate: dropped whole, with everything it would have brought about.
    """

    channel: Channel
    account: Account
    key: str
    occurred_at: datetime
    content: Content
    sender: Sender | None = None
    chat: Chat | None = None
    raw: Raw | None = None
    opens: Opening | None = None
    """The reply window that this opens towards the sender, on a channel that has such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """A person answers from now on."""

    contact: ContactId
    operator: OperatorId | None
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnToBot:
    """The bot answers again."""

    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveReplyBack:
    """An attempt that was counted against the reply window provably never used it."""

    contact: ContactId
    delivery: DeliveryId
    attempt: int = 1
