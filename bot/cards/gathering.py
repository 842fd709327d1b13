"""What customers said since the last cards, gathered for a moment."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.commands.line import is_command
from domain.conversations.events import MessageReceived
from domain.identity import ContactId, EventId, MediaId, OperatorId
from domain.media.events import MediaKept
from domain.message import Recorded
from scheduler.follower import Follower

QUIET = timedelta(seconds=1.5)
"""A burst is over when nobody wrote for so long ..."""
LONGEST = timedelta(seconds=4)
"""... but whoever wrote first waits no longer than this."""
MOST_GATHERED = 5_000
"""Messages and files for one operator; what comes behind them waits in the log. Whom we may not write to now has cards waiting for days."""
SHOWN = 5
"""The last messages of a burst that a card shows."""


@dataclass(slots=True)
class Said:
    """What a customer said since the last card, from one contact. ``first``: the event it began with; ``at``: when the last was said.

    ``heard_at``: when it came, by our own clock: providers tell only the second, and an answer of that second may be to what was before.
    """

    contact: ContactId
    first: EventId
    since: datetime
    at: datetime
    heard_at: datetime
    lines: list[tuple[str, str]] = field(default_factory=list)
    count: int = 0
    files: list[MediaId] = field(default_factory=list)
    """What came with it and is kept by now; what is kept later follows by itself."""

    def add(self, event: MessageReceived, recorded: Recorded) -> None:
        """Take in one more message; of many, the last ones are kept."""
        self.lines = [*self.lines[1 - SHOWN :], (event.kind.value, event.text.value)]
        self.count += 1
        self._seen(recorded)

    def keep(self, event: MediaKept, recorded: Recorded) -> None:
        """Take in that a file of theirs can be shown."""
        self.lines = self.lines or [(event.kind.value, "")]
        self.files.append(event.media)
        self._seen(recorded)

    def _seen(self, recorded: Recorded) -> None:
        self.since, self.at = min(self.since, recorded.occurred_at), max(self.at, recorded.occurred_at)
        self.heard_at = recorded.recorded_at


@dataclass(slots=True)
class Inbox:
    """One operator's place in the log, and what is gathered since. ``again_at``: there is nothing to be done before."""

    operator: OperatorId
    follower: Follower
    room: int = MOST_GATHERED
    gathered: int = 0
    said: dict[ContactId, Said] = field(default_factory=dict)
    begun_at: datetime | None = None
    latest_at: datetime | None = None
    again_at: datetime | None = None

    @property
    def full(self) -> bool:
        """Whether what is gathered must become cards before more is read."""
        return self.gathered >= self.room

    def due_in(self, now: datetime) -> float:
        """Return in how many seconds what is gathered becomes cards."""
        if self.begun_at is None or self.latest_at is None:
            return 0.0
        due = min(self.latest_at + QUIET, self.begun_at + LONGEST)
        if self.again_at is not None:
            due = max(due, self.again_at)
        return (due - now).total_seconds()

    def clear(self) -> None:
        """Begin to gather anew."""
        self.said, self.gathered = {}, 0
        self.begun_at = self.latest_at = self.again_at = None


def is_for_us(event: MessageReceived) -> bool:
    """Whether a customer says it to us alone; a bind code is no word to anybody."""
    return event.group is None and not is_command(event.text.value, bound=False)
