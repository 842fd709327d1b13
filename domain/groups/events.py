"""What happened to a group."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.identity import Account, Channel, DeliveryId, GroupId, Slug
from domain.message import Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSeen:
    """The bot noticed this group for the first time. ``kind``: the provider's, such as ``supergroup``."""

    SUBJECT: ClassVar[str] = "group"
    group: GroupId
    channel: Channel
    account: Account
    external_id: Personal[str]
    title: Personal[str]
    title_digest: Slug
    kind: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRenamed:
    """It has another title."""

    SUBJECT: ClassVar[str] = "group"
    group: GroupId
    title: Personal[str]
    title_digest: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMigrated:
    """The provider gave it another id (Telegram: a group became a supergroup); it is the same group."""

    SUBJECT: ClassVar[str] = "group"
    group: GroupId
    external_id: Personal[str]
    kind: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLeft:
    """The bot is no longer in it, or may not write there."""

    SUBJECT: ClassVar[str] = ""
    group: GroupId
    reason: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRejoined:
    """The bot is in it again."""

    SUBJECT: ClassVar[str] = ""
    group: GroupId


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSendReserved:
    """A marketing message spends the group's cap, before it is sent."""

    SUBJECT: ClassVar[str] = ""
    group: GroupId
    delivery: DeliveryId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAnswered:
    """A message that is no marketing goes to the group: noted where only a share of what it hears may be promotion."""

    SUBJECT: ClassVar[str] = ""
    group: GroupId
    delivery: DeliveryId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupReservationReleased:
    """It was provably never sent: the cap is given back."""

    SUBJECT: ClassVar[str] = ""
    group: GroupId
    delivery: DeliveryId


EVENTS = (
    ("group-seen/1", GroupSeen),
    ("group-renamed/1", GroupRenamed),
    ("group-migrated/1", GroupMigrated),
    ("group-left/1", GroupLeft),
    ("group-rejoined/1", GroupRejoined),
    ("group-send-reserved/1", GroupSendReserved),
    ("group-reservation-released/1", GroupReservationReleased),
    ("group-answered/1", GroupAnswered),
)
