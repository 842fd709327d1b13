"""Which campaigns and runs there are."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, select

from domain.campaigns.campaign import Stage
from domain.campaigns.plan import Arm
from domain.campaigns.run import Pass
from domain.identity import CampaignId, OperatorId, RunId, Slug
from projections.campaigns.tables import CAMPAIGNS, RUNS


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as it stands. ``goal_days``: how long the goal may take. ``arms``: empty where it has one text only."""

    id: CampaignId
    stage: Stage
    pause_reason: Slug | None
    name: str
    topic: Slug
    goal: Slug | None
    goal_days: int | None
    holdout_percent: int
    arms: tuple[Arm, ...]
    operator: OperatorId | None
    approved_by: OperatorId | None
    meant: int | None
    drafted_at: datetime
    scheduled_for: datetime | None
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Run:
    """One occurrence of a campaign. ``planned``: deliveries so far, in this pass."""

    id: RunId
    campaign: CampaignId
    at: datetime
    day: date | None
    meant: int
    sample: int
    planned: int
    at_pass: Pass
    started_at: datetime
    planned_at: datetime | None


def campaign(connection: Connection, wanted: CampaignId) -> Campaign | None:
    """Return a campaign, None where there is none."""
    row = connection.execute(select(CAMPAIGNS).where(CAMPAIGNS.c.campaign == wanted)).mappings().first()
    if row is None:
        return None
    return Campaign(
        id=row["campaign"],
        stage=Stage(row["stage"]),
        arms=tuple(Arm(variant=Slug(variant), weight=weight) for variant, weight in row["arms"]),
        **{name: row[name] for name in _OF_CAMPAIGN},
    )


def runs(connection: Connection, of: CampaignId) -> list[Run]:
    """Return the runs of a campaign, newest first."""
    statement = select(RUNS).where(RUNS.c.campaign == of).order_by(RUNS.c.at.desc(), RUNS.c.run)
    return [
        Run(id=row["run"], at_pass=Pass(row["at_pass"]), **{name: row[name] for name in _OF_RUN})
        for row in connection.execute(statement).mappings()
    ]


_OF_CAMPAIGN = tuple(name for name in Campaign.__dataclass_fields__ if name not in {"id", "stage", "arms"})
_OF_RUN = tuple(name for name in Run.__dataclass_fields__ if name not in {"id", "at_pass"})
