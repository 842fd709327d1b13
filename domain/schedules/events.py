"""What happened to a recurring message."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from domain.identity import ContactId, CustomerId, GroupId, OperatorId, ScheduleId, Slug, Tag, ZoneName
from domain.message import Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleTerms:
    """What recurs, and when: the event and the command that asks for it share these fields.

    To a customer (by a contact), a group, everyone with a tag, or everyone (none of them).

    ``recurrence``: coded (domain/policies/recurrence.py). ``service``: an operator's reason why it is no marketing.
    """

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
class ScheduleCreated(ScheduleTerms):
    """A message shall go out again and again."""

    SUBJECT: ClassVar[str] = "contact|group|brand"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleEnded:
    """It fires no more."""

    SUBJECT: ClassVar[str] = ""
    schedule: ScheduleId


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleFired:
    """It fired for this local date: once, since the slot's stream must be new."""

    SUBJECT: ClassVar[str] = ""
    schedule: ScheduleId
    day: date
    at: datetime


EVENTS = (
    ("schedule-created/1", ScheduleCreated),
    ("schedule-ended/1", ScheduleEnded),
)
SLOT_EVENTS = (("schedule-fired/1", ScheduleFired),)
