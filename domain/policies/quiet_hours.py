"""Nobody is woken: quiet hours, in the recipient's zone."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.identity import ZoneName


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one local time to another, usually over midnight; equal times mean none."""

    begin: time
    end: time

    def covers(self, moment: datetime, zone: ZoneName) -> bool:
        """Whether a moment lies inside."""
        local = moment.astimezone(ZoneInfo(zone)).time()
        if self.begin <= self.end:
            return self.begin <= local < self.end
        return local >= self.begin or local < self.end

    def end_after(self, moment: datetime, zone: ZoneName) -> datetime:
        """Return when the quiet hours end that cover a moment, in UTC; the moment itself where none do."""
        if not self.covers(moment, zone):
            return moment
        local = moment.astimezone(ZoneInfo(zone))
        ends = datetime.combine(local.date(), self.end, tzinfo=ZoneInfo(zone))
        if ends <= local:
            ends = datetime.combine(local.date() + timedelta(days=1), self.end, tzinfo=ZoneInfo(zone))
        # Where clocks go back, the end may come twice: the second one counts once the first has passed.
        return next(end for fold in (0, 1) if (end := ends.replace(fold=fold).astimezone(UTC)) > moment)
