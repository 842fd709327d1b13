"""Any batches at all: a stored log does with them what the one in memory does."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.eventlog.codec import Codec
from bot.eventlog.keys import MemoryKeyRing
from bot.eventlog.sqlite import SqliteEventLog
from domain.identity import StreamId
from domain.ports.event_log import Append, MemoryEventLog, NewEvent, Progress, StreamWrite
from domain.registry import EVENT_TYPES
from tests.bot.eventlog.examples import CONTEXT, Clock, message

NAMES = st.sampled_from(["contact-1", "contact-2", "inbound-1", "inbound-2"])
VERSIONS = st.integers(0, 3)
UNITS = st.builds(
    lambda writes, once, unchanged, progress: Append(
        tuple(
            StreamWrite(StreamId(name), expected, (NewEvent(message(f"{name} {expected}"), CONTEXT),) * count)
            for name, (expected, count) in writes.items()
        ),
        StreamId(once) if once in writes else None,
        {StreamId(name): version for name, version in unchanged.items() if name not in writes},
        progress,
    ),
    st.dictionaries(NAMES, st.tuples(VERSIONS, st.integers(1, 2)), max_size=2),
    NAMES,
    st.dictionaries(NAMES, VERSIONS, max_size=1),
    st.none() | st.builds(Progress, st.just("p"), VERSIONS, VERSIONS),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(batches=st.lists(st.lists(UNITS, max_size=6), max_size=5))
def test_sqlite_does_with_any_batches_what_the_memory_does(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Append]]
) -> None:
    model = MemoryEventLog({event: slug for slug, event in EVENT_TYPES.items()}, Clock())
    path: Path = tmp_path_factory.mktemp("model") / "log.db"
    log = SqliteEventLog(path, Codec(EVENT_TYPES, MemoryKeyRing()), Clock())

    try:
        for batch in batches:
            assert log.append(batch) == model.append(batch)
        assert log.read(0, 1_000) == model.read(0, 1_000)
        assert (log.head(), log.progress("p")) == (model.head(), model.progress("p"))
        assert log.recent(0, 1_000) == model.read(0, 1_000)
    finally:
        log.close()
