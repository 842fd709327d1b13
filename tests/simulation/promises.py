"""What must hold, seen from outside: from the log as it grows, and from what customers were really shown.

Nothing here asks the gate or its policies. Each promise is worked out anew from the facts, so that a mistake there is a difference here.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from domain.broadcasts.events import BroadcastCancelled, BroadcastFannedOut
from domain.campaigns.events import CampaignCancelled, CampaignPaused, CampaignResumed, RunPlanned, RunStarted
from domain.contacts.events import ContactLinked, ContactSeen
from domain.conversations.events import MessageReceived
from domain.customers.events import ConsentGranted, ConsentWithdrawn, CustomerDescribed
from domain.deliveries.events import (
    HOLDOUT,
    Confirmation,
    DeliveryAccepted,
    DeliveryClass,
    DeliveryConfirmed,
    DeliveryExpired,
    DeliveryPlanned,
    DeliveryPostponed,
    DeliveryRejected,
    DeliveryStarted,
    DeliverySuppressed,
    DeliveryUnknown,
)
from domain.installation.events import MarketingPaused, MarketingResumed
from domain.message import Recorded
from domain.policies.may_contact import Controls
from domain.schedules.events import ScheduleCreated, ScheduleEnded, ScheduleFired
from scheduler.delivery import LEASE_S
from tests.simulation.provider import Taken

OUTCOME_WITHIN_S = 60.0
"""Behind the lease (shared/design/delivery.md; the numbers of issue 4)."""
WEEK = timedelta(days=7)
A_MONTH = timedelta(days=30)
LEASE = timedelta(seconds=LEASE_S)
OUTCOMES = (
    DeliveryAccepted,
    DeliveryConfirmed,
    DeliveryRejected,
    DeliverySuppressed,
    DeliveryExpired,
    DeliveryUnknown,
    DeliveryPostponed,
)


@dataclass(slots=True)
class Claim:
    """``asked_at``: the wall clock of who asked. ``linked``: whose accounts were one person's then, ``homes``: in which zones. ``era``: counts jumps of a year."""

    delivery: str
    contact: str | None
    attempt: int
    asked_at: datetime
    at: float
    linked: frozenset[str]
    homes: list[ZoneInfo]
    era: int
    ended_at: float | None = None
    lost: bool = False


@dataclass(slots=True)
class Story:
    """One delivery. ``unknown``: how often nobody could tell."""

    planned: DeliveryPlanned
    cause: str | None
    events: list[Any] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)

    @property
    def marketing(self) -> bool:
        return self.planned.kind is DeliveryClass.MARKETING

    @property
    def unknown(self) -> int:
        return sum(isinstance(event, DeliveryUnknown) for event in self.events)

    def open(self, now: datetime) -> bool:
        """Whether something is still to come of it; what a clock that was a year ahead has planned is left to the next year."""
        last = self.events[-1]
        if isinstance(last, DeliveryPlanned | DeliveryPostponed) and last.not_before > now + A_MONTH:
            return False
        if isinstance(last, DeliveryUnknown):
            return not self.marketing and len(self.claims) < 3
        return isinstance(last, DeliveryPlanned | DeliveryStarted | DeliveryPostponed)


