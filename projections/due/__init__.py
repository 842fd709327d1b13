"""What is due: hints for the scheduler, computed from the log. A claim decides; this only says where to look."""

from projections.due.apply import due
from projections.due.queries import (
    ActiveSchedule,
    DueDelivery,
    active_schedules,
    due_broadcasts,
    due_deliveries,
    expired_leases,
    next_moment,
    open_to,
    overdue,
    resendable,
    unknown,
)
from projections.due.tables import PRIORITIES

__all__ = [
    "PRIORITIES",
    "ActiveSchedule",
    "DueDelivery",
    "active_schedules",
    "due",
    "due_broadcasts",
    "due_deliveries",
    "expired_leases",
    "next_moment",
    "open_to",
    "overdue",
    "resendable",
    "unknown",
]
