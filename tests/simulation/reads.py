"""What a process reads: the real views in SQL, or the same folded from the log in memory, which costs a tenth of the time.

Both lag: they show what was appended when whoever drives them takes the next step. Both outlive the processes.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.reading import SqlAgenda, SqlAudience, SqlCanaries
from bot.snapshots import SqlSnapshots
from domain.deliveries.events import (
    DeliveryAccepted,
    DeliveryConfirmed,
    DeliveryExpired,
    DeliveryRejected,
    DeliverySuppressed,
)
from domain.identity import ContactId, DeliveryId, GroupId
from domain.message import Recorded, ReplyWindow, Rival
from domain.ports.agenda import Agenda
from domain.ports.audience import Audience, Known
from domain.ports.canaries import Canaries
from domain.ports.event_log import EventLog
from domain.ports.snapshots import MemorySnapshots, Snapshots
from projections.engine import Projector, Views
from projections.engine.verify import verify
from projections.projection import Projection
from tests.scheduler.view import LogView

FOLDED_AT_ONCE = 500
OVER = (DeliveryAccepted, DeliveryConfirmed, DeliveryRejected, DeliverySuppressed, DeliveryExpired)


class Reads(Protocol):
    """The views of an installation."""

    @property
    def agenda(self) -> Agenda: ...

    @property
    def audience(self) -> Audience: ...

    @property
    def canaries(self) -> Canaries: ...

    def begin(self, log: EventLog) -> Callable[[], int]:
        """Return what one more process drives them with: a step that returns how many events it took."""
        ...

    def snapshots(self, log: EventLog) -> Snapshots: ...

    def differences(self) -> Sequence[str]:
        """Return where they are not as ones made anew would be."""
        ...

    def close(self) -> None: ...


class FoldedView(LogView):
    """LogView with the reply windows that messages open."""

    def __init__(self, log: EventLog) -> None:
        super().__init__(log, until=0)
        self.opened: dict[ContactId, ReplyWindow] = {}

    def _fold(self, recorded: Recorded) -> None:
        super()._fold(recorded)
        event: Any = recorded.event
        if isinstance(event, OVER) and self.deliveries[event.delivery].run is None:
            self.deliveries.pop(event.delivery, None)  # nothing is due of it any more
        opens = getattr(event, "opens", None)
        if opens is None:
            return
        since = recorded.occurred_at
        known = self.opened.get(event.contact)
        if known is None or known.since < since:
            until = since + timedelta(seconds=opens.seconds)
            self.opened[event.contact] = ReplyWindow(opens.messages, since, until)

    def rivals(self, delivery: DeliveryId, now: datetime) -> Sequence[Rival]:
        """See Agenda."""
        self._read()
        return super().rivals(delivery, now) if delivery in self.deliveries else ()

    def about(self, whom: Collection[ContactId | GroupId]) -> Mapping[str, Known]:
        """See Audience."""
        windows = {one: self.opened.get(ContactId(one)) for one in whom}
        known = super().about(whom)
        return {
            one: known[one] if window is None else replace(known[one], opened=(window,))
            for one, window in windows.items()
        }


class FoldedReads:
    """See Reads."""

    def __init__(self, log: EventLog) -> None:
        self._log, self._view = log, FoldedView(log)

    @property
    def agenda(self) -> Agenda:
        return self._view

    @property
    def audience(self) -> Audience:
        return self._view

    @property
    def canaries(self) -> Canaries:
        return self._view

    def begin(self, log: EventLog) -> Callable[[], int]:
        return self._step

    def _step(self) -> int:
        before = self._view.until or 0
        self._view.until = min(self._log.head(), before + FOLDED_AT_ONCE)
        return self._view.until - before

    def snapshots(self, log: EventLog) -> Snapshots:
        return MemorySnapshots()

    def differences(self) -> Sequence[str]:
        return ()

    def close(self) -> None:
        """Nothing is held."""


class SqlReads:
    """See Reads: every view there is, in a nameless temporary file."""

    def __init__(self, log: EventLog, projections: Sequence[Projection], brand: str) -> None:
        self._log, self._projections, self._views = log, projections, Views(None)
        self._agenda, self._audience = SqlAgenda(self._views), SqlAudience(self._views, brand)

    @property
    def agenda(self) -> Agenda:
        return self._agenda

    @property
    def audience(self) -> Audience:
        return self._audience

    @property
    def canaries(self) -> Canaries:
        return SqlCanaries(self._views)

    def begin(self, log: EventLog) -> Callable[[], int]:
        return Projector(self._views, log, self._projections).step

    def snapshots(self, log: EventLog) -> Snapshots:
        return SqlSnapshots(self._views, log)

    def differences(self) -> Sequence[str]:
        projector = Projector(self._views, self._log, self._projections)
        return [str(difference) for difference in verify(projector)]

    def close(self) -> None:
        self._views.close()
