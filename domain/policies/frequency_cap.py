"""How much marketing somebody gets: so many a local day, so many in seven days; over all, on one channel, about one topic."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.identity import Channel, Slug, ZoneName

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class FrequencyCap:
    """0 means no cap."""

    per_day: int
    per_week: int

    @property
    def said(self) -> str:
        """The cap as part of a rule's code."""
        return f"{self.per_day}-a-day-{self.per_week}-a-week"

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


@dataclass(frozen=True, slots=True)
class Spent:
    """One message that counts. ``channel`` and ``topic``: None where nobody noted it; then it counts for each."""

    at: datetime
    channel: Channel | None = None
    topic: Slug | None = None


class Scope(StrEnum):
    """What a cap counts."""

    ALL = "all"
    CHANNEL = "channel"
    TOPIC = "topic"


@dataclass(frozen=True, slots=True)
class ScopedCap:
    """A cap over all messages, or over those on one channel or about one topic (``of``)."""

    cap: FrequencyCap
    scope: Scope = Scope.ALL
    of: Slug | None = None

    @property
    def rule(self) -> Slug:
        """Which cap it is: ``cap-1-a-day-2-a-week``, ``cap-topic-news-1-a-day-0-a-week``."""
        named = "" if self.scope is Scope.ALL else f"{self.scope}-{self.of}-"
        return Slug(f"cap-{named}{self.cap.said}")

    def counts(self, channel: Channel | None, topic: Slug | None) -> bool:
        """Whether a message on this channel about this topic is one of those counted."""
        match self.scope:
            case Scope.ALL:
                return True
            case Scope.CHANNEL:
                return channel is None or Slug(channel) == self.of
            case Scope.TOPIC:
                return topic is None or topic == self.of

    def free_from(self, sent: Sequence[Spent], now: datetime, zone: ZoneName) -> datetime:
        """Return from when on one more of what it counts may be sent; ``now`` where it may at once."""
        counted = [spent.at for spent in sent if self.counts(spent.channel, spent.topic)]
        return self.cap.free_from(counted, now, zone)
