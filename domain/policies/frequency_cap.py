"""How much marketing somebody gets: so many a local day, so many in seven days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.identity import ZoneName

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class FrequencyCap:
    """0 means no cap."""

    per_day: int
    per_week: int

    def free_from(self, sent: Sequence[datetime], now: datetime, zone: ZoneName) -> datetime:
        """Return from when on one more may be sent; ``now`` where it may at once."""
        tz = ZoneInfo(zone)
        today = now.astimezone(tz).date()
        moment = now
        of_today = [at for at in sent if at.astimezone(tz).date() == today]
        if self.per_day and len(of_today) >= self.per_day:
            moment = datetime.combine(today + timedelta(days=1), time(), tzinfo=tz).astimezone(UTC)
        of_week = sorted(at for at in sent if at > now - WEEK)
        if self.per_week and len(of_week) >= self.per_week:
            moment = max(moment, of_week[-self.per_week] + WEEK)
        return moment
