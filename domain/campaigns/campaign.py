"""The campaign: draft ─> tested ─> approved ─> scheduled ─> running <─> paused ─> finished or cancelled."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from domain.campaigns.commands import (
    ApproveCampaign,
    CancelCampaign,
    DraftCampaign,
    FinishCampaign,
    LaunchCampaign,
    ListForCampaign,
    PauseCampaign,
    RecallCampaign,
    ResumeCampaign,
    TestCampaign,
)
from domain.campaigns.events import (
    EVENTS,
    CampaignApproved,
    CampaignCancelled,
    CampaignDrafted,
    CampaignFinished,
    CampaignListed,
    CampaignPaused,
    CampaignRecalled,
    CampaignResumed,
    CampaignScheduled,
    CampaignStarted,
    CampaignTested,
)
from domain.campaigns.plan import Meant
from domain.decider import Decider, Streams
from domain.errors import NotAllowed, Rejected, UnknownRecipient
from domain.identity import OperatorId, RunId
from domain.message import Context, Event

ALONE_UP_TO = 500
"""More people than these need a second operator's approval, where there is a second one."""

CampaignCommand = (
    DraftCampaign
    | ListForCampaign
    | TestCampaign
    | ApproveCampaign
    | LaunchCampaign
    | PauseCampaign
    | ResumeCampaign
    | CancelCampaign
    | RecallCampaign
    | FinishCampaign
)
CampaignEvent = (
    CampaignDrafted
    | CampaignListed
    | CampaignTested
    | CampaignApproved
    | CampaignScheduled
    | CampaignStarted
    | CampaignPaused
    | CampaignResumed
    | CampaignCancelled
    | CampaignRecalled
    | CampaignFinished
)


class Stage(StrEnum):
    """Where a campaign stands."""

    NONE = "none"
    DRAFT = "draft"
    TESTED = "tested"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


OPEN = frozenset({Stage.DRAFT, Stage.TESTED, Stage.APPROVED})
"""It can still be corrected."""
UNDER_WAY = frozenset({Stage.SCHEDULED, Stage.RUNNING, Stage.PAUSED})
DRAFTED_FIELDS = tuple(field.name for field in fields(CampaignDrafted))


@dataclass(frozen=True, slots=True)
class CampaignState:
    """``drafted``: as it was written last. ``before_pause``: where it goes on. ``listed``: how many its list has.

    ``overruled``: runs that it stopped for by itself: whoever resumes it has seen how their first messages fared.
    """

    stage: Stage = Stage.NONE
    drafted: CampaignDrafted | None = None
    approved_by: OperatorId | None = None
    at: datetime | None = None
    before_pause: Stage = Stage.NONE
    listed: int = 0
    overruled: frozenset[RunId] = frozenset()

    @property
    def running(self) -> bool:
        """Whether its messages may leave."""
        return self.stage in {Stage.SCHEDULED, Stage.RUNNING, Stage.FINISHED}


def _launch(state: CampaignState, draft: CampaignDrafted, command: LaunchCampaign, now: datetime) -> Event:
    if command.meant == 0:
        raise Rejected("nobody is meant by this campaign now: look at its audience")
    if command.meant > ALONE_UP_TO and not command.alone and state.stage is not Stage.APPROVED:
        raise NotAllowed(
            "it means {meant} people, more than {limit}: somebody else has to approve it first",
            meant=command.meant,
            limit=ALONE_UP_TO,
        )
    if draft.timing.until is not None and draft.timing.until <= now:
        raise Rejected("it was to end before now: correct its dates")
    at = now if draft.timing.at is None else max(draft.timing.at, now)
    return CampaignScheduled(campaign=command.campaign, at=at, meant=command.meant, operator=command.operator)


def _correct(state: CampaignState, command: CampaignCommand, now: datetime) -> Sequence[Event]:
    """Decide what is asked of a campaign that was not launched yet."""
    draft = state.drafted
    if draft is None:
        raise UnknownRecipient("no such campaign")
    match command:
        case DraftCampaign():
            return (CampaignDrafted(**{name: getattr(command, name) for name in DRAFTED_FIELDS}),)
        case ListForCampaign(campaign=campaign, customers=customers):
            if draft.selection.meant is not Meant.LIST:
                raise Rejected(
                    "this campaign has no list: its audience is {meant}", meant=draft.selection.meant
                )
            return (CampaignListed(campaign=campaign, customers=customers),) if customers else ()
        case TestCampaign(campaign=campaign, operator=operator):
            return (CampaignTested(campaign=campaign, operator=operator),)
        case ApproveCampaign(campaign=campaign, operator=operator):
            if operator == draft.operator:
                raise NotAllowed("whoever wrote a campaign cannot approve it: ask somebody else")
            approved = state.stage is Stage.APPROVED
            return () if approved else (CampaignApproved(campaign=campaign, operator=operator),)
        case LaunchCampaign():
            return (_launch(state, draft, command, now),)
        case CancelCampaign(campaign=campaign, operator=operator):
            return (CampaignCancelled(campaign=campaign, operator=operator),)
        case _:
            raise Rejected("this campaign is a {stage}: launch it first", stage=state.stage)


