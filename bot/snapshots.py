"""Snapshots beside the views: written by whoever drives the views, so that the log's writer never waits for that store."""

import threading
from collections.abc import Collection, Sequence

import msgspec
import sqlalchemy as sa
import structlog

from domain.errors import StoreUnavailable
from domain.identity import StreamId
from domain.ports.event_log import EventLog
from domain.ports.snapshots import Snapshot
from projections.engine import Views

QUEUED = 10_000
"""Snapshots waiting to be written; more are dropped, the next version brings another."""

METADATA = sa.MetaData()
SNAPSHOTS = sa.Table(
    "snapshots",
    METADATA,
    sa.Column("stream", sa.String, primary_key=True),
    sa.Column("log_id", sa.String, nullable=False),
    sa.Column("incarnation", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("shape", sa.Integer, nullable=False),
    sa.Column("state", sa.LargeBinary, nullable=False),
)

log_ = structlog.get_logger(__name__)


class SqlSnapshots:
    """domain.ports.snapshots.Snapshots in the views' store."""

    def __init__(self, views: Views, log: EventLog) -> None:
        self._views, self._log = views, log
        self._waiting: dict[StreamId, Snapshot] = {}
        self._lock = threading.Lock()
        with views.write() as connection:
            views.alone(connection)
            views.make(connection, [])  # the schema
            METADATA.create_all(connection)

    def load(self, stream: StreamId, state: type, shape: int) -> Snapshot | None:
        """See Snapshots."""
        identity = self._log.identity()
        wanted = sa.select(SNAPSHOTS).where(
            SNAPSHOTS.c.stream == stream,
            SNAPSHOTS.c.shape == shape,
            SNAPSHOTS.c.log_id == identity.id,
            SNAPSHOTS.c.incarnation == identity.incarnation,
        )
        try:
            with self._views.read() as connection:
                row = connection.execute(wanted).first()
            if row is None:
                return None
            return Snapshot(stream, row.version, shape, msgspec.msgpack.decode(row.state, type=state))
        except (StoreUnavailable, msgspec.DecodeError) as error:
            log_.warning("snapshot.unreadable", error=type(error).__name__)
            return None

    def save(self, snapshots: Sequence[Snapshot]) -> None:
        """See Snapshots."""
        with self._lock:
            if len(self._waiting) < QUEUED:
                self._waiting.update((snapshot.stream, snapshot) for snapshot in snapshots)

    def forget(self, streams: Collection[str]) -> None:
        """Remove the snapshots of some streams. Raises StoreUnavailable."""
        with self._lock:
            for name in streams:
                self._waiting.pop(StreamId(name), None)
        with self._views.write() as connection:
            connection.execute(sa.delete(SNAPSHOTS).where(SNAPSHOTS.c.stream.in_(streams)))

    def flush(self) -> None:
        """Write what is waiting. Raises StoreUnavailable; then it waits on."""
        with self._lock:
            waiting = list(self._waiting.values())
        if not waiting:
            return
        identity = self._log.identity()
        rows = [
            {
                "stream": snapshot.stream,
                "log_id": identity.id,
                "incarnation": identity.incarnation,
                "version": snapshot.version,
                "shape": snapshot.shape,
                "state": msgspec.msgpack.encode(snapshot.state),
            }
            for snapshot in waiting
        ]
        with self._views.write() as connection:
            connection.execute(
                sa.delete(SNAPSHOTS).where(SNAPSHOTS.c.stream.in_([row["stream"] for row in rows]))
            )
            connection.execute(sa.insert(SNAPSHOTS), rows)
        with self._lock:
            for snapshot in waiting:
                if self._waiting.get(snapshot.stream) is snapshot:
                    del self._waiting[snapshot.stream]
