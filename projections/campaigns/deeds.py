"""What people did that a message may have brought about: they withdrew, ordered, reached a goal, used a code."""

from collections.abc import Sequence
from typing import assert_never

from sqlalchemy import Connection

from domain.codes.events import CouponRedeemed
from domain.customers.events import ConsentSource, ConsentWithdrawn
from domain.goals.events import GoalReached
from domain.message import Recorded
from domain.purchases.events import OrderCorrected, OrderMatched, OrderPaid, OrderPlaced, OrderRefunded
from projections.campaigns.tables import OUTCOMES
from projections.projection import Row, Rows

WITHDRAWN, GOAL = "withdrawn", "goal"
ORDER, REDEEMED = "order", "redeemed"
"""The goals that are reached without being told as one: by ordering, and by using a code that a campaign handed out."""

OrderTold = OrderCorrected | OrderPaid | OrderRefunded | OrderMatched
Done = ConsentWithdrawn | GoalReached | CouponRedeemed


def note_outcomes(connection: Connection, batch: Sequence[Recorded]) -> set[str | None]:
    """Take in what people did. Returns whose: contacts and customers."""
    told = [(r, r.event) for r in batch if isinstance(r.event, OrderPlaced | OrderTold | Done)]
    rows = Rows(connection, OUTCOMES, (_id(recorded, event) for recorded, event in told))
    touched: set[str | None] = set()
    for recorded, event in told:
        key = _id(recorded, event)
        match event:
            case ConsentWithdrawn(source=ConsentSource.FORGOTTEN):
                continue  # nobody's wish now: the address asked to be forgotten once
            case ConsentWithdrawn() | GoalReached() | CouponRedeemed():
                rows.put({"id": key, **_done(recorded, event)})
            case OrderPlaced(at=at, amount=amount, currency=currency):
                rows.put(
                    {"id": key, "kind": GOAL, "of": ORDER, "at": at, "amount": amount, "currency": currency}
                )
            case OrderCorrected() | OrderPaid() | OrderRefunded() | OrderMatched():
                order = rows.get(key)
                if order is None:  # its buyer was forgotten
                    continue
                _told(order, event)
            case _:
                assert_never(event)
        row = rows[key]
        touched.add(row["contact"] or row["customer"])
    rows.save()
    return touched


def _id(recorded: Recorded, event: OrderPlaced | OrderTold | Done) -> str:
    match event:
        case OrderPlaced() | OrderCorrected() | OrderPaid() | OrderRefunded() | OrderMatched():
            return f"order-{event.purchase}"
        case GoalReached(key=key):
            return f"goal-{key}"
        case ConsentWithdrawn() | CouponRedeemed():
            return recorded.id
        case _:
            assert_never(event)


def _done(recorded: Recorded, event: Done) -> Row:
    match event:
        case ConsentWithdrawn(contact=contact, customer=customer, topic=topic):
            at = recorded.occurred_at
            return {"kind": WITHDRAWN, "of": topic, "contact": contact, "customer": customer, "at": at}
        case GoalReached():
            return {
                "kind": GOAL,
                "of": event.goal,
                "contact": event.contact,
                "customer": event.customer,
                "at": event.at,
                "amount": event.value,
                "currency": event.currency,
            }
        case CouponRedeemed(customer=customer, at=at):
            return {"kind": GOAL, "of": REDEEMED, "customer": customer, "at": at}
        case _:
            assert_never(event)


def _told(row: Row, event: OrderTold) -> None:
    match event:
        case OrderCorrected(amount=amount):
            row["amount"] = amount
        case OrderPaid(amount=amount):
            row["paid"] = amount
        case OrderRefunded(amount=amount):
            row["refunded"] += amount
        case OrderMatched(contact=contact, customer=customer):
            row["contact"], row["customer"] = contact, customer
        case _:
            assert_never(event)
