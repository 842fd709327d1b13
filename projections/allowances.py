"""What else than the reply window lets somebody be written to: consents for single messages that they gave, and a month's mass messages."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Integer, String, Table, delete, select

from domain.conversations.events import ActionReported, ReplyGivenBack, ReplySpent
from domain.customers.events import CustomerForgotten
from domain.identity import ContactId, Slug
from domain.message import Recorded
from projections.projection import Projection, Row, Rows
from projections.question import Question
from projections.schema import METADATA, one_asked_for, one_of

ASKED = frozenset({Slug("chose-subscription"), Slug("changed-subscription")})
GRANTED, REFUSED = "accept", "reject"

ALLOWANCES = Table(
    "allowances",
    METADATA,
    Column("id", String, primary_key=True),
    Column("contact", String, nullable=False, index=True),
    Column("of", String, nullable=False),
    Column("given", Integer, nullable=False, default=0),
    Column("used", Integer, nullable=False, default=0),
)
"""``id``: contact and what it is of. Where nothing is ever ``given`` (mass messages), only what was ``used`` is counted."""

ATTEMPTS = Table(
    "allowances_attempts",
    METADATA,
    Column("id", String, primary_key=True),
    Column("allowance", String, nullable=False),
)
"""``id``: delivery and attempt; what it took, so that it can be given back."""


def subscription(template: str) -> Slug:
    """Return what the consents for a template are counted as."""
    return Slug(f"subscription-{template}")


def _apply(connection: Connection, batch: Sequence[Recorded]) -> None:
    events = [recorded.event for recorded in batch]
    attempts = Rows(
        connection,
        ATTEMPTS,
        (f"{e.delivery}:{e.attempt}" for e in events if isinstance(e, ReplySpent | ReplyGivenBack)),
    )
    known = (row["allowance"] for row in attempts)
    touched = (_id(contact, of) for event in events for contact, of, _ in _asked(event))
    spent = (_id(e.contact, e.of) for e in events if isinstance(e, ReplySpent) and e.of is not None)
    rows = Rows(connection, ALLOWANCES, {*known, *touched, *spent})
    for event in events:
        match event:
            case ReplySpent(contact=contact, of=of) if of is not None:
                row = _row(rows, contact, of)
                row["used"] += 1
                attempts.put({"id": f"{event.delivery}:{event.attempt}", "allowance": row["id"]})
            case ReplyGivenBack():
                attempt = attempts.get(f"{event.delivery}:{event.attempt}")
                if attempt is not None:
                    rows[attempt["allowance"]]["used"] -= 1
                    attempts.discard(attempt["id"])
            case _:
                for contact, of, granted in _asked(event):
                    row = _row(rows, contact, of)
                    # Whoever refuses takes back all that they gave.
                    row["given"] = row["given"] + 1 if granted else row["used"]
    rows.save()
    attempts.save()


def _asked(event: object) -> Iterator[tuple[ContactId, Slug, bool]]:
    """Yield what somebody agreed to or refused: (contact, of, whether they agreed)."""
    if not isinstance(event, ActionReported) or event.action not in ASKED:
        return
    for choice in event.data.value.get("choices", ()):
        template, answer = choice.get("template"), choice.get("choice")
        if template and answer in {GRANTED, REFUSED}:
            yield event.contact, subscription(template), answer == GRANTED


def _id(contact: ContactId, of: Slug) -> str:
    return f"{contact}:{of}"


def _row(rows: Rows, contact: ContactId, of: Slug) -> Row:
    return rows.get(_id(contact, of)) or rows.put({"id": _id(contact, of), "contact": contact, "of": of})


def _forget(connection: Connection, event: CustomerForgotten) -> None:
    connection.execute(delete(ALLOWANCES).where(ALLOWANCES.c.contact.in_(event.contacts)))


allowances = Projection(
    name="allowances",
    version=1,
    tables=(ALLOWANCES, ATTEMPTS),
    listens_to=frozenset({ActionReported, ReplySpent, ReplyGivenBack, CustomerForgotten}),
    apply=_apply,
    forget=_forget,
)


def given(connection: Connection, contacts: Collection[ContactId]) -> dict[ContactId, dict[Slug, int]]:
    """Return how many consents contacts gave in all, by what they are for: what was used of them the gate counts by itself.

    Those who gave none are missing.
    """
    found: dict[ContactId, dict[Slug, int]] = {}
    for contact, of, many in _GIVEN.ask(connection, contacts=list(contacts)):
        found.setdefault(contact, {})[of] = many
    return found


_GIVEN = Question(
    select(ALLOWANCES.c.contact, ALLOWANCES.c.of, ALLOWANCES.c.given).where(
        one_asked_for(ALLOWANCES.c.contact, "contacts"), ALLOWANCES.c.given > 0
    )
)


@dataclass(frozen=True, slots=True)
class Allowance:
    """``given``: consents in all; 0 of what needs none. ``used``: messages that took one."""

    given: int
    used: int


def allowances_of(
    connection: Connection, wanted: Collection[ContactId]
) -> dict[ContactId, dict[Slug, Allowance]]:
    """Return what each contact gave and what was used, by what it is of (Offer.of); those without any are missing."""
    found: dict[ContactId, dict[Slug, Allowance]] = {}
    for row in connection.execute(select(ALLOWANCES).where(one_of(ALLOWANCES.c.contact, wanted))).all():
        found.setdefault(row.contact, {})[row.of] = Allowance(row.given, row.used)
    return found


def left(connection: Connection, contact: ContactId) -> Mapping[Slug, int]:
    """Return how many consents a contact has given that were not used yet."""
    rows = connection.execute(
        select(ALLOWANCES).where(ALLOWANCES.c.contact == contact, ALLOWANCES.c.given > 0)
    )
    return {row.of: max(0, row.given - row.used) for row in rows}
