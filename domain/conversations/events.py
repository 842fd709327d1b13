"""What came in, and who is answering.

The facts of intake (``MessageReceived`` and its kin) each lie alone in their own ``inbound`` stream, whose id is the keyed hash of the
provider's message key: that makes the duplicate check. They name contacts only, so linking and merging never rewrite them.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from domain.identity import (
    Channel,
    ContactId,
    DeliveryId,
    Digest,
    GroupId,
    OperatorId,
    ProviderMessageId,
    Slug,
)
from domain.message import Opening, Personal, Raw


class ContentKind(StrEnum):
    """What a message carries beside its text."""

    TEXT = "text"
    PHOTO = "photo"
    VOICE = "voice"
    VIDEO = "video"
    DOCUMENT = "document"
    STICKER = "sticker"
    LOCATION = "location"
    CONTACT = "contact"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived:
    """A contact wrote, in private or in a group.

    ``text``: normalised; a caption where there is media. ``details``: what the kind needs (file id, size, coordinates), as plain JSON.
    ``to_bot``: private, or the bot was mentioned or replied to. ``forwarded``: somebody else's words.
    ``order``: set where one of us writes to the bot: they may quote a customer, so it has a key of its own that can go with that customer.
    """

    SUBJECT: ClassVar[str] = "order|contact"
    contact: ContactId
    group: GroupId | None = None
    kind: ContentKind = ContentKind.TEXT
    text: Personal[str]
    details: Personal[dict[str, Any]] | None = None
    provider_message: ProviderMessageId | None = None
    reply_to: ProviderMessageId | None = None
    thread: Slug | None = None
    to_bot: bool = True
    forwarded: bool = False
    raw: Raw | None = None
    opens: Opening | None = None
    order: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEdited:
    """A contact changed what they wrote."""

    SUBJECT: ClassVar[str] = "order|contact"
    contact: ContactId
    group: GroupId | None = None
    text: Personal[str]
    provider_message: ProviderMessageId
    raw: Raw | None = None
    order: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonPressed:
    """A contact pressed a button below one of our messages. ``data`` is what came back: not trusted."""

    SUBJECT: ClassVar[str] = "order|contact"
    contact: ContactId
    group: GroupId | None = None
    data: Personal[str]
    query: Personal[str]
    """The provider's handle for acknowledging the press."""
    provider_message: ProviderMessageId | None = None
    raw: Raw | None = None
    opens: Opening | None = None
    order: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberJoined:
    """One or more contacts came into a group, at once."""

    SUBJECT: ClassVar[str] = ""
    contacts: tuple[ContactId, ...]
    group: GroupId
    raw: Raw | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLeft:
    """A contact left a group, or was removed."""

    SUBJECT: ClassVar[str] = ""
    contact: ContactId
    group: GroupId
    raw: Raw | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachabilityReported:
    """The provider tells that a contact blocked us or left, or that we may write to them: unblocked, followed."""

    SUBJECT: ClassVar[str] = ""
    contact: ContactId
    reachable: bool
    raw: Raw | None = None
    source: Slug | None = None
    opens: Opening | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionReported:
    """A contact did something that is no message. ``action``: ``scanned``, ``opened-link``, ``chose-subscription`` ..."""

    SUBJECT: ClassVar[str] = "contact"
    contact: ContactId
    action: Slug
    data: Personal[dict[str, Any]]
    source: Slug | None = None
    raw: Raw | None = None
    opens: Opening | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptReported:
    """The provider tells what became of one of our messages. ``outcome``: ``sent``, or why not."""

    SUBJECT: ClassVar[str] = ""
    channel: Channel
    provider_message: ProviderMessageId
    outcome: Slug
    raw: Raw | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChangeReported:
    """The provider tells that the bot came into a group, left it, or that the group got a new id or title."""

    SUBJECT: ClassVar[str] = ""
    group: GroupId
    change: Slug
    raw: Raw | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateNotUnderstood:
    """Something came that this Siyu cannot read; it is kept, and the rest goes on."""

    SUBJECT: ClassVar[str] = ""
    channel: Slug
    reason: Slug
    raw: Raw | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationHandedOver:
    """A person is answering: the bot keeps silent until ``until``."""

    SUBJECT: ClassVar[str] = ""
    contact: ContactId
    operator: OperatorId | None
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationReturned:
    """The bot may answer again."""

    SUBJECT: ClassVar[str] = ""
    contact: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplySpent:
    """An attempt takes one of those that the channel allows, before it is sent: each may arrive, and counts there.

    ``of``: which allowance it takes from, None for the reply window: a month's mass messages, or the consents given for a template.
    """

    SUBJECT: ClassVar[str] = ""
    contact: ContactId
    delivery: DeliveryId
    at: datetime
    attempt: int = 1
    of: Slug | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyGivenBack:
    """It never used the allowance after all: provably not sent, or answered in the provider's own request."""

    SUBJECT: ClassVar[str] = ""
    contact: ContactId
    delivery: DeliveryId
    attempt: int = 1


INBOUND_EVENTS = (
    ("message-received/1", MessageReceived),
    ("message-edited/1", MessageEdited),
    ("button-pressed/1", ButtonPressed),
    ("member-joined/1", MemberJoined),
    ("member-left/1", MemberLeft),
    ("reachability-reported/1", ReachabilityReported),
    ("action-reported/1", ActionReported),
    ("receipt-reported/1", ReceiptReported),
    ("group-change-reported/1", GroupChangeReported),
    ("update-not-understood/1", UpdateNotUnderstood),
)
EVENTS = (
    ("conversation-handed-over/1", ConversationHandedOver),
    ("conversation-returned/1", ConversationReturned),
    ("reply-spent/1", ReplySpent),
    ("reply-given-back/1", ReplyGivenBack),
)
