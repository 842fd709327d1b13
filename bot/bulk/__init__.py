"""Bulk work: imports and exports as jobs that are told of while they run, can be cancelled, and on PostgreSQL outlive a process."""

from bot.bulk.carrying import Line, Work, Works
from bot.bulk.runner import InProcess, Job, Runner, Seen, State

__all__ = ["InProcess", "Job", "Line", "Runner", "Seen", "State", "Work", "Works"]
