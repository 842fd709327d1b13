"""Operators: the team with readable names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, select

from domain.identity import ContactId, OperatorId
from domain.message import Recorded
from domain.operators.events import OperatorAdded, OperatorBound, OperatorRemoved, Role, RoleChanged
from domain.policies.text import folded
from projections.projection import Projection, Rows
from projections.schema import METADATA, Utc

OPERATORS = Table(
    "operators",
    METADATA,
    Column("operator", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("added_at", Utc, nullable=False),
    Column("removed_at", Utc),
)
BINDINGS = Table(
    "operator_contacts",
    METADATA,
    Column("contact", String, primary_key=True),
    Column("operator", String, nullable=False, index=True),
    Column("at", Utc, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Operator:
    """A member of the team, with the accounts that are proved to be theirs."""

    id: OperatorId
    name: str
    role: Role
    added_at: datetime
    removed_at: datetime | None
    contacts: tuple[ContactId, ...]


_RosterEvent = OperatorAdded | OperatorBound | RoleChanged | OperatorRemoved


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    events = [(recorded, recorded.event) for recorded in batch if isinstance(recorded.event, _RosterEvent)]
    team = Rows(connection, OPERATORS, (event.operator for _, event in events))
    bindings = Rows(
        connection, BINDINGS, (event.contact for _, event in events if isinstance(event, OperatorBound))
    )
    for recorded, event in events:
        match event:
            case OperatorAdded(operator=operator, name=name, role=role):
                added = {"name": name.value, "role": role.value, "added_at": recorded.occurred_at}
                team.put({"operator": operator, **added})
            case OperatorBound(operator=operator, contact=contact):
                bindings.put({"contact": contact, "operator": operator, "at": recorded.occurred_at})
            case RoleChanged(operator=operator, role=role):
                team[operator]["role"] = role.value
            case OperatorRemoved(operator=operator):
                team[operator]["removed_at"] = recorded.occurred_at
    team.save()
    bindings.save()


operators = Projection(
    name="operators",
    version=1,
    tables=(OPERATORS, BINDINGS),
    listens_to=frozenset({OperatorAdded, OperatorBound, RoleChanged, OperatorRemoved}),
    apply=_apply,
)


def team(connection: Connection, *, removed: bool = False) -> list[Operator]:
    """Return the team in the order they were added; those who left only if asked for."""
    statement = select(OPERATORS).order_by(OPERATORS.c.added_at, OPERATORS.c.operator)
    if not removed:
        statement = statement.where(OPERATORS.c.removed_at.is_(None))
    rows = connection.execute(statement).all()
    bound: dict[OperatorId, list[ContactId]] = {}
    for binding in connection.execute(select(BINDINGS).order_by(BINDINGS.c.at, BINDINGS.c.contact)):
        bound.setdefault(binding.operator, []).append(binding.contact)
    return [
        Operator(
            row.operator,
            row.name,
            Role(row.role),
            row.added_at,
            row.removed_at,
            tuple(bound.get(row.operator, ())),
        )
        for row in rows
    ]


def named(connection: Connection, name: str) -> Operator | None:
    """Return the member of this name or id (width and case do not count); None where there is none."""
    wanted = folded(name)
    return next((member for member in team(connection) if wanted in {folded(member.name), member.id}), None)


def operator_of(connection: Connection, contact: ContactId) -> Operator | None:
    """Return whose account a contact is; None where it is no operator's, or they left."""
    return next((member for member in team(connection) if contact in member.contacts), None)
