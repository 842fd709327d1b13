"""Campaigns under way: their runs are begun when they are due, fanned out step by step, and ended.

Where a run stands is in its stream, so whoever goes on after a crash, or beside another process, goes on there: a chunk of deliveries and
how far it reaches are one append, which only one of them gets in.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

import structlog

from domain.campaigns.campaign import CampaignState, Stage, campaigns
from domain.campaigns.canary import first_of, stops
from domain.campaigns.commands import (
    AdvanceRun,
    ClearRun,
    FinishCampaign,
    FinishRun,
    PauseCampaign,
    SampleRun,
    StartRun,
)
from domain.campaigns.events import CampaignDrafted
from domain.campaigns.occurrences import Occurrence, is_over, newest_due
from domain.campaigns.plan import Cadence, Canary
from domain.campaigns.run import Pass, RunState, runs
from domain.dispatch import fold
from domain.errors import Overloaded, SiyuError, StoreUnavailable, VersionConflict
from domain.identity import CampaignId, EventId, KeyedHash, RunId, Slug, stream
from domain.message import Context
from domain.ports.agenda import Agenda, UnderWay
from domain.ports.audience import Audience
from domain.ports.canaries import Canaries, CanaryFigures
from domain.ports.event_log import EventLog
from scheduler.chunks import CHUNKS_A_STEP, plan, say
from scheduler.follower import Dispatch
from scheduler.recipients import Recipients

PATIENCE = timedelta(hours=12)
"""So much longer those who go first are waited for, where quiet hours hold them; nights are shorter."""
LOOK_AGAIN = timedelta(seconds=5)
"""Between two looks at how they fare."""

log_ = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CampaignSources:
    """Where a fan-out reads: which campaigns are under way, whom they mean, how those fare who go first; and the log."""

    agenda: Agenda
    audience: Audience
    canaries: Canaries
    log: EventLog


@dataclass(slots=True)
class _Run:
    """A run as far as its stream was read. ``judge_at``: when to look again how those fare who go first."""

    version: int = 0
    state: RunState = runs.initial
    judge_at: datetime | None = None


@dataclass(slots=True)
class _Known:
    """A campaign as far as its stream was read. ``looked``: at which minute, and behind which run, nothing more was found due.

    ``begun``: the run that was begun here last. ``runs``: those that are not planned to their end. ``failing``: whether that was told.
    """

    version: int = 0
    state: CampaignState = campaigns.initial
    looked: tuple[datetime, datetime | None] | None = None
    begun: RunId | None = None
    runs: dict[RunId, _Run] = field(default_factory=dict)
    failing: bool = False

    def newest(self, campaign: CampaignId) -> EventId:
        """Return its newest event: why what is done about it is done."""
        return EventId(f"{stream(campaigns.category, campaign)}@{self.version}")


class CampaignFanOut:
    """Carries campaigns out. Several may, on one log."""

    def __init__(
        self, sources: CampaignSources, dispatch: Dispatch, digest: KeyedHash, clock: Callable[[], datetime]
    ) -> None:
        self.sources, self.dispatch, self.digest, self.clock = sources, dispatch, digest, clock
        self._known: dict[CampaignId, _Known] = {}
        """Those under way, and with them their runs: all that is known of one goes when it is paused or over."""

    async def step(self) -> int:
        """Do what is due. Returns how much that was: 0 where nothing is left to do now. Raises StoreUnavailable, Overloaded."""
        under_way = await asyncio.to_thread(self.sources.agenda.campaigns)
        self._known = {hint.campaign: self._known.get(hint.campaign) or _Known() for hint in under_way}
        done = 0
        for hint in under_way:
            known = self._known[hint.campaign]
            try:
                done += await self._carry_out(hint, known)
            except (StoreUnavailable, Overloaded):
                raise
            except VersionConflict:  # another was first, or it was paused: the next step looks again
                continue
            except (SiyuError, ZoneInfoNotFoundError) as error:  # its stream is damaged: the others go on
                if not known.failing:
                    log_.error("campaign.failed", campaign=hint.campaign, error=type(error).__name__)  # noqa: TRY400
                known.failing = True
            else:
                known.failing = False
        return done

    async def _carry_out(self, hint: UnderWay, known: _Known) -> int:
        await asyncio.to_thread(self._read, hint.campaign, known)
        state, draft = known.state, known.state.drafted
        if draft is None or state.stage not in {Stage.SCHEDULED, Stage.RUNNING}:
            return 0
        begun = await self._begin(hint, known, draft)
        done = 0
        new = () if begun is None or begun in hint.runs else (begun,)
        for run in (*hint.runs, *new):
            done += await self._go_on(run, draft, known)
        if not done and not hint.runs and not hint.open and self._is_over(hint, draft):
            finish = FinishCampaign(campaign=hint.campaign)
            await say(self.dispatch, self._context(known.newest(hint.campaign)), finish)
            return 1
        return done

    def _is_over(self, hint: UnderWay, draft: CampaignDrafted) -> bool:
        ran = hint.last_at is not None or draft.timing.cadence is not Cadence.ONCE
        return ran and is_over(draft.timing, self.clock())

    def _read(self, campaign: CampaignId, known: _Known) -> None:
        """Bring what is known of a campaign up to date: a long list is read once."""
        recorded = self.sources.log.read_stream(stream(campaigns.category, campaign), known.version)
        if recorded:
            known.state = fold(campaigns, recorded, known.state)
            known.version, known.looked = recorded[-1].version, None

    async def _begin(self, hint: UnderWay, known: _Known, draft: CampaignDrafted) -> RunId | None:
        """Begin the newest run that is due and was not begun. Times are whole minutes: within one there is nothing new to find."""
        now = self.clock()
        minute = now.replace(second=0, microsecond=0)
        once = draft.timing.cadence is Cadence.ONCE
        launched = known.state.at
        if launched is None or (once and hint.last_at is not None):
            return None
        if not once and known.looked == (minute, hint.last_at):
            return None
        due = newest_due(draft.timing, launched, now)
        begun = None
        if due is not None and (hint.last_at is None or due.at > hint.last_at):
            begun = RunId(self.digest("run", draft.campaign, due.key))
            if begun != known.begun:  # the view may lag: it is carried on, and not begun again
                await self._start(begun, draft, due, known.newest(hint.campaign))
            known.begun = begun
        known.looked = (minute, hint.last_at)
        return begun

    async def _start(
        self, run: RunId, draft: CampaignDrafted, occurrence: Occurrence, because: EventId
    ) -> None:
        state = RunState(at=occurrence.at, day=occurrence.day)
        recipients = Recipients(self.sources.audience, self.digest, draft, run, state)
        meant = await asyncio.to_thread(recipients.size)
        begin = StartRun(
            run=run,
            campaign=draft.campaign,
            at=occurrence.at,
            day=occurrence.day,
            meant=meant,
            sample=first_of(draft, meant),
        )
        await say(self.dispatch, self._context(because), begin)

    async def _go_on(self, run: RunId, draft: CampaignDrafted, known: _Known) -> int:
        """Carry a run on by a few steps. Returns how many they were."""
        for steps in range(CHUNKS_A_STEP):
            state = await asyncio.to_thread(self._run, run, known)
            match state.at_pass:
                case Pass.FIRST | Pass.EVERYBODY:
                    await self._plan(run, draft, state)
                case Pass.WAITING:
                    if not await self._judge(run, draft, known):
                        return steps
                case _:
                    return steps
        return CHUNKS_A_STEP

    def _run(self, run: RunId, known: _Known) -> RunState:
        """Return where a run stands; what was read of it before is not read again."""
        read = known.runs.setdefault(run, _Run())
        recorded = self.sources.log.read_stream(stream(runs.category, run), read.version)
        if recorded:
            read.version, read.state = recorded[-1].version, fold(runs, recorded, read.state)
        if read.state.at_pass is Pass.PLANNED:
            del known.runs[run]
        return read.state

    async def _plan(self, run: RunId, draft: CampaignDrafted, state: RunState) -> None:
        """Plan the next chunk, or end this pass where there is nobody left in it."""
        recipients = Recipients(self.sources.audience, self.digest, draft, run, state)
        plans, after = await asyncio.to_thread(recipients.chunk)
        because = EventId(f"{stream(runs.category, run)}@1")
        if after > state.after:
            advance = AdvanceRun(run=run, since=state.after, after=after, planned=len(plans))
            await plan(self.dispatch, self._context(because), plans, advance)
        elif state.at_pass is Pass.FIRST and draft.canary is not None:
            until = max(self.clock(), state.at or self.clock()) + timedelta(seconds=draft.canary.wait_s)
            await say(self.dispatch, self._context(because), SampleRun(run=run, until=until))
        else:
            await say(self.dispatch, self._context(because), FinishRun(run=run))

    async def _judge(self, run: RunId, draft: CampaignDrafted, known: _Known) -> bool:
        """Let the others follow, or stop, once it is seen how those fared who went first. Returns whether the others follow."""
        now, read = self.clock(), known.runs[run]
        state = read.state
        because = EventId(f"{stream(runs.category, run)}@1")
        if run not in known.state.overruled and draft.canary is not None and state.until is not None:
            if now < max(state.until, read.judge_at or state.until):
                return False
            figures = await asyncio.to_thread(self.sources.canaries.figures, run)
            patience = timedelta() if draft.timing.local else PATIENCE
            if now < state.until + patience and not _seen_enough(figures, draft.canary, now):
                read.judge_at = now + LOOK_AGAIN
                return False
            reason = stops(
                draft.canary,
                sent=figures.sent,
                failed=figures.failed,
                unknown=figures.unknown,
                opted_out=figures.opted_out,
            )
            if reason is not None:
                stop = PauseCampaign(campaign=draft.campaign, reason=reason, run=run)
                await say(self.dispatch, self._context(because), stop)
                return False
        await say(self.dispatch, self._context(because), ClearRun(run=run))
        return True

    def _context(self, because: EventId) -> Context:
        now = self.clock()
        return Context(
            actor=Slug("scheduler"), occurred_at=now, now=now, cause=because, correlation=Slug(because)
        )


def _seen_enough(figures: CanaryFigures, canary: Canary, now: datetime) -> bool:
    """Whether those who go first have gone, or enough of them, and had as long as they should to complain."""
    wait = timedelta(seconds=canary.wait_s)
    tried = figures.sent + figures.failed + figures.unknown
    gone = not figures.open or tried >= canary.at_least
    return gone and (figures.last_sent is None or now >= figures.last_sent + wait)
