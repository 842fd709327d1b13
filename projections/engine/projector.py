"""The projector: folds the log into the views, batch by batch, rows and position in one transaction."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from domain.errors import Rejected
from domain.message import Recorded
from domain.ports.event_log import EventLog, LogIdentity, Unreadable
from projections.change import Change
from projections.engine.applying import Apply, Batch, at_once, gaps_in, is_poison, singly
from projections.engine.positions import PARKED, POSITIONS, Parked, parked
from projections.engine.store import Views
from projections.engine.waiting import Waiting
from projections.projection import Projection
from projections.question import Question
from projections.schema import one_asked_for

BATCH = 2_000
"""Events that are applied in one transaction, which takes a tenth of a second or two: what is planned, sent and confirmed in one batch is
read and written once."""


_THESE = one_asked_for(POSITIONS.c.view, "views")
_OURS = (POSITIONS.c.view, POSITIONS.c.version, POSITIONS.c.log_id, POSITIONS.c.incarnation)
_LOCK = Question(
    select(*_OURS, POSITIONS.c.position).where(_THESE).order_by(POSITIONS.c.view).with_for_update()
)
_MOVE = Change(
    update(POSITIONS).where(_THESE).values(position=bindparam("to"), last_event=bindparam("mark")),
    ("to", "mark", "views"),
)


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many parked events were applied after all, and which are still parked."""

    applied: int
    still_parked: tuple[Parked, ...]


