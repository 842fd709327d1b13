"""Bulk work by Procrastinate: jobs in PostgreSQL, taken by whichever worker is free, again where one died over them."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
import structlog
from procrastinate import (
    App,
    JobContext,
    PsycopgConnector,
    SyncPsycopgConnector,
    exceptions,
)
from procrastinate.jobs import Job as Stored
from procrastinate.jobs import Status
from psycopg_pool import PoolTimeout

from bot.bulk.carrying import ONCE_MORE, Ended, Stopped, Works, carried_out, failed
from bot.bulk.holding import MOST_TRIES, Fenced, Teller, TriedAgain, number_of, reachable
from bot.bulk.runner import AT_ONCE, MOST_WAITING, Job, Seen, State, stopping, unknown
from bot.bulk.schema import OPTIONS, prepare
from bot.bulk.sealing import Sealing
from bot.driving import cancelled
from bot.texts import Told, told
from domain.errors import Overloaded, StoreUnavailable

QUEUE: Final = "siyu"
TASK: Final = "siyu.bulk"
REST_S: Final = 1.0
"""Before the database is asked again after it was away."""
KEPT_HOURS: Final = 7 * 24
CONNECT_WITHIN_S: Final = 10.0
HEARD_WITHIN_S: Final = 3.0
"""A cancel that no end followed for so long was lost: psycopg's pool loses some."""

_TOLD: Final = "SELECT number, sealed FROM siyu_lines WHERE job = %(job)s AND number > %(after)s ORDER BY number LIMIT 1000"
_WAITING: Final = "SELECT count(*) AS many FROM procrastinate_jobs WHERE status = 'todo'"
_STATES: Final = {
    Status.TODO: State.WAITING,
    Status.DOING: State.RUNNING,
    Status.SUCCEEDED: State.DONE,
    Status.FAILED: State.FAILED,
    Status.CANCELLED: State.CANCELLED,
    Status.ABORTED: State.CANCELLED,
}

_NOWHERE: Final = logging.NullHandler()

