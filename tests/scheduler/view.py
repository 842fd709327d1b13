"""What the scheduler reads, folded from the log: as the views would have it, or as far as they have come."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from domain.broadcasts.broadcast import BroadcastState, Stage, broadcasts
from domain.campaigns.campaign import CampaignState, campaigns
from domain.campaigns.campaign import Stage as CampaignStage
from domain.campaigns.events import CampaignListed
from domain.campaigns.run import Pass, RunState, runs
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
    CampaignId,
    Channel,
    ContactId,
    CustomerId,
    DeliveryId,
    GroupId,
    RunId,
    ScheduleId,
)
from domain.message import Recorded, Rival
from domain.ports.agenda import BrokenLease, DueDelivery, DueSchedule, UnderWay
from domain.ports.audience import Known, Recipient, Whom
from domain.ports.canaries import CanaryFigures
from domain.ports.event_log import EventLog
from domain.schedules.events import ScheduleCreated, ScheduleEnded, ScheduleFired
from scheduler.delivery import LEASE_S

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
    launched: dict[CampaignId, CampaignState] = field(default_factory=dict)
    runs: dict[RunId, RunState] = field(default_factory=dict)
    listed: dict[CampaignId, set[CustomerId]] = field(default_factory=dict)
    born: dict[date, set[CustomerId]] = field(default_factory=dict)
    """Whose birthday is on which day: as somebody filled it in."""
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
            (campaigns, self.launched),
            (runs, self.runs),
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
            case CampaignListed(campaign=campaign, customers=listed):
                self.listed.setdefault(campaign, set()).update(listed)
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

    def due(
        self, now: datetime, limit: int, among: Collection[tuple[Channel, Account]]
    ) -> Sequence[DueDelivery]:
        self._read()
        self.looks.append(limit)
        hints = [
            self._hint(delivery, state, starts)
            for delivery, state in self.deliveries.items()
            if (starts := _starts(state)) is not None and starts <= now and not self._held(state)
        ]
        hints.sort(key=lambda hint: (hint.priority, hint.not_before))
        found = [[hint for hint in hints if (hint.channel, hint.account) == at][:limit] for at in among]
        return sorted((hint for those in found for hint in those), key=lambda hint: hint.priority)

    def _held(self, state: DeliveryState) -> bool:
        campaign = None if state.campaign is None else self.launched.get(state.campaign)
        return campaign is not None and campaign.stage is CampaignStage.PAUSED

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

    def rivals(self, delivery: DeliveryId, now: datetime) -> Sequence[Rival]:
        self._read()
        mine = self.deliveries[delivery]
        return [
            Rival(state.not_before, self.contacts[state.contact].channel, state.topic)
            for state in self.deliveries.values()
            if state.phase is Phase.PLANNED
            and state.kind is DeliveryClass.MARKETING
            and state.contact is not None
            and state.customer == mine.customer
            and state.priority > mine.priority
            and state.not_before is not None
            and state.expires_at is not None
            and state.expires_at > now
        ]

    def next_moment(self, after: datetime) -> datetime | None:
        self._read()
        moments = [_starts(state) for state in self.deliveries.values()]
        moments += [s.expires_at for s in self.deliveries.values() if s.phase is Phase.PLANNED]
        moments += [s.until for s in self.deliveries.values() if s.phase is Phase.STARTED]
        moments += [s.not_before for s in self.posted.values() if s.stage is Stage.CONFIRMED]
        return min((moment for moment in moments if moment is not None and moment > after), default=None)

    def campaigns(self) -> Sequence[UnderWay]:
        self._read()
        return [
            UnderWay(
                campaign,
                max((run.at for run in self.begun(campaign).values() if run.at is not None), default=None),
                tuple(
                    run for run, state in self.begun(campaign).items() if state.at_pass is not Pass.PLANNED
                ),
                open=any(
                    state.campaign == campaign and state.phase in {Phase.PLANNED, Phase.STARTED}
                    for state in self.deliveries.values()
                ),
            )
            for campaign, state in self.launched.items()
            if state.stage in {CampaignStage.SCHEDULED, CampaignStage.RUNNING}
        ]

    def begun(self, campaign: CampaignId) -> dict[RunId, RunState]:
        """Return the runs of a campaign, the oldest first."""
        return {run: state for run, state in self.runs.items() if state.campaign == campaign}

    def figures(self, run: RunId) -> CanaryFigures:
        self._read()
        phases = Counter(state.phase for state in self.deliveries.values() if state.run == run)
        left = [
            state.until - timedelta(seconds=LEASE_S)
            for state in self.deliveries.values()
            if state.run == run and state.until is not None
        ]
        return CanaryFigures(
            planned=phases.total(),
            open=phases[Phase.PLANNED] + phases[Phase.STARTED],
            sent=phases[Phase.ACCEPTED] + phases[Phase.CONFIRMED],
            failed=phases[Phase.REJECTED],
            unknown=phases[Phase.UNKNOWN],
            opted_out=sum(
                state.run == run and bool(self.customers[state.customer].withdrawn)
                for state in self.deliveries.values()
                if state.customer is not None
            ),
            last_sent=max(left, default=None),
        )

    def page(self, whom: Whom, after: int, limit: int) -> Sequence[Recipient]:
        self._read()
        found = [recipient for recipient in self.everybody(whom) if recipient.number > after]
        return found[:limit]

    def size(self, whom: Whom) -> int:
        self._read()
        return len(self.everybody(whom))

    def everybody(self, whom: Whom | None = None) -> list[Recipient]:
        """Return whom a selection means; None: everybody there is."""
        self._read()
        meant = whom or Whom()
        best: dict[CustomerId, ContactId] = {}
        for key, contact in self.contacts.items():
            if contact.customer is not None and contact.operator is None:
                known = best.get(contact.customer)
                if known is None or (contact.reachable and not self.contacts[known].reachable):
                    best[contact.customer] = key
        born = self.born.get(meant.day) if meant.day is not None else None
        return [
            Recipient(
                number,
                customer,
                best[customer],
                self.contacts[best[customer]].channel,
                zone=self.customers[customer].zone,
            )
            for number, customer in enumerate(self.customers, 1)
            if customer in best
            and all(tag in self.customers[customer].tags for tag in meant.tags)
            and not any(tag in self.customers[customer].tags for tag in meant.without)
            and (meant.listed_for is None or customer in self.listed.get(meant.listed_for, set()))
            and (meant.occasion is None or customer in (born or set()))
        ]

    def about(self, whom: Collection[ContactId | GroupId]) -> Mapping[str, Known]:
        self._read()
        return {one: self._about(ContactId(one)) if one in self.names else Known() for one in whom}

    def _about(self, contact: ContactId) -> Known:
        return Known({"name": self.names[contact]}, last_heard=self.heard.get(contact))


def _starts(state: DeliveryState) -> datetime | None:
    """Return from when on a delivery may start, None where it never will by itself."""
    if state.phase is Phase.PLANNED:
        return state.not_before
    again = None if state.until is None else state.until + RESEND_AFTER_LEASE
    return again if again is not None and state.may_start(again) else None
