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
from domain.conversations.events import ConversationHandedOver, MessageReceived
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
from domain.message import Event, Recorded
from domain.policies.may_contact import Controls
from domain.rules.events import RuleAdded
from domain.schedules.events import ScheduleCreated, ScheduleEnded, ScheduleFired
from scheduler.delivery import LEASE_S
from tests.simulation.persons import Persons
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
    """A worker was allowed to send.

    ``asked_at``: the wall clock of who asked. ``linked``: whose accounts were one person's then, ``homes``: in which zones.
    ``era``: counts jumps of a year.
    """

    delivery: str
    contact: str | None
    attempt: int
    asked_at: datetime
    at: float
    linked: frozenset[str]
    homes: Sequence[ZoneInfo]
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
    persons: Persons
    blame: Callable[[str], None]
    now: Callable[[], float]
    era: Callable[[], int]
    stories: dict[str, Story] = field(default_factory=dict)
    _cancelled: set[str] = field(default_factory=set)
    _book: bool = False
    _by_hand: set[str] = field(default_factory=set)
    """Contacts to whom a person spoke: the bot may be silent there."""
    _to_answer: dict[str, str] = field(default_factory=dict)
    _held: set[str] = field(default_factory=set)
    _paused: bool = False
    _answered: "Counter[tuple[str, str]]" = field(default_factory=Counter)
    _were: set[str] = field(default_factory=set)
    """What may happen once, and did."""
    _recurs: dict[str, bool] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)

    # What those who act ask of it

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

    def _look(self, recorded: Recorded) -> None:
        event: Any = recorded.event
        match event:
            case DeliveryPlanned():
                self._planned(recorded, event)
            case DeliveryStarted():
                self._started(event)
            case _ if isinstance(event, OUTCOMES):
                self._ended(event)
            case MessageReceived():
                self.persons.look(event)
                greeted = event.text.value.startswith("/")  # the welcome is the answer
                if self._book and not greeted and event.contact not in self._by_hand:
                    self._to_answer[recorded.id] = event.text.value
            case _:
                self.persons.look(event)
                self._orders(event)

    def _orders(self, event: Event) -> None:
        """Take in what operators ordered, and what became of it."""
        match event:
            case RuleAdded():
                self._book = True
            case ConversationHandedOver():
                self._by_hand.add(event.contact)
            case MarketingPaused() | MarketingResumed():
                self._paused = isinstance(event, MarketingPaused)
            case BroadcastCancelled(broadcast=cancelled) | CampaignCancelled(campaign=cancelled):
                self._cancelled.add(cancelled)
            case CampaignPaused():
                self._held.add(event.campaign)
            case CampaignResumed():
                self._held.discard(event.campaign)
            case RunStarted():
                self._once(f"run {event.run}", "started")
            case RunPlanned():
                self._run_planned(event)
            case BroadcastFannedOut():
                self._fanned_out(event)
            case ScheduleCreated() | ScheduleEnded():
                self._recurs[event.schedule] = isinstance(event, ScheduleCreated)
            case ScheduleFired():
                self._once(f"{event.schedule} on {event.day}", "fired")
            case _:
                return

    def _once(self, what: str, done: str) -> None:
        if what in self._were:
            self.blame(f"{what} was {done} twice")
        self._were.add(what)

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
        linked = self.persons.linked(planned.contact)
        asked_at = event.until - LEASE
        homes = self.persons.homes(planned.contact)
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
        if claim.linked & self.persons.stopped:
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

    def _asleep(self, moment: datetime, homes: Sequence[ZoneInfo]) -> bool:
        begin, end = self.controls.quiet.begin, self.controls.quiet.end
        clocks = [moment.astimezone(home).time() for home in homes]
        if begin <= end:
            return all(begin <= local < end for local in clocks)
        return all(local >= begin or local < end for local in clocks)

    def _ended(self, event: Any) -> None:  # noqa: ANN401  # an event of a delivery
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
        self._all_answered()
        self._one_a_person(shown)
        self._caps(shown)
        for one in taken:
            if (
                one.left_at > self.stories[one.delivery].claims[-1].at + LEASE_S
                and len(shown[one.delivery]) == 1
            ):
                self.blame(f"{one.delivery} left after its lease had ended")

    def _all_answered(self) -> None:
        """Whatever a rule answers has its answer, once."""
        answered = {cause for cause, _occasion in self._answered}
        for cause, text in self._to_answer.items():
            if cause not in answered:
                self.blame(f"nobody answered {text!r} ({cause})")

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


def _says_it_arrived(event: Event) -> bool:
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
