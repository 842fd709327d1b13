"""What happened to a broadcast. Its text is stored once, here; a delivery only refers to it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from domain.identity import BroadcastId, Digest, GroupId, OperatorId, ScheduleId, Slug, Tag, ZoneName
from domain.message import Personal


class AudienceKind(StrEnum):
    """Who is meant."""

    ALL = "all"
    TAG = "tag"
    GROUP = "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastDrafted:
    """An operator wrote it and saw whom it would reach; nothing happens before it is confirmed.

    ``recurrence``: coded (domain/policies/recurrence.py) where it shall go out again and again, None for once at ``not_before``.
    ``code``: keyed hash of what the operator must say to confirm; None where it was confirmed in the same breath.
    """

    SUBJECT: ClassVar[str] = "brand"
    broadcast: BroadcastId
    audience: AudienceKind
    tag: Tag | None = None
    group: GroupId | None = None
    text: Personal[str]
    not_before: datetime
    recurrence: Slug | None = None
    zone: ZoneName | None = None
    operator: OperatorId | None = None
    schedule: ScheduleId | None = None
    code: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastConfirmed:
    """It shall go out, at ``not_before``."""

    SUBJECT: ClassVar[str] = ""
    broadcast: BroadcastId
    not_before: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastFannedOut:
    """A delivery is planned for each recipient."""

    SUBJECT: ClassVar[str] = ""
    broadcast: BroadcastId
    planned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastCancelled:
    """What has not started yet will not be sent. ``recall``: what went out shall be taken back, where the channel can."""

    SUBJECT: ClassVar[str] = ""
    broadcast: BroadcastId
    recall: bool = False


EVENTS = (
    ("broadcast-drafted/1", BroadcastDrafted),
    ("broadcast-confirmed/1", BroadcastConfirmed),
    ("broadcast-fanned-out/1", BroadcastFannedOut),
    ("broadcast-cancelled/1", BroadcastCancelled),
)
