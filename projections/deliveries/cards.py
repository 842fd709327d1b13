"""What cards ask of the deliveries: whose card one of our messages is, how many there were lately, and who has been answered meanwhile."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from domain.deliveries.delivery import Phase
from domain.identity import ContactId, OperatorId, ProviderMessageId, Slug, SubjectId
from projections.deliveries.tables import DELIVERIES

KEYS_PER_QUERY = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """A message of ours to a contact. ``operator``: who sent it; None where it went by itself."""

    contact: ContactId
    operator: OperatorId | None
    occasion: Slug
    text: str
    planned_at: datetime


def subject_of(connection: Connection, contact: ContactId, message: ProviderMessageId) -> SubjectId | None:
    """Return whose words are in the message that a contact has under this provider's id; None for none of ours."""
    statement = (
        select(DELIVERIES.c.subject)
        .where(DELIVERIES.c.contact == contact, DELIVERIES.c.provider_message == message)
        .order_by(DELIVERIES.c.planned_at.desc())
    )
    return connection.execute(statement.limit(1)).scalar()


def planned_since(
    connection: Connection, contact: ContactId, occasion: Slug, since: datetime
) -> list[datetime]:
    """Return when messages of an occasion were planned to a contact after ``since``, oldest first."""
    statement = (
        select(DELIVERIES.c.planned_at)
        .where(
            DELIVERIES.c.contact == contact,
            DELIVERIES.c.occasion == occasion,
            DELIVERIES.c.planned_at > since,
        )
        .order_by(DELIVERIES.c.planned_at)
    )
    return list(connection.execute(statement).scalars())


def waiting(connection: Connection, contact: ContactId) -> int:
    """Return how many messages to a contact are planned and not under way yet."""
    statement = select(func.count()).where(
        DELIVERIES.c.contact == contact, DELIVERIES.c.phase == Phase.PLANNED.value
    )
    return connection.execute(statement).scalar_one()


def answers(connection: Connection, contacts: Collection[ContactId], since: datetime) -> list[Answer]:
    """Return what was planned to these contacts from ``since`` on, oldest first."""
    wanted = list(contacts)
    found: list[Answer] = []
    columns = [DELIVERIES.c[name] for name in Answer.__dataclass_fields__]
    for start in range(0, len(wanted), KEYS_PER_QUERY):
        statement = select(*columns).where(
            DELIVERIES.c.contact.in_(wanted[start : start + KEYS_PER_QUERY]), DELIVERIES.c.planned_at >= since
        )
        rows = connection.execute(statement).mappings()
        found.extend(Answer(**{**row, "text": row["text"] or ""}) for row in rows)
    return sorted(found, key=lambda answer: answer.planned_at)