@dataclass(slots=True)
class Promises:
    """``blame``: told of whatever does not hold. ``now``: seconds of the simulated clock; ``era``: how often the clock jumped a year."""

    controls: Controls
    blame: Callable[[str], None]
    now: Callable[[], float]
    era: Callable[[], int]
    stories: dict[str, Story] = field(default_factory=dict)
    heard: "defaultdict[str, Counter[str]]" = field(default_factory=lambda: defaultdict(Counter))
    seen: dict[str, str] = field(default_factory=dict)
    """Contact by external id."""
    _owner: dict[str, str] = field(default_factory=dict)
    _records: list[str] = field(default_factory=list)
    _stopped: set[str] = field(default_factory=set)
    _cancelled: set[str] = field(default_factory=set)
    _held: set[str] = field(default_factory=set)
    _runs: set[str] = field(default_factory=set)
    _zones: "defaultdict[str, set[str]]" = field(default_factory=lambda: defaultdict(set))
    _record_of: dict[str, str] = field(default_factory=dict)
    _together: "defaultdict[str, set[str]]" = field(default_factory=lambda: defaultdict(set))
    """Contacts that were one person's at any time."""
    _paused: bool = False
    _answered: "Counter[tuple[str, str]]" = field(default_factory=Counter)
    _fired: set[tuple[str, str]] = field(default_factory=set)
    _recurs: dict[str, bool] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)

    # What those who act ask of it

    def customer_of(self, contact: str) -> str:
        """Return whose account this is now."""
        return self._owner[contact]

    def merged_away(self) -> list[str]:
        """Return the records that belong to another one now."""
        return sorted(set(self._records) - set(self._owner.values()))

    def paused_campaigns(self) -> list[str]:
        """Return the campaigns that wait for somebody to resume them."""
        return sorted(self._held - self._cancelled)

    def recurring(self) -> list[str]:
        """Return what recurs."""
        return [schedule for schedule, recurs in self._recurs.items() if recurs]

    # As the log grows

    def appended(self, events: Sequence[Recorded]) -> None:
        """Look at what was stored just now."""
        for recorded in events:
            self._look(recorded)

    def _linked(self, contact: str) -> frozenset[str]:
        mine = self._owner.get(contact)
        return frozenset(other for other, owner in self._owner.items() if owner == mine)

    def _look(self, recorded: Recorded) -> None:
        event: Any = recorded.event
        match event:
            case ContactSeen():
                self._owner[event.contact] = event.customer
                self._records.append(event.customer)
                self._record_of[event.contact] = event.customer
                self.seen[event.external_id.value] = event.contact
            case ContactLinked():
                self._owner[event.contact] = event.customer
                linked = self._linked(event.contact)
                for contact in linked:
                    self._together[contact] |= linked
            case MessageReceived():
                self.heard[event.contact][event.text.value] += 1
            case ConsentWithdrawn():
                self._stopped |= self._linked(event.contact)
            case ConsentGranted():
                self._stopped -= self._linked(event.contact)
            case MarketingPaused():
                self._paused = True
            case MarketingResumed():
                self._paused = False
            case CustomerDescribed(zone=zone) if zone is not None:
                self._zones[event.customer].add(zone)
            case BroadcastCancelled():
                self._cancelled.add(event.broadcast)
            case CampaignCancelled():
                self._cancelled.add(event.campaign)
            case CampaignPaused():
                self._held.add(event.campaign)
            case CampaignResumed():
                self._held.discard(event.campaign)
            case RunStarted():
                if event.run in self._runs:
                    self.blame(f"run {event.run} was started twice")
                self._runs.add(event.run)
            case RunPlanned():
                self._run_planned(event)
            case BroadcastFannedOut():
                self._fanned_out(event)
            case ScheduleCreated() | ScheduleEnded():
                self._recurs[event.schedule] = isinstance(event, ScheduleCreated)
            case ScheduleFired():
                if (key := (event.schedule, event.day.isoformat())) in self._fired:
                    self.blame(f"{event.schedule} fired twice for {event.day}")
                self._fired.add(key)
            case DeliveryPlanned():
                self._planned(recorded, event)
            case DeliveryStarted():
                self._started(event)
            case _ if isinstance(event, OUTCOMES):
                self._ended(event)

    def _planned(self, recorded: Recorded, event: DeliveryPlanned) -> None:
        if event.delivery in self.stories:
            self.blame(f"{event.delivery} was planned twice")
        self.stories[event.delivery] = Story(event, recorded.cause, [event])
        if recorded.cause is not None and event.occasion not in {"broadcast", "campaign"}:
            key = (recorded.cause, event.occasion)
            self._answered[key] += 1
            if self._answered[key] > 1:
                self.blame(f"{key} was answered twice")

    def _started(self, event: DeliveryStarted) -> None:
        story = self.stories[event.delivery]
        planned = story.planned
        linked = frozenset[str]() if planned.contact is None else self._linked(planned.contact)
        asked_at = event.until - LEASE
        homes = self._homes(planned.contact)
        claim = Claim(
            event.delivery, planned.contact, event.attempt, asked_at, self.now(), linked, homes, self.era()
        )
        story.events.append(event)
        story.claims.append(claim)
        self.claims.append(claim)
        if story.marketing:
            self._marketing_may_start(story, claim)
        if self._asleep(asked_at, homes) and (story.marketing or _obeys_the_night(planned)):
            self.blame(f"{event.delivery} was started in quiet hours, at {asked_at.isoformat()}")

    def _marketing_may_start(self, story: Story, claim: Claim) -> None:
        planned = story.planned
        if claim.linked & self._stopped:
            self.blame(f"{claim.delivery} was claimed after a stop")
        if self._paused:
            self.blame(f"{claim.delivery} was claimed while all marketing was paused")
        if {planned.broadcast, planned.campaign} & self._cancelled:
            self.blame(f"{claim.delivery} was claimed after its broadcast or campaign was cancelled")
        if planned.campaign in self._held:
            self.blame(f"{claim.delivery} was claimed while its campaign was paused")
        if planned.variant == HOLDOUT:
            self.blame(f"{claim.delivery} is of the holdout, and was claimed")
        if story.unknown:
            self.blame(f"{claim.delivery} is marketing, was Unknown, and was started again")

    def _homes(self, contact: str | None) -> list[ZoneInfo]:
        """Return the zones that count as somebody's own: exactly one for whoever was never merged."""
        if contact is None:
            return [ZoneInfo(self.controls.zone)]
        together = self._together.get(contact, {contact})
        told = [self._zones[self._record_of[one]] for one in together if one in self._record_of]
        latest = {zone for zones in told for zone in zones}
        known = sorted(latest) or [self.controls.zone]
        return [ZoneInfo(zone) for zone in (known if len(together) == 1 else [*known, self.controls.zone])]

    def _asleep(self, moment: datetime, homes: Sequence[ZoneInfo]) -> bool:
        begin, end = self.controls.quiet.begin, self.controls.quiet.end
        clocks = [moment.astimezone(home).time() for home in homes]
        if begin <= end:
            return all(begin <= local < end for local in clocks)
        return all(local >= begin or local < end for local in clocks)

    def _ended(self, event: Any) -> None:
        story = self.stories[event.delivery]
        story.events.append(event)
        if story.claims and story.claims[-1].ended_at is None:
            story.claims[-1].ended_at = self.now()

    def _fanned_out(self, event: BroadcastFannedOut) -> None:
        planned = [s.planned for s in self.stories.values() if s.planned.broadcast == event.broadcast]
        if len(planned) < event.planned:
            self.blame(f"{event.broadcast} says {event.planned} deliveries, and has {len(planned)}")

    def _run_planned(self, event: RunPlanned) -> None:
        planned = [s.planned.customer for s in self.stories.values() if s.planned.run == event.run]
        if len(planned) < event.planned or len(planned) != len(set(planned)):
            self.blame(f"run {event.run} says {event.planned} deliveries, and has {len(planned)}")

    # At the end

    def at_the_end(self, taken: Sequence[Taken], now: datetime, *, windows: "Downtime") -> None:
        """Hold all that was said against what customers were shown. ``windows``: when nobody could have written an outcome."""
        for delivery, story in self.stories.items():
            if story.open(now):
                self.blame(f"{delivery} has no outcome: {type(story.events[-1]).__name__}")
        shown: defaultdict[str, list[Taken]] = defaultdict(list)
        for one in taken:
            shown[one.delivery].append(one)
        for delivery, story in self.stories.items():
            self._tells_the_truth(delivery, story, len(shown[delivery]))
            self._in_time(story, windows)
        self._one_a_person(shown)
        self._caps(shown)
        for one in taken:
            if (
                one.left_at > self.stories[one.delivery].claims[-1].at + LEASE_S
                and len(shown[one.delivery]) == 1
            ):
                self.blame(f"{one.delivery} left after its lease had ended")

    def _tells_the_truth(self, delivery: str, story: Story, times: int) -> None:
        """What the log says of a delivery is what its recipient was shown."""
        last = story.events[-1]
        if story.marketing and times > 1:
            self.blame(f"{delivery} is marketing and was shown {times} times")
        if times > 1 + story.unknown:
            self.blame(f"{delivery} was shown {times} times, and was Unknown {story.unknown} times")
        if not times and any(map(_says_it_arrived, story.events)):
            self.blame(f"{delivery} is accepted and was never shown")
        sure = isinstance(last, DeliverySuppressed | DeliveryExpired | DeliveryRejected) and not story.unknown
        if sure and times:
            self.blame(f"{delivery} is {type(last).__name__} and was shown")

    def _in_time(self, story: Story, windows: "Downtime") -> None:
        for claim in story.claims:
            if claim.ended_at is None:
                continue
            excused_s = windows.between(claim.at, claim.ended_at)
            if claim.ended_at - claim.at - excused_s > LEASE_S + OUTCOME_WITHIN_S:
                late_s = claim.ended_at - claim.at
                self.blame(f"{claim.delivery} had its outcome {late_s:.0f} s after its claim")

    def _one_a_person(self, shown: "defaultdict[str, list[Taken]]") -> None:
        """A broadcast reaches nobody twice who was one person when the second message was claimed."""
        for broadcast, claims in self._shown_claims(shown).items():
            for number, claim in enumerate(claims):
                if any(other.contact in claim.linked for other in claims[:number]):
                    self.blame(f"{broadcast} reached one person twice: {claim.delivery}")

    def _shown_claims(self, shown: "defaultdict[str, list[Taken]]") -> dict[str, list[Claim]]:
        by_broadcast: defaultdict[str, list[Claim]] = defaultdict(list)
        for claim in self._marketing_shown(shown):
            planned = self.stories[claim.delivery].planned
            broadcast = planned.broadcast or planned.run
            if broadcast is not None and claim.contact is not None:
                by_broadcast[broadcast].append(claim)
        return by_broadcast

    def _marketing_shown(self, shown: "defaultdict[str, list[Taken]]") -> Iterator[Claim]:
        """The claims that led to marketing that was shown, in the order of the log."""
        for claim in self.claims:
            story = self.stories[claim.delivery]
            if story.marketing and shown[claim.delivery] and claim is story.claims[-1]:
                yield claim

    def _caps(self, shown: "defaultdict[str, list[Taken]]") -> None:
        cap = self.controls.cap
        claims = [claim for claim in self._marketing_shown(shown) if claim.contact is not None]
        for number, claim in enumerate(claims):
            before = [
                other for other in claims[:number] if other.contact in claim.linked and other.era == claim.era
            ]
            of_day = min(_same_day(claim, before, home) for home in claim.homes)
            of_week = sum(abs(claim.asked_at - other.asked_at) < WEEK for other in before)
            if (cap.per_day and of_day >= cap.per_day) or (cap.per_week and of_week >= cap.per_week):
                self.blame(
                    f"{claim.delivery} was over the cap: {of_day} that day, {of_week} that week before it"
                )


def _same_day(claim: Claim, others: Sequence[Claim], home: ZoneInfo) -> int:
    day = claim.asked_at.astimezone(home).date()
    return sum(other.asked_at.astimezone(home).date() == day for other in others)


def _says_it_arrived(event: Any) -> bool:
    """Whether it is proof. That somebody wrote afterwards is taken for an answer, and is none."""
    replied = isinstance(event, DeliveryConfirmed) and event.how is Confirmation.REPLIED
    return isinstance(event, DeliveryAccepted | DeliveryConfirmed) and not replied


def _obeys_the_night(planned: DeliveryPlanned) -> bool:
    return planned.kind is DeliveryClass.SERVICE and not planned.even_at_night


@dataclass(slots=True)
class Downtime:
    """When no process ran, or the store was away, or the clock had jumped: seconds of the simulated clock."""

    spans: list[tuple[float, float]] = field(default_factory=list)

    def add(self, begin: float, end: float) -> None:
        """Note a span."""
        self.spans.append((begin, end))

    def between(self, begin: float, end: float) -> float:
        """Return how much of a span was excused."""
        return sum(max(0.0, min(end, until) - max(begin, since)) for since, until in self.spans)