log_ = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How soon things are noticed, in seconds.

    ``again_s``: before the second try, twice as long before each further one. ``dead_after_s``: a worker that was silent for so long has
    lost its jobs to the others; it gives a sign every ``heartbeat_s``. ``ends_within_s``: a worker that stops waits so long for its jobs;
    then they are to stop too, and begin again elsewhere.
    """

    again_s: float = 2.0
    heartbeat_s: float = 2.0
    dead_after_s: float = 10.0
    poll_s: float = 1.0
    ends_within_s: float = 5.0


class _Failed(Exception):
    """An attempt that failed for good; why is among its lines."""


class Procrastinated:
    """See Runner. Tables are made at the first use; a worker takes AT_ONCE jobs at the same time."""

    lasting = True

    def __init__(self, url: str, secret: bytes, works: Works, pace: Pace = Pace()) -> None:
        """``url``: of PostgreSQL. ``secret``: the installation's."""
        quiet = logging.getLogger("procrastinate")  # its lines show arguments: what there is to say we say
        quiet.propagate = False
        quiet.addHandler(_NOWHERE)
        self._url, self._sealing, self._works, self._pace = url, Sealing(secret), works, pace
        self._opening = threading.Lock()
        self._app: App | None = None
        self._stopping = False

    def start(self, work: str, arguments: Mapping[str, str]) -> int:
        """See Runner."""
        app = self._opened()
        with reachable():
            waiting = app.connector.get_sync_connector().execute_query_one(_WAITING)["many"]
            if waiting >= MOST_WAITING:
                raise Overloaded("too many jobs are waiting: try again later")
            task = app.configure_task(TASK, queue=QUEUE)
            return task.defer(work=work, arguments=dict(arguments))

    def look(self, number: int, after: int = 0) -> Seen:
        """See Runner."""
        if self._stopping:
            raise stopping(number)
        app = self._opened()
        with reachable():
            # Before the lines: once it is over all of them are there.
            job = next(iter(app.job_manager.list_jobs(id=number)), None)
            rows = app.connector.get_sync_connector().execute_query_all(_TOLD, job=number, after=after)
        if job is None:
            raise unknown(number)
        told_ = [(row["number"], self._sealing.open(number, bytes(row["sealed"]))) for row in rows]
        seen = _as_job(job)
        ended = next((said for _, said in reversed(told_) if isinstance(said, Ended)), None)
        if seen.state.over and not told_:
            ended = Ended(1)  # it was cancelled
        lines = [(at, said) for at, said in told_ if not isinstance(said, Ended)]
        last = lines[-1][0] if lines else after  # its end is read again, until it is known to be over
        return Seen(seen, [said for _, said in lines], last, ended if seen.state.over else None)

    def jobs(self) -> Sequence[Job]:
        """See Runner."""
        app = self._opened()
        with reachable():
            return [_as_job(job) for job in reversed(app.job_manager.list_jobs(queue=QUEUE))]

    def cancel(self, number: int) -> bool:
        """See Runner."""
        app = self._opened()
        with reachable():
            if not app.job_manager.list_jobs(id=number):
                raise unknown(number)
            return app.job_manager.cancel_job_by_id(number, abort=True)

    async def work(self) -> None:
        """See Runner. A database that is away is waited for."""
        ending = asyncio.Event()
        working = asyncio.create_task(self._work(ending))
        try:
            await asyncio.wait({working})
        finally:
            ending.set()
            await asyncio.wait({working})
        working.result()

    def stop(self) -> None:
        """See Runner."""
        self._stopping = True

    def close(self) -> None:
        """See Runner."""
        self._stopping = True
        with self._opening:
            if self._app is not None:
                self._app.close()
                self._app = None

    # --- taking ------------------------------------------------------------------------------------------------------

    async def _work(self, ending: asyncio.Event) -> None:
        failing = False
        while not ending.is_set():
            app = self._worker()
            try:
                await self._go_on(ending, asyncio.to_thread(self._opened))
                await self._go_on(ending, app.connector.open_async())
                if failing:
                    log_.info("bulk.recovered")
                failing = False
                await self._go_on(ending, self._take(app), self._revive(app))
            except (
                StoreUnavailable,
                exceptions.ProcrastinateException,
                psycopg.Error,
                PoolTimeout,
                OSError,
            ) as error:
                if not failing:
                    log_.error("bulk.failing", error=type(error).__name__)  # noqa: TRY400  # anticipated
                failing = True
            finally:
                await app.close_async()
            await self._go_on(ending, asyncio.sleep(REST_S))

    async def _go_on(self, ending: asyncio.Event, *works: Coroutine[object, object, object]) -> None:
        """Do these at the same time until one ends or all are to; none is left. Raises what the first that failed raised."""
        told_ = asyncio.create_task(ending.wait())
        tasks = [asyncio.create_task(work) for work in works]
        await asyncio.wait({told_, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in (told_, *tasks):
            await cancelled(task, self._pace.ends_within_s + HEARD_WITHIN_S)
        for error in [task.exception() for task in tasks if not task.cancelled()]:
            if error is not None:
                raise error

    def _worker(self) -> App:
        connector = PsycopgConnector(
            conninfo=self._url,
            kwargs={"options": OPTIONS},
            min_size=1,
            max_size=AT_ONCE + 2,
            timeout=CONNECT_WITHIN_S,
        )
        app = App(connector=connector)
        app.job_manager = Fenced(connector)
        app.task(name=TASK, queue=QUEUE, retry=TriedAgain(self._pace.again_s), pass_context=True)(
            self._carry_out
        )
        return app

    async def _take(self, app: App) -> None:
        await app.run_worker_async(
            queues=[QUEUE],
            concurrency=AT_ONCE,
            install_signal_handlers=False,
            fetch_job_polling_interval=self._pace.poll_s,
            abort_job_polling_interval=self._pace.poll_s,
            shutdown_graceful_timeout=self._pace.ends_within_s,
            update_heartbeat_interval=self._pace.heartbeat_s,
            stalled_worker_timeout=self._pace.dead_after_s,
        )

    async def _revive(self, app: App) -> None:
        """Let the jobs of workers that died begin again, and old ones be forgotten."""
        manager = app.job_manager
        while True:
            for job in await manager.get_stalled_jobs(
                queue=QUEUE, seconds_since_heartbeat=self._pace.dead_after_s
            ):
                log_.warning("bulk.worker_died", job=job.id, tries=job.attempts + 1)
                if job.attempts < MOST_TRIES - 1:
                    await manager.retry_job(job)
                else:
                    why = told("it ended its worker {many} times", many=MOST_TRIES)
                    with contextlib.suppress(Stopped):
                        await asyncio.to_thread(self._teller(job).tell, Ended(1, why))
                    await manager.finish_job(job, Status.FAILED, delete_job=False)
            await manager.delete_old_jobs(
                KEPT_HOURS, queue=QUEUE, include_failed=True, include_cancelled=True, include_aborted=True
            )
            await asyncio.sleep(self._pace.heartbeat_s)

    def _carry_out(self, context: JobContext, *, work: str, arguments: dict[str, str]) -> None:
        """Make one attempt, in a thread of the worker."""
        teller = self._teller(context.job)
        if teller.tries:
            teller.tell(told("begun again: try {number}", number=teller.tries + 1))
        try:
            ended = self._attempt(teller, context, work, arguments)
        except Stopped:
            raise exceptions.JobAborted from None
        except ONCE_MORE as error:
            if teller.tries >= MOST_TRIES - 1:
                teller.tell(Ended(1, Told(error.text, error.values)))
            else:
                teller.tell(Told(error.text, error.values))
                teller.flush()
            raise
        except Exception as bug:  # noqa: BLE001  # it is logged; whoever waits must hear of the end
            ended = failed(bug)
        teller.tell(ended)
        if ended.error is not None:
            raise _Failed

    def _attempt(self, teller: Teller, context: JobContext, work: str, arguments: Mapping[str, str]) -> Ended:
        lines = carried_out(self._works()[work], arguments, context.should_abort)
        while True:
            try:
                teller.tell(next(lines))
            except StopIteration as end:
                ended: Ended = end.value
                return ended

    def _teller(self, job: Stored) -> Teller:
        return Teller(self._opened(), self._sealing, number_of(job), job.attempts)

    def _opened(self) -> App:
        with self._opening:
            if self._app is None:
                prepare(self._url)
                connector = SyncPsycopgConnector(
                    conninfo=self._url,
                    kwargs={"options": OPTIONS},
                    min_size=0,
                    max_size=AT_ONCE + 2,
                    timeout=CONNECT_WITHIN_S,
                )
                app = App(connector=connector)
                app.open()
                self._app = app
            return self._app


def _as_job(job: Stored) -> Job:
    state = _STATES[Status(job.status)]
    begun = job.attempts + (state is State.RUNNING)
    return Job(number_of(job), str(job.task_kwargs.get("work", "")), state, begun)
