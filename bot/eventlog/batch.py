"""What a batch of units asks of a store, and what becomes of each of them once the store has told where things stand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from bot.eventlog.codec import EPOCH, MICROSECOND, Codec, Keys, stamp
from domain.message import Recorded
from domain.ports.event_log import Append, Appended, Conflict, Duplicate, NewEvent, Outcome, StreamWrite


class Stored(NamedTuple):
    """An event on its way into the store: a row of it. ``topic``: see packing.stored_as."""

    stream: str
    version: int
    topic: str
    state: bytes


@dataclass(slots=True)
class Standing:
    """What a store holds now: version by stream, position by process, time of the last event. Missing names stand at nothing."""

    versions: dict[str, int] = field(default_factory=dict)
    progress: dict[str, int] = field(default_factory=dict)
    last_us: int = 0
    dropped: set[str] = field(default_factory=set)
    """Streams that refused units would have written: whoever comes after them was decided on states that never came to be."""


class Batch:
    """Units on their way into a store: encoded once, judged under the store's lock, as often as it takes."""

    def __init__(self, units: Sequence[Append], codec: Codec, now_us: int) -> None:
        """Encode everything, with the versions that are expected. Raises SubjectForgotten, StoreUnavailable."""
        self._units, self._codec, self._now_us = units, codec, now_us
        keys = codec.keys_for(new for unit in units for write in unit.writes for new in write.events)
        self._encoded = [[_encoded(codec, write, keys) for write in unit.writes] for unit in units]
        self.streams = sorted({stream for unit in units for stream in _streams(unit)})
        self.processes = sorted({unit.progress.name for unit in units if unit.progress})
        self.stored: list[Stored] = []
        self.progress: dict[str, int] = {}
        self._refused: list[Duplicate | Conflict | None] = []
        self._recorded_us = now_us

    def judge(self, standing: Standing) -> None:
        """Decide which units are stored; ``stored`` and ``progress`` say what the store has to write then.

        A unit sees what earlier units of the batch write; one that is refused leaves no trace.
        """
        self.stored, self.progress, self._refused = [], {}, []
        self._recorded_us = max(self._now_us, standing.last_us)
        for unit, encoded in zip(self._units, self._encoded, strict=True):
            refused = _refusal(unit, standing)
            self._refused.append(refused)
            if refused is None:
                self._accept(unit, encoded, standing)
            else:
                standing.dropped.update(write.stream for write in unit.writes)

    def _accept(self, unit: Append, encoded: list[list[tuple[str, bytes]]], standing: Standing) -> None:
        for write, states in zip(unit.writes, encoded, strict=True):
            for version, (topic, state) in enumerate(states, write.expected + 1):
                self.stored.append(Stored(write.stream, version, topic, stamp(state, self._recorded_us)))
            standing.versions[write.stream] = write.expected + len(states)
        if unit.progress:
            self.progress[unit.progress.name] = standing.progress[unit.progress.name] = unit.progress.position

    def outcomes(self, positions: Sequence[int]) -> list[Outcome]:
        """Return what became of each unit; ``positions`` are those of ``stored``."""
        outcomes: list[Outcome] = []
        rest, recorded_at = iter(positions), EPOCH + self._recorded_us * MICROSECOND
        for unit, refused in zip(self._units, self._refused, strict=True):
            outcomes.append(
                refused
                or Appended(
                    tuple(
                        self._recorded(next(rest), recorded_at, write, version, new)
                        for write in unit.writes
                        for version, new in enumerate(write.events, write.expected + 1)
                    )
                )
            )
        return outcomes

    def _recorded(
        self, position: int, recorded_at: datetime, write: StreamWrite, version: int, new: NewEvent
    ) -> Recorded:
        context = new.context
        return Recorded(
            position=position,
            stream=write.stream,
            version=version,
            type=self._codec.type_of(new.event),
            recorded_at=recorded_at,
            occurred_at=context.occurred_at,
            origin=context.origin,
            actor=context.actor,
            cause=context.cause,
            correlation=context.correlation,
            event=new.event,
        )


def _encoded(codec: Codec, write: StreamWrite, keys: Keys) -> list[tuple[str, bytes]]:
    return [
        codec.encode(new.event, new.context, write.stream, version, keys)
        for version, new in enumerate(write.events, write.expected + 1)
    ]


def _streams(unit: Append) -> list[str]:
    named: list[str] = [*unit.unchanged, *(write.stream for write in unit.writes)]
    return named if unit.once is None else [unit.once, *named]


def _refusal(unit: Append, standing: Standing) -> Duplicate | Conflict | None:
    if unit.once is not None and standing.versions.get(unit.once, 0):
        return Duplicate()
    versions, dropped = standing.versions, standing.dropped
    for stream, version in (*unit.unchanged.items(), *[(w.stream, w.expected) for w in unit.writes]):
        if versions.get(stream, 0) != version or stream in dropped:
            return Conflict(stream)
    progress = unit.progress
    if progress is not None and standing.progress.get(progress.name, 0) != progress.expected:
        return Conflict(f"progress:{progress.name}")
    return None