class Projector:
    """Keeps views up to date. Plain synchronous code: threads and tasks only drive it, any of them at any time.

    Several processes may drive the same views: the row of a view's position is locked while a batch is applied. A view whose log id,
    incarnation, version or last event is not as stored is dropped and computed again from the beginning, by itself.
    """

    def __init__(self, views: Views, log: EventLog, projections: Sequence[Projection]) -> None:
        self.views, self.log = views, log
        self._projections = {projection.name: projection for projection in projections}
        self._lock = threading.RLock()
        self._adopted: LogIdentity | None = None
        self._failed = False
        self._at: dict[str, int] = {}
        self._waiting = Waiting()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the views."""
        return tuple(self._projections)

    def named(self, names: Collection[str] = ()) -> list[Projection]:
        """Return these views; all, where none is named. Raises Rejected for one that does not exist."""
        unknown = [name for name in names if name not in self._projections]
        if unknown:
            raise Rejected(
                "there is no view {unknown!r}: the views are {known}",
                unknown=unknown[0],
                known=", ".join(self.names),
            )
        return [self._projections[name] for name in names or self.names]

    def step(self, until: int | None = None) -> int:
        """Apply up to BATCH events to every view that is behind; none above position ``until``.

        Returns how many events were read: 0 when all views are at the end. Raises StoreUnavailable; what was not committed is applied by
        the next call.
        """
        with self._lock, self._watched():
            self._adopt()
            read = 0
            for position in sorted(set(self._at.values())):
                held = self.log.recent(position, BATCH)
                batch = held if held is not None else self.log.read(position, BATCH)
                if until is not None:
                    batch = [recorded for recorded in batch if recorded.position <= until]
                if batch:
                    group = [self._projections[name] for name, at in self._at.items() if at == position]
                    self._deliver(group, Batch.of(batch))
                    read += len(batch)
            self._waiting.tell(self._at)
            return read

    async def wait_for(self, position: int, timeout_s: float, views: Collection[str] = ()) -> None:
        """Return when all views (or these) have come to ``position``, moved by whoever drives ``step``.

        Raises StoreUnavailable when they have not after ``timeout_s``.
        """
        await self._waiting.wait(views or self.names, position, timeout_s)

    def rebuild(
        self, names: Collection[str] = (), report: Callable[[int, int], None] = lambda _done, _total: None
    ) -> None:
        """Drop views (all, where none is named) and compute them again from the log.

        ``report`` is called with (position reached, last position) after each batch. Raises Rejected for a view that does not exist.
        """
        chosen = self.named(names)
        with self._lock:
            self._adopt()
            identity = self.log.identity()
            with self.views.write() as connection:
                self.views.alone(connection)
                for projection in chosen:
                    self._begin_again(connection, projection, identity)
            self._at.update((projection.name, 0) for projection in chosen)
            total = self.log.head()
            report(0, total)
            while self._slowest(chosen) < total and self.step():
                report(self._slowest(chosen), total)

    def _slowest(self, chosen: Sequence[Projection]) -> int:
        return min(self._at.get(projection.name, 0) for projection in chosen)

    def replay(self, position: int | None = None) -> Replayed:
        """Try parked events again, in order; all of them, or those at one position.

        One that follows another parked event of its stream stays where it is.
        """
        with self._lock, self._watched():
            self._adopt()
            with self.views.read() as connection:
                waiting = parked(connection, self.names, position)
            applied = sum([self._replay_one(entry) for entry in waiting])
            with self.views.read() as connection:
                return Replayed(applied, tuple(parked(connection, self.names, position)))

    def _replay_one(self, entry: Parked) -> bool:
        found = self.log.read(entry.position - 1, 1)
        recorded = next((recorded for recorded in found if recorded.position == entry.position), None)
        if recorded is None or isinstance(recorded.event, Unreadable):
            return False
        projection = self._projections[entry.view]
        with self.views.write() as connection:
            self._stored(connection, [projection])  # nobody else applies meanwhile
            this = (PARKED.c.view == entry.view) & (PARKED.c.position == entry.position)
            connection.execute(delete(PARKED).where(this))
            gaps = gaps_in(connection, [entry.view], before=entry.position)[entry.view]
            return singly(connection, projection, Batch.of([recorded]), gaps) == 0

    # Which log, and which version of a view

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """After a failure nothing is taken for granted: the tables may be gone."""
        try:
            yield
        except BaseException:
            self._failed = True
            raise

    def _adopt(self) -> None:
        """Find out where each view stands, and begin again where it must be: at first, after a failure, when the log is another one."""
        identity = self.log.identity()
        if identity == self._adopted and not self._failed:
            return
        starting = identity != self._adopted
        with self.views.write() as connection:
            self.views.alone(connection)
            self.views.make(connection, [POSITIONS, PARKED])
            stored = {row.view: row for row in connection.execute(select(POSITIONS))}
            for name, projection in self._projections.items():
                row = stored.get(name)
                expected = (projection.version, identity.id, identity.incarnation)
                if (
                    row is not None
                    and (row.version, row.log_id, row.incarnation) == expected
                    and self._knows(row.position, row.last_event)
                ):
                    self.views.make(connection, projection.tables)
                    self._at[name] = row.position
                elif row is not None and not starting:
                    self._at.pop(name, None)  # a newer Siyu keeps this view in another version
                else:
                    self._begin_again(connection, projection, identity)
                    self._at[name] = 0
        self._adopted, self._failed = identity, False

    def _knows(self, position: int, last_event: str) -> bool:
        """Whether the log has the same event at this position."""
        if position == 0:
            return True
        return [
            _mark(recorded) for recorded in self.log.read(position - 1, 1) if recorded.position == position
        ] == [last_event]

    def _begin_again(self, connection: Connection, projection: Projection, identity: LogIdentity) -> None:
        self.views.drop(connection, projection.tables)
        self.views.make(connection, projection.tables)
        connection.execute(delete(PARKED).where(PARKED.c.view == projection.name))
        connection.execute(delete(POSITIONS).where(POSITIONS.c.view == projection.name))
        row = {
            "view": projection.name,
            "version": projection.version,
            "log_id": identity.id,
            "incarnation": identity.incarnation,
            "position": 0,
            "last_event": "",
        }
        connection.execute(insert(POSITIONS), [row])

    # Applying

    def _deliver(self, group: Sequence[Projection], batch: Batch) -> None:
        """Apply a batch to views that stand at the same position: together in one transaction; each alone if one of them fails."""
        try:
            self._commit(group, batch, at_once)
        except Exception as error:
            if not is_poison(error):
                raise
            for projection in group:
                self._commit([projection], batch, singly)

    def _commit(self, group: Sequence[Projection], batch: Batch, take: Apply) -> None:
        last = batch.events[-1]
        reached: dict[str, int | None] = {}
        with self.views.write() as connection:
            stored = self._stored(connection, group)
            gaps = gaps_in(connection, list(stored))
            for projection in group:
                position = stored.get(projection.name)
                reached[projection.name] = position
                if position is None or position < self._at[projection.name]:
                    continue  # another process has dropped it, or computes it again: that is where we go on, or not
                fresh = batch.after(position)
                if fresh is not None:
                    take(connection, projection, fresh, gaps[projection.name])
                    reached[projection.name] = last.position
            moved = [name for name, position in reached.items() if position == last.position]
            _MOVE.make(connection, [(last.position, _mark(last), moved)])
        for name, now_at in reached.items():
            if now_at is None:
                del self._at[name]  # a newer Siyu keeps this view in another version
            else:
                self._at[name] = now_at

    def _stored(self, connection: Connection, group: Sequence[Projection]) -> Mapping[str, int]:
        """Return the positions of those views that are still ours, locked until the transaction ends."""
        names = [projection.name for projection in group]
        identity = self._adopted
        return {
            view: position
            for view, version, log_id, incarnation, position in _LOCK.ask(connection, views=names)
            if identity is not None
            and (version, log_id, incarnation)
            == (self._projections[view].version, identity.id, identity.incarnation)
        }


def _mark(recorded: Recorded) -> str:
    return sha256(recorded.id.encode("utf8")).hexdigest()[:32]
