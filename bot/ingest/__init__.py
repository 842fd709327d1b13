"""What the world tells us: orders, payments, refunds, goals, and what is known of customers; by the REST API and from files."""

from bot.ingest.buyers import NOBODY, Buyer
from bot.ingest.telling import (
    Description,
    Goal,
    Noted,
    Order,
    Payment,
    Refund,
    Teller,
    describe_customer,
    pay_order,
    place_order,
    reach_goal,
    refund_order,
    standing,
)

__all__ = [
    "NOBODY",
    "Buyer",
    "Description",
    "Goal",
    "Noted",
    "Order",
    "Payment",
    "Refund",
    "Teller",
    "describe_customer",
    "pay_order",
    "place_order",
    "reach_goal",
    "refund_order",
    "standing",
]
