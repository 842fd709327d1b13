"""The house: everything that one running Siyu is made of, joined by bootstrap and used by whoever drives it."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.bulk import Runner
from bot.commands.command import Office
from bot.eventlog.log import StoredEventLog
from bot.eventlog.vault import Vault
from bot.eventlog.writer import Writer
from bot.metrics import Metrics
from bot.neighbours import PostgresNeighbours
from bot.settings import Settings
from bot.snapshots import SqlSnapshots
from bot.texts import Texts
from bot.unsaid import Unsaid
from domain.decider import Process
from domain.deliveries.events import DeliveryClass, DeliveryPlanned
from domain.dispatch import Dispatcher, Done, Failed, Request, Result
from domain.errors import StoreUnavailable
from domain.identity import KeyedHash, Slug
from domain.message import Command, Context, Event
from domain.ports.media import MediaStore, Uploads
from domain.registry import EVENT_TYPES
from projections.engine import Projector, Views

CATCH_UP_STEPS = 1_000_000
"""A reader drives the views at most so many batches; more means that somebody appends faster than views can follow."""
AGENDA_EVENTS = frozenset(
    slug
    for slug in EVENT_TYPES
    if slug.startswith(
        (
            "delivery-",
            "broadcast-",
            "campaign-",
            "run-",
            "schedule-",
            "marketing-",
            "sending-",
            "contact-unblocked",
        )
    )
)
"""What the courier, the fan-out and the ticks act on."""


def utc_now() -> datetime:
    """Read the wall clock."""
    return datetime.now(UTC)


def is_urgent(event: Event) -> bool:
    """Whether a message was planned that does not wait behind a campaign."""
    return isinstance(event, DeliveryPlanned) and event.kind is not DeliveryClass.MARKETING


@dataclass(slots=True)
class House:
    """The pieces. The projector may be driven by whoever needs its views now: one at a time steps, the others find nothing left."""

    settings: Settings
    variables: Mapping[str, str]
    texts: Texts
    log: StoredEventLog
    vault: Vault
    views: Views
    projector: Projector
    snapshots: SqlSnapshots
    dispatcher: Dispatcher
    writer: Writer
    processes: tuple[Process, ...]
    digest: KeyedHash
    office: Office
    metrics: Metrics
    media: MediaStore
    uploads: Uploads
    bulk: Runner
    clock: Callable[[], datetime] = utc_now
    neighbours: PostgresNeighbours | None = None
    """Other processes on the same log; None where there can be none."""
    unsaid: Unsaid = field(default_factory=Unsaid)
    cleaning: threading.Lock = field(default_factory=threading.Lock)
    """Held by whoever destroys what was promised to be forgotten."""
    forgotten_to: int = 0
    """Up to which position this process remembers nobody who was forgotten."""
    agenda_changes: int = 0
    """How often this process appended something that may have become due."""
    urgent_changes: int = 0
    """How often it planned something that does not wait behind a campaign."""
    address: str = ""
    """Where the web server listens, while it does."""

    def catch_up(self) -> None:
        """Return when the views show everything that was in the log at the call. Raises StoreUnavailable."""
        head = self.log.head()
        for _ in range(CATCH_UP_STEPS):
            if not self.projector.step(head):
                return
        raise StoreUnavailable("the views cannot keep up with the log: try again")

    def context(self, actor: str) -> Context:
        """Return the context of a command that somebody gives now."""
        now = self.clock()
        return Context(actor=Slug(actor), occurred_at=now, now=now)

    async def submit(self, request: Request) -> Result:
        """Have a request decided and made durable. Raises Overloaded, StoreUnavailable."""
        result = await self.writer.submit(request)
        self._note(result)
        return result

    def submit_blocking(self, request: Request) -> Result:
        """As ``submit``, from a thread."""
        result = self.writer.submit_blocking(request)
        self._note(result)
        return result

    def _note(self, result: Result) -> None:
        self.metrics.count(result)
        if isinstance(result, Done):
            self.unsaid.note(result.events)
            self.agenda_changes += not AGENDA_EVENTS.isdisjoint([r.type for r in result.events])
            self.urgent_changes += any(is_urgent(r.event) for r in result.events)

    def do(self, actor: str, *commands: Command) -> Done:
        """Decide commands in one append, from a thread. Raises Rejected and whatever else kept it from being done."""
        return done(self.submit_blocking(Request(self.context(actor), commands)))

    def close(self) -> None:
        """End bulk work, answer what waits, then close the stores."""
        self.bulk.close()
        self.writer.close()
        if self.neighbours is not None:
            self.neighbours.close()
        self.views.close()
        self.log.close()
        self.vault.close()


def done(result: Result) -> Done:
    """Return a result that is done. Raises the error of one that is not."""
    if isinstance(result, Failed):
        raise result.error
    return result
