"""Drafts: broadcasts that wait for somebody to say yes, found by the code they were shown with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, select

from domain.broadcasts.broadcast import Stage
from domain.broadcasts.events import BroadcastCancelled, BroadcastConfirmed, BroadcastDrafted
from domain.identity import BroadcastId, Digest, OperatorId, Slug
from domain.message import Recorded
from projections.projection import Projection, Rows
from projections.schema import METADATA, Utc

DRAFTS = Table(
    "broadcast_drafts",
    METADATA,
    Column("broadcast", String, primary_key=True),
    Column("code", String, nullable=False, index=True),
    Column("stage", String, nullable=False),
    Column("operator", String),
    Column("recurrence", String),
    Column("not_before", Utc, nullable=False),
    Column("drafted_at", Utc, nullable=False),
)
"""Only what was drafted with a code: the others were confirmed in the same breath."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One broadcast and where it stands. ``drafted_at``: when it was shown with its code."""

    broadcast: BroadcastId
    code: Digest
    stage: Stage
    operator: OperatorId | None
    recurrence: Slug | None
    not_before: datetime
    drafted_at: datetime


_Event = BroadcastDrafted | BroadcastConfirmed | BroadcastCancelled


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    events = [(recorded, recorded.event) for recorded in batch if isinstance(recorded.event, _Event)]
    rows = Rows(connection, DRAFTS, (event.broadcast for _, event in events))
    for recorded, event in events:
        row = rows.get(event.broadcast)
        match event:
            case BroadcastDrafted(code=str()):
                rows.put(_drafted(recorded, event))
            case BroadcastConfirmed() if row is not None:
                row["stage"] = Stage.CONFIRMED.value
            case BroadcastCancelled() if row is not None:
                row["stage"] = Stage.CANCELLED.value
            case _:
                continue
    rows.save()


def _drafted(recorded: Recorded, event: BroadcastDrafted) -> dict[str, object]:
    return {
        "broadcast": event.broadcast,
        "code": event.code,
        "stage": Stage.DRAFT.value,
        "operator": event.operator,
        "recurrence": event.recurrence,
        "not_before": event.not_before,
        "drafted_at": recorded.occurred_at,
    }


drafts = Projection(
    name="drafts",
    version=1,
    tables=(DRAFTS,),
    listens_to=frozenset({BroadcastDrafted, BroadcastConfirmed, BroadcastCancelled}),
    apply=_apply,
)


def drafts_with(connection: Connection, code: Digest) -> list[Draft]:
    """Return the drafts that were shown with a code, newest first; almost always one, or none."""
    statement = (
        select(DRAFTS).where(DRAFTS.c.code == code).order_by(DRAFTS.c.drafted_at.desc(), DRAFTS.c.broadcast)
    )
    return [
        Draft(**{**row, "stage": Stage(row["stage"])}) for row in connection.execute(statement).mappings()
    ]
