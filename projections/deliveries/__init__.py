"""Deliveries: what became of each message that was meant to go out, and why."""

from projections.deliveries.apply import deliveries
from projections.deliveries.queries import (
    Broadcast,
    Count,
    Delivery,
    broadcasts_listed,
    counts,
    delivery,
    left_of,
    recent,
    summary,
)

__all__ = [
    "Broadcast",
    "Count",
    "Delivery",
    "broadcasts_listed",
    "counts",
    "deliveries",
    "delivery",
    "left_of",
    "recent",
    "summary",
]
