"""States of long streams, kept so that nobody folds a thousand events again. Nothing personal is in them; they can be thrown away."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from domain.identity import StreamId


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state that a stream's events up to a version lead to. ``shape``: version of the state's form (Decider.snapshots)."""

    stream: StreamId
    version: int
    shape: int
    state: Any


class Snapshots(Protocol):
    """Keeps snapshots. Losing them costs time only."""

    def load(self, stream: StreamId, state: type, shape: int) -> Snapshot | None:
        """Return the snapshot of a stream, None where there is none of this shape, log and incarnation."""
        ...

    def save(self, snapshots: Sequence[Snapshot]) -> None:
        """Keep snapshots, at once or a little later; never raises, never waits."""
        ...


@dataclass(slots=True)
class MemorySnapshots:
    """Snapshots in memory."""

    kept: dict[StreamId, Snapshot] = field(default_factory=dict)

    def load(self, stream: StreamId, state: type, shape: int) -> Snapshot | None:  # noqa: ARG002  # nothing is decoded here
        """See Snapshots."""
        found = self.kept.get(stream)
        return found if found is not None and found.shape == shape else None

    def save(self, snapshots: Sequence[Snapshot]) -> None:
        """See Snapshots."""
        self.kept.update((snapshot.stream, snapshot) for snapshot in snapshots)
