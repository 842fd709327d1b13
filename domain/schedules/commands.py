"""What may be asked of a recurring message."""

from dataclasses import dataclass
from datetime import date, datetime

from domain.identity import ScheduleId
from domain.schedules.events import ScheduleTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSchedule(ScheduleTerms):
    """Let a message recur."""


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
