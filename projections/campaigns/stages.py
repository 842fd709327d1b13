"""Where campaigns and their runs stand."""

from collections.abc import Sequence
from typing import assert_never

from sqlalchemy import Connection

from domain.campaigns.campaign import Stage
from domain.campaigns.events import (
    CampaignApproved,
    CampaignCancelled,
    CampaignDrafted,
    CampaignFinished,
    CampaignPaused,
    CampaignRecalled,
    CampaignResumed,
    CampaignScheduled,
    CampaignStarted,
    CampaignTested,
    RunAdvanced,
    RunCleared,
    RunPlanned,
    RunSampled,
    RunStarted,
)
from domain.campaigns.run import Pass
from domain.message import Recorded
from projections.campaigns.tables import CAMPAIGNS, RUNS
from projections.projection import Row, Rows

CampaignMoved = (
    CampaignTested
    | CampaignApproved
    | CampaignScheduled
    | CampaignStarted
    | CampaignPaused
    | CampaignResumed
    | CampaignCancelled
    | CampaignRecalled
    | CampaignFinished
)
RunMoved = RunAdvanced | RunSampled | RunCleared | RunPlanned


def note_campaigns(connection: Connection, batch: Sequence[Recorded]) -> None:
    """Take in what happened to campaigns."""
    told = [(r, r.event) for r in batch if isinstance(r.event, CampaignDrafted | CampaignMoved)]
    rows = Rows(connection, CAMPAIGNS, (event.campaign for _, event in told))
    for recorded, event in told:
        if isinstance(event, CampaignDrafted):
            rows.put(_drafted(recorded, event))
        else:
            _staged(rows[event.campaign], recorded, event)
    rows.save()


def note_runs(connection: Connection, batch: Sequence[Recorded]) -> None:
    """Take in what happened to runs."""
    told = [(r, r.event) for r in batch if isinstance(r.event, RunStarted | RunMoved)]
    rows = Rows(connection, RUNS, (event.run for _, event in told))
    for recorded, event in told:
        if isinstance(event, RunStarted):
            rows.put(_begun(recorded, event))
        else:
            _advanced(rows[event.run], recorded, event)
    rows.save()


def _drafted(recorded: Recorded, event: CampaignDrafted) -> Row:
    return {
        "campaign": event.campaign,
        "stage": Stage.DRAFT.value,
        "name": event.name.value,
        "topic": event.topic,
        "goal": None if event.goal is None else event.goal.goal,
        "goal_days": None if event.goal is None else event.goal.days,
        "holdout_percent": event.holdout_percent,
        "arms": [[arm.variant, arm.weight] for arm in event.arms],
        "operator": event.operator,
        "drafted_at": recorded.occurred_at,
    }


def _staged(row: Row, recorded: Recorded, event: CampaignMoved) -> None:
    match event:
        case CampaignTested():
            if row["stage"] == Stage.DRAFT.value:
                row["stage"] = Stage.TESTED.value
        case CampaignApproved(operator=operator):
            row["stage"], row["approved_by"] = Stage.APPROVED.value, operator
        case CampaignScheduled(at=at, meant=meant):
            row["stage"], row["scheduled_for"], row["meant"] = Stage.SCHEDULED.value, at, meant
        case CampaignStarted():
            row["stage"], row["started_at"] = Stage.RUNNING.value, recorded.occurred_at
        case CampaignPaused(reason=reason):
            row["before_pause"], row["pause_reason"] = row["stage"], reason
            row["stage"] = Stage.PAUSED.value
        case CampaignResumed():
            row["stage"] = row["before_pause"]
            row["before_pause"] = row["pause_reason"] = None
        case CampaignCancelled():
            row["stage"], row["ended_at"] = Stage.CANCELLED.value, recorded.occurred_at
        case CampaignFinished():
            row["stage"], row["ended_at"] = Stage.FINISHED.value, recorded.occurred_at
        case CampaignRecalled():
            return
        case _:
            assert_never(event)


def _begun(recorded: Recorded, event: RunStarted) -> Row:
    return {
        "run": event.run,
        "campaign": event.campaign,
        "at": event.at,
        "day": event.day,
        "meant": event.meant,
        "sample": event.sample,
        "at_pass": (Pass.FIRST if event.sample else Pass.EVERYBODY).value,
        "started_at": recorded.occurred_at,
    }


def _advanced(row: Row, recorded: Recorded, event: RunMoved) -> None:
    match event:
        case RunAdvanced(planned=done):
            row["planned"] = done
        case RunSampled():
            row["at_pass"] = Pass.WAITING.value
        case RunCleared():
            row["at_pass"], row["planned"] = Pass.EVERYBODY.value, 0
        case RunPlanned(planned=done):
            row["at_pass"], row["planned"] = Pass.PLANNED.value, done
            row["planned_at"] = recorded.occurred_at
        case _:
            assert_never(event)
