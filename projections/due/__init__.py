"""What is due: hints for the scheduler, computed from the log. A claim decides; this only says where to look."""

from projections.due.apply import due
from projections.due.queries import (
    ActiveSchedule,
    DueDelivery,
    UnderWay,
    active_schedules,
    campaigns_under_way,
    due_broadcasts,
    due_deliveries,
    expired_leases,
    next_moment,
    open_to,
    overdue,
    resendable,
    rivals,
    unknown,
)
from projections.due.tables import PRIORITIES

__all__ = [
    "PRIORITIES",
    "ActiveSchedule",
    "DueDelivery",
    "UnderWay",
    "active_schedules",
    "campaigns_under_way",
    "due",
    "due_broadcasts",
    "due_deliveries",
    "expired_leases",
    "next_moment",
    "open_to",
    "overdue",
    "resendable",
    "rivals",
    "unknown",
]
