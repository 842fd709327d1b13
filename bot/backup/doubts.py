"""What a restored log cannot know: everything that was open and due may have been sent since the backup was taken.

It is said in the log itself, before anybody acts on it, as facts: deliveries become Unknown, a broadcast that was not planned to its end is
cancelled, and a campaign that had begun; an occurrence of what recurs counts as fired; of a pool of codes nobody knows how many were given
out. Nobody reacts to these: no process is joined here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

import structlog

from bot.eventlog.log import StoredEventLog
from bot.eventlog.vault import Vault
from bot.export import events
from bot.ids import fresh_id
from domain.broadcasts.commands import CancelBroadcast
from domain.broadcasts.events import BroadcastCancelled, BroadcastConfirmed, BroadcastFannedOut
from domain.campaigns.campaign import Stage, campaigns
from domain.campaigns.commands import CancelCampaign, ClearRun, FinishRun, SampleRun, StartRun
from domain.campaigns.events import (
    CampaignCancelled,
    CampaignFinished,
    CampaignScheduled,
    RunPlanned,
    RunStarted,
)
from domain.campaigns.occurrences import newest_due
from domain.campaigns.plan import Cadence
from domain.codes.commands import DoubtPool
from domain.codes.events import CodesAdded, PoolDoubted
from domain.contacts.suppression import address_digest
from domain.customers.customer import customers
from domain.customers.events import CustomerForgotten
from domain.deliveries.events import (
    DeliveryAccepted,
    DeliveryConfirmed,
    DeliveryExpired,
    DeliveryPlanned,
    DeliveryRejected,
    DeliverySuppressed,
    DeliveryUnknown,
)
from domain.dispatch import Dispatcher, Done, Request
from domain.errors import StoreUnavailable
from domain.forgetting import ForgetCustomer
from domain.identity import (
    BroadcastId,
    CampaignId,
    ContactId,
    CustomerId,
    DeliveryId,
    Digest,
    KeyedHash,
    Party,
    RunId,
    ScheduleId,
    Slug,
    SubjectId,
    stream,
)
from domain.installation.commands import MarkRestored
from domain.message import Command, Context, Event, Origin
from domain.policies.recurrence import Recurrence
from domain.ports.event_log import Unreadable
from domain.processes.recurring import OCCURRENCE_LIVES
from domain.registry import registry
from domain.restoring import DoubtDelivery
from domain.schedules.commands import FireSchedule
from domain.schedules.events import ScheduleCreated, ScheduleEnded, ScheduleFired

CHUNK = 200
"""Commands decided in one append."""
RESTORE = Slug("restore")
"""The actor of what is said here."""

_Ended = DeliveryAccepted | DeliveryConfirmed | DeliveryRejected | DeliverySuppressed | DeliveryExpired

log_ = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Restored:
    """Which backup is restored, and when."""

    head: int
    taken_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Doubts:
    """How many deliveries became Unknown, broadcasts were cancelled, occurrences count as fired, pools are in doubt; and more to tell."""

    deliveries: int
    broadcasts: int
    slots: int
    pools: int
    forgotten: int
    unreadable: int


@dataclass(slots=True)
class _Open:
    """What had not ended when the backup was taken, and pools. Imported history is none of it: only its codes lead to anything."""

    deliveries: dict[DeliveryId, CustomerId | None] = field(default_factory=dict)
    broadcasts: dict[BroadcastId, datetime] = field(default_factory=dict)
    launched: set[CampaignId] = field(default_factory=set)
    runs: dict[RunId, CampaignId] = field(default_factory=dict)
    schedules: dict[ScheduleId, ScheduleCreated] = field(default_factory=dict)
    fired: dict[ScheduleId, date] = field(default_factory=dict)
    pools: set[Slug] = field(default_factory=set)
    unreadable: int = 0

    def note(self, event: Event) -> None:
        """Fold one event."""
        match event:
            case DeliveryPlanned(delivery=delivery, customer=customer):
                self.deliveries[delivery] = customer
            case BroadcastConfirmed(broadcast=broadcast, not_before=not_before):
                self.broadcasts[broadcast] = not_before
            case BroadcastFannedOut(broadcast=broadcast) | BroadcastCancelled(broadcast=broadcast):
                self.broadcasts.pop(broadcast, None)
            case CampaignScheduled(campaign=campaign):
                self.launched.add(campaign)
            case CampaignCancelled(campaign=campaign) | CampaignFinished(campaign=campaign):
                self.launched.discard(campaign)
            case RunStarted(run=run, campaign=campaign):
                self.runs[run] = campaign
            case RunPlanned(run=run):
                self.runs.pop(run, None)
            case ScheduleCreated(schedule=schedule):
                self.schedules[schedule] = event
            case ScheduleEnded(schedule=schedule):
                self.schedules.pop(schedule, None)
            case ScheduleFired(schedule=schedule, day=day):
                self.fired[schedule] = max(day, self.fired.get(schedule, day))
            case CodesAdded(pool=pool):
                self.pools.add(pool)
            case Unreadable():
                self.unreadable += 1
            case _ if isinstance(event, _Ended):
                self.deliveries.pop(event.delivery, None)
            case _:
                pass


@dataclass(frozen=True, slots=True)
class Marks:
    """``gone``: whose keys the vault in use has destroyed; ``old``: the backup's vault, where it has one."""

    gone: frozenset[SubjectId]
    old: Vault | None


