"""The timeline: one list over all channels of what passed between us and a customer, or in a group."""

from projections.timeline.apply import timeline
from projections.timeline.history import TimelineHistory
from projections.timeline.queries import Entry, Filters, State, everywhere, of_contact, of_customer, of_group
from projections.timeline.tables import Kind

__all__ = [
    "Entry",
    "Filters",
    "Kind",
    "State",
    "TimelineHistory",
    "everywhere",
    "of_contact",
    "of_customer",
    "of_group",
    "timeline",
]
