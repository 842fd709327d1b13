"""What may be asked of a recurring message."""

from dataclasses import dataclass
from datetime import date, datetime

from domain.identity import ContactId, CustomerId, GroupId, OperatorId, ScheduleId, Slug, Tag, ZoneName
from domain.message import Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSchedule:
    """Let a message recur. Fields as in ScheduleCreated."""

    schedule: ScheduleId
    recurrence: Slug
    zone: ZoneName
    text: Personal[str]
    starts_at: datetime
    customer: CustomerId | None = None
    contact: ContactId | None = None
    group: GroupId | None = None
    tag: Tag | None = None
    operator: OperatorId | None = None
    service: Personal[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSchedule:
    """Let it recur no more."""

    schedule: ScheduleId


@dataclass(frozen=True, slots=True, kw_only=True)
class FireSchedule:
    """It is due for this local date."""

    schedule: ScheduleId
    day: date
    at: datetime
