"""Rows about orders and goals. An order is nobody's until it is matched: then all its rows become the buyer's."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from domain.goals.events import GoalReached
from domain.identity import PurchaseId
from domain.message import Recorded
from domain.policies.money import shown
from domain.purchases.events import OrderMatched, OrderPaid, OrderPlaced, OrderRefunded
from projections.projection import Row, of_kind
from projections.question import Question
from projections.schema import one_asked_for
from projections.timeline.tables import TIMELINE, Kind

ORDER_EVENTS: frozenset[type] = frozenset({OrderPlaced, OrderPaid, OrderRefunded, OrderMatched})
OrderEvent = OrderPlaced | OrderPaid | OrderRefunded | OrderMatched
_KINDS = {OrderPlaced: Kind.ORDERED, OrderPaid: Kind.PAID, OrderRefunded: Kind.REFUNDED}
_WHOSE = Question(
    select(TIMELINE.c.subject, TIMELINE.c.contact, TIMELINE.c.customer).where(
        one_asked_for(TIMELINE.c.subject, "subjects")
    )
)
MOST_TOLD = 10
"""Items of an order that its row names."""


class Orders:
    """The orders of a batch: who has them, as far as anybody knows. One that has no row any more was forgotten, and gets no new one."""

    def __init__(self, connection: Connection, batch: Sequence[Recorded]) -> None:
        self._connection = connection
        told: list[OrderEvent] = of_kind(batch, ORDER_EVENTS)
        named = {_subject(event.purchase) for event in told}
        self._whose: dict[str, Row] = {}
        self._matched: dict[str, Row] = {}
        self._new: dict[str, list[Row]] = {}
        for subject, contact, customer in _WHOSE.ask(connection, subjects=list(named)) if named else ():
            self._whose[subject] = {"contact": contact, "customer": customer}

    def columns(self, event: OrderEvent) -> tuple[Kind, Row] | None:
        """Return the kind of the row that tells of an event, and what else stands in it; None where there is none."""
        subject = _subject(event.purchase)
        if isinstance(event, OrderMatched):
            self._match(subject, {"contact": event.contact, "customer": event.customer})
            return None
        if isinstance(event, OrderPlaced):
            self._whose[subject] = {"contact": None, "customer": None}
        whose = self._whose.get(subject)
        if whose is None:
            return None
        text = _listed(event) if isinstance(event, OrderPlaced) else None
        told = {"text": text, "value": shown(event.amount, event.currency), "subject": subject}
        return _KINDS[type(event)], {**whose, **told}

    def keep(self, row: Row) -> Row:
        """Remember a row that is not written yet: a match in the same batch changes it."""
        self._new.setdefault(row["subject"], []).append(row)
        return row

    def _match(self, subject: str, whose: Row) -> None:
        if subject in self._whose:
            self._whose[subject] = self._matched[subject] = whose
            for row in self._new.get(subject, ()):
                row.update(whose)

    def save(self) -> None:
        """Give the rows that were written before to whoever they belong to now."""
        for subject, whose in self._matched.items():
            self._connection.execute(update(TIMELINE).where(TIMELINE.c.subject == subject).values(whose))


def reached(event: GoalReached) -> Row:
    """Return what stands in the row of a goal."""
    worth = None if event.value is None else str(event.value)
    if event.value is not None and event.currency is not None:
        worth = shown(event.value, event.currency)
    return {"contact": event.contact, "customer": event.customer, "value": event.goal, "text": worth}


def _subject(purchase: PurchaseId) -> str:
    return f"purchase-{purchase}"


def _listed(event: OrderPlaced) -> str:
    items = event.items.value if event.items is not None else []
    return " · ".join([event.number.value, *(told for item in items[:MOST_TOLD] if (told := _item(item)))])


def _item(item: Any) -> str:  # noqa: ANN401  # JSON
    if not isinstance(item, dict):
        return str(item)
    name, count = str(item.get("name", item.get("title", ""))), item.get("count", item.get("quantity", 1))
    return name if count == 1 or not name else f"{name} × {count}"