def cast_doubt(log: StoredEventLog, vault: Vault, marks: Marks, restored: Restored) -> Doubts:
    """Append what a restored log must say, ``InstallationRestored`` first. Returns how much that was.

    ``vault``: the one in use from now on. Raises StoreUnavailable.
    """
    open_ = _Open()
    for recorded in events(log, 0):
        if recorded.origin is not Origin.IMPORT or isinstance(recorded.event, Unreadable | CodesAdded):
            open_.note(recorded.event)
    dispatcher = Dispatcher(log, vault, registry(()), KeyedHash(vault.secret()), fresh_id)
    decide = _Deciding(dispatcher, restored.now)
    decide([MarkRestored(head=restored.head, taken_at=restored.taken_at)])
    forgotten = decide(_forget_again(open_, dispatcher, marks))
    deliveries = decide(DoubtDelivery(delivery=delivery) for delivery in open_.deliveries)
    broadcasts = decide(
        CancelBroadcast(broadcast=broadcast)
        for broadcast, not_before in open_.broadcasts.items()
        if not_before <= restored.now
    )
    decide(_campaigns(open_, dispatcher, restored.now))
    slots = decide(_due_slots(open_, restored.now))
    pools = decide(DoubtPool(pool=pool) for pool in sorted(open_.pools))
    return Doubts(
        deliveries=_count(deliveries, DeliveryUnknown),
        broadcasts=_count(broadcasts, BroadcastCancelled),
        slots=_count(slots, ScheduleFired),
        pools=_count(pools, PoolDoubted),
        forgotten=_count(forgotten, CustomerForgotten),
        unreadable=open_.unreadable,
    )


def _count(found: Iterable[Event], kind: type) -> int:
    return sum(isinstance(event, kind) for event in found)


def _due_slots(open_: _Open, now: datetime) -> Iterator[FireSchedule]:
    """Yield the newest occurrence of each schedule that would still be made up for: it may have been."""
    for schedule, created in open_.schedules.items():
        since = now - OCCURRENCE_LIVES
        due = Recurrence.parse(created.recurrence).due_between(since, now, created.zone)
        if due and due[-1][1] >= created.starts_at and due[-1][0] > open_.fired.get(schedule, date.min):
            yield FireSchedule(schedule=schedule, day=due[-1][0], at=due[-1][1])


def _campaigns(open_: _Open, dispatcher: Dispatcher, now: datetime) -> Iterator[Command]:
    """Yield the end of what goes out once and had begun, and of each run of what recurs that may have: nobody more is planned for.

    One that was paused and recurs ends too where something of it was due: it may have been resumed since.
    """
    for campaign in sorted(open_.launched):
        _, state = dispatcher.load(campaigns, stream(campaigns.category, campaign))
        if state.drafted is None or state.at is None:
            continue
        timing = state.drafted.timing
        due = newest_due(timing, state.at, now)
        if due is not None and (timing.cadence is Cadence.ONCE or state.stage is Stage.PAUSED):
            yield CancelCampaign(campaign=campaign)
            continue
        if due is not None:
            run = RunId(dispatcher.digest("run", campaign, due.key))
            yield StartRun(run=run, campaign=campaign, at=due.at, day=due.day, meant=0)
            yield FinishRun(run=run)
        for run in (run for run, of in open_.runs.items() if of == campaign):
            yield SampleRun(run=run, until=now)
            yield ClearRun(run=run)
            yield FinishRun(run=run)


def _forget_again(open_: _Open, dispatcher: Dispatcher, marks: Marks) -> Iterator[ForgetCustomer]:
    """Yield whom the vault in use has forgotten, and this log has not: in the log they are forgotten again.

    Only who is forgotten altogether: where a contact's key is there still, it belonged to somebody else by then.
    """
    for customer in sorted(CustomerId(name[9:]) for name in marks.gone if name.startswith("customer-")):
        _, state = dispatcher.load(customers, stream(customers.category, customer))
        theirs = sorted(state.contacts)
        if not state.exists or state.forgotten or state.merged_into is not None:
            continue
        if any(SubjectId(f"contact-{contact}") not in marks.gone for contact in theirs):
            continue
        yield ForgetCustomer(
            customer=customer,
            addresses=tuple((contact, _address(contact, dispatcher, marks)) for contact in theirs),
            deliveries=tuple(d for d, whose in open_.deliveries.items() if whose == customer),
            schedules=tuple(s for s, created in open_.schedules.items() if created.customer == customer),
        )


def _address(contact: ContactId, dispatcher: Dispatcher, marks: Marks) -> Digest:
    """Return what stands for the address of somebody forgotten; the backup's own vault may know it still."""
    known = None if marks.old is None else marks.old.address_of(Party.CONTACT, contact)
    if known is None:
        return dispatcher.digest("suppression", "address-lost", contact)
    return address_digest(dispatcher.digest, known.channel, known.account, known.external_id)


class _Deciding:
    """Decides commands a chunk at a time; one that cannot be decided (its stream is damaged) is told and left out."""

    def __init__(self, dispatcher: Dispatcher, now: datetime) -> None:
        self._dispatcher = dispatcher
        self._context = Context(actor=RESTORE, occurred_at=now, now=now)

    def __call__(self, commands: Iterable[Command]) -> list[Event]:
        """Return what followed. Raises StoreUnavailable."""
        waiting, found = list(commands), list[Event]()
        for start in range(0, len(waiting), CHUNK):
            found += self._decide(waiting[start : start + CHUNK])
        return found

    def _decide(self, commands: list[Command]) -> list[Event]:
        (result,) = self._dispatcher.step([Request(self._context, tuple(commands))])
        if isinstance(result, Done):
            return [recorded.event for recorded in result.events]
        if isinstance(result.error, StoreUnavailable):
            raise result.error
        if len(commands) > 1:
            return [event for command in commands for event in self._decide([command])]
        log_.error("restore.left_out", command=type(commands[0]).__name__, error=type(result.error).__name__)
        return []
