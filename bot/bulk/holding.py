"""Who has a job: only they tell of it and say what became of it, and a database that is away is said to be."""

import contextlib
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import psycopg
from procrastinate import App, BaseRetryStrategy, RetryDecision, exceptions
from procrastinate.jobs import Job as Stored
from procrastinate.jobs import Status
from procrastinate.manager import JobManager
from psycopg_pool import PoolTimeout

from bot.bulk.carrying import ONCE_MORE, Ended, Line, Stopped
from bot.bulk.sealing import Sealing
from domain.errors import StoreUnavailable

MOST_TRIES: Final = 5
TOGETHER_S: Final = 0.1
_TELL: Final = """
    INSERT INTO siyu_lines (job, number, sealed)
    SELECT %(job)s, coalesce((SELECT max(number) FROM siyu_lines WHERE job = %(job)s), 0) + said.place, said.sealed
    FROM procrastinate_jobs, unnest(%(sealed)s::bytea[]) WITH ORDINALITY AS said (sealed, place)
    WHERE id = %(job)s AND status = 'doing' AND attempts = %(tries)s
    RETURNING number
"""
"""Only by whoever has the job now: one that woke too late tells nothing more."""
_HELD: Final = """
    SELECT count(*) AS many FROM procrastinate_jobs WHERE id = %(job)s AND status = 'doing' AND attempts = %(tries)s
"""


class TriedAgain(BaseRetryStrategy):
    """What passes is tried again, and what a stopping worker let go of."""

    def __init__(self, first_s: float) -> None:
        self._first_s = first_s

    def get_retry_decision(self, *, exception: BaseException, job: Stored) -> RetryDecision | None:
        """See BaseRetryStrategy. ``job.attempts``: how often it was begun before."""
        if isinstance(exception, exceptions.JobAborted):  # it is asked only where a worker stops
            return RetryDecision(retry_in={"seconds": 0})
        if isinstance(exception, ONCE_MORE) and job.attempts < MOST_TRIES - 1:
            return RetryDecision(retry_in={"seconds": self._first_s * 2**job.attempts})
        return None


class Fenced(JobManager):
    """Lets only whoever has a job now say what became of it: one that slept through its end would end another's."""

    async def finish_job(self, job: Stored, status: Status, delete_job: bool) -> None:  # noqa: FBT001  # as there
        """See JobManager."""
        if await self._held(job):
            await super().finish_job(job, status, delete_job)

    async def retry_job(
        self,
        job: Stored,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """See JobManager."""
        if await self._held(job):
            await super().retry_job(job, retry_at, priority, queue, lock)

    async def _held(self, job: Stored) -> bool:
        found = await self.connector.execute_query_one_async(_HELD, job=job.id, tries=job.attempts)
        return bool(found["many"])


class Teller:
    """Tells of a job, at one try of it. What comes within a moment is told together: before the end, or with the next line."""

    def __init__(self, app: App, sealing: Sealing, job: int, tries: int) -> None:
        self._app, self._sealing, self._job, self.tries = app, sealing, job, tries
        self._waiting: list[bytes] = []
        self._told_at = 0.0

    def tell(self, said: Line | Ended) -> None:
        """Add a line. Raises Stopped where somebody else has the job by now, StoreUnavailable."""
        self._waiting.append(self._sealing.seal(self._job, said))
        if isinstance(said, Ended) or time.monotonic() - self._told_at > TOGETHER_S:
            self.flush()

    def flush(self) -> None:
        """Add what waits. Raises as ``tell``."""
        if not self._waiting:
            return
        with reachable():
            kept = self._app.connector.get_sync_connector().execute_query_all(
                _TELL, job=self._job, sealed=self._waiting, tries=self.tries
            )
        if not kept:
            raise Stopped
        self._waiting, self._told_at = [], time.monotonic()


@contextlib.contextmanager
def reachable() -> Iterator[None]:
    """Raises StoreUnavailable for a database that is away."""
    try:
        yield
    except (exceptions.ConnectorException, psycopg.Error, PoolTimeout) as error:
        raise StoreUnavailable(
            "the database of bulk work cannot be reached: {why}", why=type(error.__cause__ or error).__name__
        ) from None


def number_of(job: Stored) -> int:
    """Return by what a stored job is known."""
    if job.id is None:
        raise AssertionError("a job that was stored has a number")
    return job.id
