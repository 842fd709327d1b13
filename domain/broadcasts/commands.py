"""What may be asked of a broadcast."""

from dataclasses import dataclass
from datetime import datetime

from domain.broadcasts.events import AudienceKind
from domain.identity import BroadcastId, Digest, GroupId, OperatorId, ScheduleId, Slug, Tag, ZoneName
from domain.message import Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftBroadcast:
    """Write it down, to be confirmed. Fields as in BroadcastDrafted."""

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
class ConfirmBroadcast:
    """Let it go out."""

    broadcast: BroadcastId


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishFanOut:
    """Every recipient has their delivery now."""

    broadcast: BroadcastId
    planned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelBroadcast:
    """Stop what has not started yet. ``recall``: and take back what went out."""

    broadcast: BroadcastId
    recall: bool = False
