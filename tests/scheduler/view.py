"""What the scheduler reads, folded from the log: as the views would have it, or as far as they have come."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from domain.broadcasts.broadcast import BroadcastState, Stage, broadcasts
from domain.contacts.contact import ContactState, contacts
from domain.contacts.events import ContactSeen
from domain.conversations.events import MessageReceived
from domain.customers.customer import CustomerState, customers
from domain.deliveries.delivery import RESEND_AFTER_LEASE, DeliveryState, Phase, deliveries
from domain.deliveries.events import DeliveryClass
from domain.groups.events import GroupSeen
from domain.identity import (
    Account,
    BroadcastId,
    Channel,
    ContactId,
    CustomerId,
    DeliveryId,
    GroupId,
    ScheduleId,
    Tag,
)
from domain.message import Recorded
from domain.ports.agenda import BrokenLease, DueDelivery, DueSchedule
from domain.ports.audience import Known, Recipient
from domain.ports.event_log import EventLog
from domain.schedules.events import ScheduleCreated, ScheduleEnded, ScheduleFired

_PRIORITY = {DeliveryClass.REPLY: 0, DeliveryClass.SERVICE: 1, DeliveryClass.MARKETING: 2}


@dataclass(slots=True)
class LogView:
    """Agenda and Audience, folded from the log as far as ``until`` (None: to its head): so a view may lag."""

    log: EventLog
    until: int | None = None
    position: int = 0
    deliveries: dict[DeliveryId, DeliveryState] = field(default_factory=dict)
    posted: dict[BroadcastId, BroadcastState] = field(default_factory=dict)
    recurring: dict[ScheduleId, DueSchedule] = field(default_factory=dict)
    contacts: dict[ContactId, ContactState] = field(default_factory=dict)
    customers: dict[CustomerId, CustomerState] = field(default_factory=dict)
    names: dict[ContactId, str] = field(default_factory=dict)
    heard: dict[ContactId, datetime] = field(default_factory=dict)
    groups: dict[GroupId, tuple[Channel, Account]] = field(default_factory=dict)
    looks: list[int] = field(default_factory=list)
    """The limit of each look at what is due."""

    def _read(self) -> None:
        end = self.log.head() if self.until is None else self.until
        for recorded in self.log.read(self.position, max(0, end - self.position)):
            self._fold(recorded)
            self.position = recorded.position

    def _fold(self, recorded: Recorded) -> None:
        event: Any = recorded.event
        category, _, key = recorded.stream.partition("-")
        for decider, states in (
            (deliveries, self.deliveries),
            (broadcasts, self.posted),
            (contacts, self.contacts),
            (customers, self.customers),
        ):
            if category == decider.category:
                known: dict[Any, Any] = states
                known[key] = decider.evolve(known.get(key, decider.initial), event)
        match event:
            case ContactSeen(contact=contact, name=name):
                self.names[contact] = name.value
            case MessageReceived(contact=contact):
                self.heard[contact] = recorded.occurred_at
            case GroupSeen(group=group, channel=channel, account=account):
                self.groups[group] = (channel, account)
            case ScheduleCreated(schedule=schedule):
                self.recurring[schedule] = DueSchedule(
                    schedule, event.recurrence, event.zone, event.starts_at, None
                )
            case ScheduleEnded(schedule=schedule):
                del self.recurring[schedule]
            case ScheduleFired(schedule=schedule, day=day) if schedule in self.recurring:
                known_day = self.recurring[schedule].last_day or day
                self.recurring[schedule] = replace(self.recurring[schedule], last_day=max(known_day, day))
            case _:
                return

    def due(self, now: datetime, limit: int, *, marketing: bool) -> Sequence[DueDelivery]:
        self._read()
        self.looks.append(limit)
        hints = [
            self._hint(delivery, state, starts)
            for delivery, state in self.deliveries.items()
            if (starts := _starts(state)) is not None
            and starts <= now
            and (marketing or state.kind is not DeliveryClass.MARKETING)
        ]
        return sorted(hints, key=lambda hint: (hint.priority, hint.not_before))[:limit]

    def _hint(self, delivery: DeliveryId, state: DeliveryState, starts: datetime) -> DueDelivery:
        if state.group is not None:
            channel, account = self.groups[state.group]
        else:
            contact = self.contacts[state.contact or ContactId("")]
            channel, account = contact.channel, contact.account
        return DueDelivery(
            delivery, _PRIORITY[state.kind], channel, account, state.contact, state.group, starts
        )

    def broken_leases(self, now: datetime, limit: int) -> Sequence[BrokenLease]:
        self._read()
        return [
            BrokenLease(delivery, state.attempt)
            for delivery, state in self.deliveries.items()
            if state.phase is Phase.STARTED and state.until is not None and state.until <= now
        ][:limit]

    def broadcasts(self, now: datetime) -> Sequence[BroadcastId]:
        self._read()
        return [
            broadcast
            for broadcast, state in self.posted.items()
            if state.stage is Stage.CONFIRMED and state.not_before is not None and state.not_before <= now
        ]

    def schedules(self) -> Sequence[DueSchedule]:
        self._read()
        return list(self.recurring.values())

    def next_moment(self, after: datetime) -> datetime | None:
        self._read()
        moments = [_starts(state) for state in self.deliveries.values()]
        moments += [s.expires_at for s in self.deliveries.values() if s.phase is Phase.PLANNED]
        moments += [s.until for s in self.deliveries.values() if s.phase is Phase.STARTED]
        moments += [s.not_before for s in self.posted.values() if s.stage is Stage.CONFIRMED]
        return min((moment for moment in moments if moment is not None and moment > after), default=None)

    def recipients(self, tag: Tag | None) -> Sequence[Recipient]:
        self._read()
        return [
            Recipient(contact.customer, key)
            for key, contact in self.contacts.items()
            if contact.reachable
            and contact.customer is not None
            and contact.operator is None
            and (tag is None or tag in self.customers[contact.customer].tags)
        ]

    def about(self, contact: ContactId | None, group: GroupId | None) -> Known:
        self._read()
        if contact is None:
            return Known()
        return Known({"name": self.names[contact]}, last_heard=self.heard.get(contact))


def _starts(state: DeliveryState) -> datetime | None:
    """Return from when on a delivery may start, None where it never will by itself."""
    if state.phase is Phase.PLANNED:
        return state.not_before
    again = None if state.until is None else state.until + RESEND_AFTER_LEASE
    return again if again is not None and state.may_start(again) else None
