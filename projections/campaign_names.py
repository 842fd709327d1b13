"""Campaigns by name: which there are, and where each stands. What they say and whom they mean is read from their streams."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Integer, Select, String, Table, select

from domain.campaigns.campaign import Stage
from domain.campaigns.events import (
    CampaignApproved,
    CampaignCancelled,
    CampaignDrafted,
    CampaignFinished,
    CampaignPaused,
    CampaignResumed,
    CampaignScheduled,
    CampaignStarted,
    CampaignTested,
)
from domain.identity import CampaignId, OperatorId
from domain.message import Recorded
from domain.policies.text import folded
from projections.projection import Projection, Row, Rows
from projections.schema import METADATA, Utc

NAMED = Table(
    "campaign_names",
    METADATA,
    Column("campaign", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("name_key", String, nullable=False, index=True),
    Column("stage", String, nullable=False),
    Column("before_pause", String, nullable=False, default=""),
    Column("edition", BigInteger, nullable=False),
    Column("operator", String),
    Column("drafted_at", Utc, nullable=False),
    Column("at", Utc),
    Column("meant", Integer),
)
"""``edition``: the position of how it was written last. ``at``: when it goes out, once it is launched; ``meant``: how many then."""


@dataclass(frozen=True, slots=True)
class Named:
    """One campaign. ``edition``: another one after each correction; ``drafted_at``: when that was."""

    campaign: CampaignId
    name: str
    stage: Stage
    edition: int
    operator: OperatorId | None
    drafted_at: datetime
    at: datetime | None
    meant: int | None


_Event = (
    CampaignDrafted
    | CampaignTested
    | CampaignApproved
    | CampaignScheduled
    | CampaignStarted
    | CampaignPaused
    | CampaignResumed
    | CampaignCancelled
    | CampaignFinished
)


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    events = [(recorded, recorded.event) for recorded in batch if isinstance(recorded.event, _Event)]
    rows = Rows(connection, NAMED, (event.campaign for _, event in events))
    for recorded, event in events:
        if isinstance(event, CampaignDrafted):
            rows.put(_drafted(recorded, event))
        else:
            _move(rows[event.campaign], event)
    rows.save()


def _drafted(recorded: Recorded, event: CampaignDrafted) -> Row:
    return {
        "campaign": event.campaign,
        "name": event.name.value,
        "name_key": folded(event.name.value),
        "stage": Stage.DRAFT.value,
        "edition": recorded.position,
        "operator": event.operator,
        "drafted_at": recorded.occurred_at,
    }


def _move(row: Row, event: _Event) -> None:
    match event:
        case CampaignTested():
            row["stage"] = Stage.TESTED.value if row["stage"] == Stage.DRAFT else row["stage"]
        case CampaignApproved():
            row["stage"] = Stage.APPROVED.value
        case CampaignScheduled(at=at, meant=meant):
            row.update(stage=Stage.SCHEDULED.value, at=at, meant=meant)
        case CampaignStarted():
            row["stage"] = Stage.RUNNING.value
        case CampaignPaused():
            row.update(before_pause=row["stage"], stage=Stage.PAUSED.value)
        case CampaignResumed():
            row["stage"] = row["before_pause"]
        case CampaignCancelled():
            row["stage"] = Stage.CANCELLED.value
        case CampaignFinished():
            row["stage"] = Stage.FINISHED.value
        case _:
            return


campaign_names = Projection(
    name="campaign_names",
    version=1,
    tables=(NAMED,),
    listens_to=frozenset(
        {
            CampaignDrafted,
            CampaignTested,
            CampaignApproved,
            CampaignScheduled,
            CampaignStarted,
            CampaignPaused,
            CampaignResumed,
            CampaignCancelled,
            CampaignFinished,
        }
    ),
    apply=_apply,
)


def campaigns_listed(connection: Connection, limit: int = 50) -> list[Named]:
    """Return the campaigns written or corrected last, the newest first."""
    statement = select(NAMED).order_by(NAMED.c.drafted_at.desc(), NAMED.c.campaign).limit(limit)
    return _named(connection, statement)


def campaigns_called(connection: Connection, text: str, limit: int = 10) -> list[Named]:
    """Return the campaigns that a text may mean: an id, a whole name, else the beginning of an id."""
    said = folded(text)
    for clause in (
        NAMED.c.campaign == said,
        NAMED.c.name_key == said,
        NAMED.c.campaign.startswith(said, autoescape=True),
    ):
        found = _named(connection, select(NAMED).where(clause).order_by(NAMED.c.campaign).limit(limit))
        if said and found:
            return found
    return []


def _named(connection: Connection, statement: Select[Any]) -> list[Named]:
    rows = connection.execute(statement).mappings()
    columns = Named.__dataclass_fields__.keys() - {"stage"}
    return [Named(stage=Stage(row["stage"]), **{name: row[name] for name in columns}) for row in rows]
