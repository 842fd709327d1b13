"""Logs in memory to which something happens: a rival writes first, the store goes away, an event is damaged."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from domain.errors import StoreUnavailable
from domain.identity import StreamId
from domain.message import Recorded
from domain.ports.event_log import Append, MemoryEventLog, Outcome, Unreadable
from domain.registry import EVENT_TYPES
from tests.domain.controls.ids import NOON

SLUGS = {kind: slug for slug, kind in EVENT_TYPES.items()}


class EventfulLog(MemoryEventLog):
    """``before``: what happens before each append, one after the other; ``damaged``: streams that cannot be read; ``reads``: which were."""

    def __init__(self) -> None:
        super().__init__(SLUGS, lambda: NOON)
        self.before: list[Callable[[], object]] = []
        self.damaged: set[str] = set()
        self.reads: list[tuple[StreamId, int]] = []

    def append(self, units: Sequence[Append]) -> list[Outcome]:
        """See EventLog."""
        if self.before:
            self.before.pop(0)()
        return super().append(units)

    def read_stream(self, stream: StreamId, after: int = 0) -> list[Recorded]:
        """See EventLog."""
        self.reads.append((stream, after))
        recorded = super().read_stream(stream, after)
        if stream in self.damaged:
            return [replace(r, event=Unreadable("its key is missing")) for r in recorded]
        return recorded


def away() -> None:
    """Be a store that cannot be written."""
    raise StoreUnavailable("the disk is full")
