"""Schedules: what recurs, and the slots in which it fired."""
