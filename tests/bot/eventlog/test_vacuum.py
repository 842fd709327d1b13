"""D22: VACUUM of every kind runs during intake on PostgreSQL, and no append takes longer than a second."""

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from bot.eventlog.codec import Codec
from bot.eventlog.postgres import PostgresEventLog
from tests.bot.eventlog.examples import inbound

LONGEST_S = 1.0
BEFORE = 20_000
ROUNDS = 3


@pytest.fixture
def log(postgres_url: str, codec: Codec) -> Iterator[PostgresEventLog]:
    opened = PostgresEventLog(postgres_url, codec)
    yield opened
    opened.close()


@pytest.mark.nightly
@pytest.mark.alone
def test_no_append_takes_a_second_while_vacuum_runs_again_and_again(
    log: PostgresEventLog, postgres_url: str
) -> None:
    for start in range(0, BEFORE, 500):
        log.append([inbound(f"before-{number}", "x" * 500) for number in range(start, start + 500)])
    began = threading.Event()

    def vacuum() -> None:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            for _ in range(ROUNDS):
                # As autovacuum does it: throttled, all pages, with its analysis. Not FULL, which nothing asks for by itself.
                connection.execute("SET vacuum_cost_delay = 5")
                began.set()
                connection.execute("VACUUM (FREEZE, ANALYZE) siyu.stored_events")
                connection.execute("VACUUM (FREEZE, ANALYZE) siyu.progress")

    thread = threading.Thread(target=vacuum)
    thread.start()
    began.wait()
    took: list[float] = []
    while thread.is_alive():
        at = time.monotonic()
        log.append([inbound(f"during-{len(took)}")])
        took.append(time.monotonic() - at)
    thread.join()

    assert len(took) > ROUNDS
    assert max(took) <= LONGEST_S
    assert log.head() == BEFORE + len(took)
