"""Ticks: APScheduler as an alarm clock for what recurs. In memory; what fired is in the log, once a (schedule, local date)."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

import structlog
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger

from domain.dispatch import Failed, Request
from domain.errors import Overloaded, SiyuError, StoreUnavailable
from domain.identity import ScheduleId, Slug
from domain.message import Context
from domain.policies.recurrence import Recurrence
from domain.ports.agenda import Agenda, DueSchedule
from domain.processes.recurring import OCCURRENCE_LIVES
from domain.schedules.commands import FireSchedule
from scheduler.follower import Dispatch

log_ = structlog.get_logger(__name__)


class Ticks:
    """Arms one alarm a schedule, for its next slot; a slot missed while nobody ran fires at the start, if it is not too old."""

    def __init__(
        self,
        agenda: Agenda,
        dispatch: Dispatch,
        clock: Callable[[], datetime],
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """``leads``: whether it is up to this process."""
        self.agenda, self.dispatch, self.clock, self._leads = agenda, dispatch, clock, leads
        self._alarm = AsyncIOScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self._armed: dict[ScheduleId, datetime] = {}

    def start(self) -> None:
        """Begin to tick; needs a running event loop."""
        self._alarm.start()

    def stop(self) -> None:
        """Stop ticking."""
        if self._alarm.running:
            self._alarm.shutdown(wait=False)

    @property
    def armed(self) -> dict[ScheduleId, datetime]:
        """Return when the alarm of each schedule will ring."""
        return dict(self._armed)

    def daily(self, name: str, hour: int, work: Callable[[], Awaitable[None]]) -> None:
        """Do some housekeeping once a day, at this hour UTC."""
        self._alarm.add_job(work, CronTrigger(hour=hour, timezone="UTC"), id=name, replace_existing=True)

    async def sync(self) -> None:
        """Fire what is due, and arm the next slot of every schedule that the view shows. Raises StoreUnavailable, Overloaded."""
        if not self._leads():
            return
        known = await asyncio.to_thread(self.agenda.schedules)
        for schedule in known:
            try:
                await self._fire_due(schedule)
                self._arm(schedule)
            except (StoreUnavailable, Overloaded):
                raise
            except (SiyuError, ZoneInfoNotFoundError) as error:  # its stream is damaged: the others go on
                log_.error("ticks.not_fired", schedule=schedule.schedule, error=type(error).__name__)  # noqa: TRY400
        for gone in self._armed.keys() - {schedule.schedule for schedule in known}:
            del self._armed[gone]
            with contextlib.suppress(JobLookupError):  # it rings just now
                self._alarm.remove_job(gone)

    async def _fire_due(self, schedule: DueSchedule) -> None:
        """Fire the newest slot that is due and was not fired: those before it were missed, and coalesce into it."""
        now = self.clock()
        since = max(schedule.starts_at - timedelta(seconds=1), now - OCCURRENCE_LIVES)
        due = Recurrence.parse(schedule.recurrence).due_between(since, now, schedule.zone)
        if not due or (schedule.last_day is not None and due[-1][0] <= schedule.last_day):
            return
        day, at = due[-1]
        context = Context(actor=Slug("scheduler"), occurred_at=at, now=now)
        fire = FireSchedule(schedule=schedule.schedule, day=day, at=at)
        result = await self.dispatch(Request(context, (fire,)))
        if isinstance(result, Failed):
            raise result.error

    def _arm(self, schedule: DueSchedule) -> None:
        after = max(self.clock(), schedule.starts_at - timedelta(seconds=1))
        _, at = Recurrence.parse(schedule.recurrence).next_after(after, schedule.zone)
        if self._armed.get(schedule.schedule) == at:
            return
        self._armed[schedule.schedule] = at
        self._alarm.add_job(
            self._ring,
            DateTrigger(at),
            id=schedule.schedule,
            args=(schedule.schedule,),
            replace_existing=True,
        )

    async def _ring(self, schedule: ScheduleId) -> None:
        """Look again: what the alarm was set for may have ended meanwhile."""
        self._armed.pop(schedule, None)
        try:
            await self.sync()
        except (StoreUnavailable, Overloaded) as error:
            log_.warning("ticks.store_unavailable", error=str(error))  # whoever calls sync next fires it
