"""What is due: hints for the scheduler, read from a view. What they lead to is decided on the streams."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from domain.identity import (
    Account,
    BroadcastId,
    CampaignId,
    Channel,
    ContactId,
    DeliveryId,
    GroupId,
    RunId,
    ScheduleId,
    Slug,
    ZoneName,
)
from domain.message import Rival


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A delivery that may be started. ``priority``: 0 reply, 1 service, 2 marketing."""

    delivery: DeliveryId
    priority: int
    channel: Channel
    account: Account
    contact: ContactId | None
    group: GroupId | None
    not_before: datetime


@dataclass(frozen=True, slots=True)
class BrokenLease:
    """A delivery that somebody started and nobody finished."""

    delivery: DeliveryId
    attempt: int


@dataclass(frozen=True, slots=True)
class DueSchedule:
    """A recurring message. ``starts_at``: no slot before it; ``last_day``: the newest local date it fired for."""

    schedule: ScheduleId
    recurrence: Slug
    zone: ZoneName
    starts_at: datetime
    last_day: date | None


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A campaign that was launched, and is neither paused nor over.

    ``last_at``: when its newest run was to go out. ``runs``: those that are not planned to their end, the oldest first. ``open``: whether
    any delivery of it is planned or started.
    """

    campaign: CampaignId
    last_at: datetime | None = None
    runs: tuple[RunId, ...] = ()
    open: bool = False


class Agenda(Protocol):
    """Reads what is due. Synchronous; a lag of the view delays, it never doubles."""

    def due(
        self, now: datetime, limit: int, among: Collection[tuple[Channel, Account]]
    ) -> Sequence[DueDelivery]:
        """Return planned deliveries that may start, and unknown ones that may be sent again; replies first, then by time.

        Of these accounts, ``limit`` at most of each. Marketing comes by priority, with every fourth place for the longest due; what is
        paused (its campaign, or all) is left out. Those past their expiry are among them: the gate records that they expired.
        """
        ...

    def broken_leases(self, now: datetime, limit: int) -> Sequence[BrokenLease]:
        """Return what was started with a lease that ended."""
        ...

    def broadcasts(self, now: datetime) -> Sequence[BroadcastId]:
        """Return confirmed broadcasts whose time has come and that are not fanned out."""
        ...

    def campaigns(self) -> Sequence[UnderWay]:
        """Return all campaigns under way, in a stable order."""
        ...

    def schedules(self) -> Sequence[DueSchedule]:
        """Return all recurring messages that were not ended."""
        ...

    def rivals(self, delivery: DeliveryId, now: datetime) -> Sequence[Rival]:
        """Return the marketing of higher priority that is planned for the same customer, the soonest first; a few at most."""
        ...

    def next_moment(self, after: datetime) -> datetime | None:
        """Return when the next delivery or broadcast falls due, or a lease ends; None where nothing waits."""
        ...


@dataclass(slots=True)
class MemoryAgenda:
    """An agenda that somebody filled."""

    deliveries: list[DueDelivery] = field(default_factory=list)
    broken: list[BrokenLease] = field(default_factory=list)
    due_broadcasts: list[BroadcastId] = field(default_factory=list)
    recurring: list[DueSchedule] = field(default_factory=list)
    under_way: list[UnderWay] = field(default_factory=list)
    before: dict[DeliveryId, list[Rival]] = field(default_factory=dict)

    def due(
        self, now: datetime, limit: int, among: Collection[tuple[Channel, Account]]
    ) -> Sequence[DueDelivery]:
        """See Agenda."""
        ready = [d for d in self.deliveries if d.not_before <= now]
        ready.sort(key=lambda d: (d.priority, d.not_before))
        found = [[d for d in ready if (d.channel, d.account) == at][:limit] for at in among]
        return sorted((d for those in found for d in those), key=lambda d: d.priority)

    def broken_leases(self, now: datetime, limit: int) -> Sequence[BrokenLease]:  # noqa: ARG002  # as filled
        """See Agenda."""
        return self.broken[:limit]

    def broadcasts(self, now: datetime) -> Sequence[BroadcastId]:  # noqa: ARG002  # as filled
        """See Agenda."""
        return self.due_broadcasts

    def campaigns(self) -> Sequence[UnderWay]:
        """See Agenda."""
        return self.under_way

    def schedules(self) -> Sequence[DueSchedule]:
        """See Agenda."""
        return self.recurring

    def rivals(self, delivery: DeliveryId, now: datetime) -> Sequence[Rival]:  # noqa: ARG002  # as filled
        """See Agenda."""
        return self.before.get(delivery, [])

    def next_moment(self, after: datetime) -> datetime | None:
        """See Agenda."""
        return min((d.not_before for d in self.deliveries if d.not_before > after), default=None)