def decide(state: CampaignState, command: CampaignCommand, context: Context) -> Sequence[Event]:
    """Decide what a command means for this campaign. What is already so changes nothing."""
    if state.stage is Stage.NONE and isinstance(command, DraftCampaign):
        return (CampaignDrafted(**{name: getattr(command, name) for name in DRAFTED_FIELDS}),)
    if state.stage is Stage.NONE or state.stage in OPEN:
        return _correct(state, command, context.now)
    match command:
        case LaunchCampaign():
            if state.stage in UNDER_WAY:
                return ()
            raise Rejected("this campaign is over ({stage}): draft it anew", stage=state.stage)
        case PauseCampaign(campaign=campaign, reason=reason, operator=operator, run=run):
            stops = state.stage in {Stage.SCHEDULED, Stage.RUNNING} and run not in state.overruled
            paused = CampaignPaused(campaign=campaign, reason=reason, operator=operator, run=run)
            return (paused,) if stops else ()
        case ResumeCampaign(campaign=campaign, operator=operator):
            goes_on = state.stage is Stage.PAUSED
            return (CampaignResumed(campaign=campaign, operator=operator),) if goes_on else ()
        case CancelCampaign(campaign=campaign, operator=operator):
            ends = state.stage in UNDER_WAY
            return (CampaignCancelled(campaign=campaign, operator=operator),) if ends else ()
        case RecallCampaign(campaign=campaign, operator=operator):
            recalled = CampaignRecalled(campaign=campaign, operator=operator)
            if state.stage in UNDER_WAY:
                return (CampaignCancelled(campaign=campaign, operator=operator), recalled)
            return (recalled,)
        case FinishCampaign(campaign=campaign):
            ends = state.stage in {Stage.SCHEDULED, Stage.RUNNING}
            return (CampaignFinished(campaign=campaign),) if ends else ()
        case DraftCampaign() | ListForCampaign() | TestCampaign() | ApproveCampaign():
            raise Rejected("this campaign is {stage}: it cannot be changed any more", stage=state.stage)
        case _:
            assert_never(command)


def evolve(state: CampaignState, event: CampaignEvent) -> CampaignState:
    """Fold one event into the state."""
    match event:
        case CampaignDrafted():
            return CampaignState(stage=Stage.DRAFT, drafted=event)
        case CampaignListed(customers=customers):
            return replace(state, listed=state.listed + len(customers))
        case CampaignTested():
            return replace(state, stage=Stage.TESTED) if state.stage is Stage.DRAFT else state
        case CampaignApproved(operator=operator):
            return replace(state, stage=Stage.APPROVED, approved_by=operator)
        case CampaignScheduled(at=at):
            return replace(state, stage=Stage.SCHEDULED, at=at)
        case CampaignStarted():
            return replace(state, stage=Stage.RUNNING)
        case CampaignPaused(run=run):
            overruled = state.overruled if run is None else state.overruled | {run}
            return replace(state, stage=Stage.PAUSED, before_pause=state.stage, overruled=overruled)
        case CampaignResumed():
            return replace(state, stage=state.before_pause)
        case CampaignCancelled():
            return replace(state, stage=Stage.CANCELLED)
        case CampaignRecalled():
            return state
        case CampaignFinished():
            return replace(state, stage=Stage.FINISHED)
        case _:
            assert_never(event)


def _key(command: CampaignCommand, _streams: Streams) -> str:
    return command.campaign


campaigns = Decider(
    category="campaign",
    initial=CampaignState(),
    decide=decide,
    evolve=evolve,
    events=EVENTS,
    commands=(
        DraftCampaign,
        ListForCampaign,
        TestCampaign,
        ApproveCampaign,
        LaunchCampaign,
        PauseCampaign,
        ResumeCampaign,
        CancelCampaign,
        RecallCampaign,
        FinishCampaign,
    ),
    key=_key,
)
