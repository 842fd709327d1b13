import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from eventsourcing.tests.persistence import NonInterleavingNotificationIDsBaseCase

from bot.eventlog.codec import Codec
from bot.eventlog.postgres import PostgresEventLog, PostgresRecorder, writers_lock
from bot.eventlog.postgres_store import PostgresStore
from bot.eventlog.vault import Vault
from bot.ids import fresh_id
from domain.errors import StoreUnavailable
from domain.message import Recorded
from domain.ports.event_log import Appended, Duplicate, Progress
from domain.registry import EVENT_TYPES
from tests.bot.eventlog.children import RACED, children, go, results
from tests.bot.eventlog.examples import inbound, unit, write
from tests.bot.eventlog.proxy import Cut, Proxy, proxy_to

DEADLINE_S = 60


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, f"not within {DEADLINE_S} s: {what}"
        time.sleep(0.01)


class TestNonInterleavingNotificationIDs(NonInterleavingNotificationIDsBaseCase):
    """The library's own contract: two writers at once never mix their positions."""

    @pytest.fixture(autouse=True)
    def _database(self, postgres_url: str) -> None:
        self.url = postgres_url

    def new_originator_id(self) -> str:
        return f"contact-{fresh_id()}"

    def create_recorder(self) -> PostgresRecorder:
        recorder = PostgresRecorder(PostgresStore(self.url, "siyu"))
        recorder.prepare(self.url)
        self.addCleanup(recorder.close)
        return recorder


@pytest.fixture
def master(tmp_path: Path) -> str:
    return str(tmp_path / "master.key")


@pytest.fixture
def shared(postgres_url: str, master: str) -> Iterator[PostgresEventLog]:
    """A log whose keys other processes find too."""
    vault = Vault(postgres_url, Path(master))
    log = PostgresEventLog(postgres_url, Codec(EVENT_TYPES, vault))
    yield log
    log.close()
    vault.close()


def everything(log: PostgresEventLog) -> list[Recorded]:
    return log.read(0, 1_000_000)


def test_two_processes_racing_the_same_4000_messages_store_each_once(
    shared: PostgresEventLog, postgres_url: str, master: str
) -> None:
    with children(*[("race", postgres_url, master, seed) for seed in "12"]) as started:
        first, second = results(started)

    stored = sorted(recorded.stream for recorded in everything(shared))
    assert stored == sorted(f"{kind}-{key}" for kind in ("inbound", "effect") for key in range(RACED))
    assert first["Appended"] + second["Appended"] == RACED
    assert first["Duplicate"] + second["Duplicate"] == RACED
    assert set(first) == set(second) == {"Appended", "Duplicate"}


def tail_while_four_write(shared: PostgresEventLog, url: str, master: str, batches: int) -> None:
    with children(*[("intake", url, master, f"w{n}", str(batches)) for n in range(4)]) as started:
        tailed: list[Recorded] = []
        for child in started:
            go(child)
        while any(child.poll() is None for child in started):
            tailed += shared.read(tailed[-1].position if tailed else 0, 500)
        written = sum(int(child.communicate()[0]) for child in started)
    while more := shared.read(tailed[-1].position if tailed else 0, 500):
        tailed += more

    assert len(tailed) == written
    assert tailed == everything(shared)
    times = [recorded.recorded_at for recorded in tailed]
    assert times == sorted(times)


def test_who_tails_the_log_of_four_writing_processes_misses_nothing(
    shared: PostgresEventLog, postgres_url: str, master: str
) -> None:
    tail_while_four_write(shared, postgres_url, master, batches=120)


@pytest.mark.nightly
def test_who_tails_the_log_of_four_busy_processes_for_long_misses_nothing(
    shared: PostgresEventLog, postgres_url: str, master: str
) -> None:
    tail_while_four_write(shared, postgres_url, master, batches=2_000)


def test_processes_that_open_an_empty_database_at_once_find_one_log_and_one_secret(
    postgres_url: str, master: str
) -> None:
    with children(*[("open_both", postgres_url, master)] * 4) as started:
        found = results(started)

    assert len({tuple(pair) for pair in found}) == 1


@pytest.fixture
def proxy(postgres_url: str) -> Iterator[Proxy]:
    with proxy_to(postgres_url) as proxy:
        yield proxy


@pytest.fixture
def distant(proxy: Proxy, codec: Codec) -> Iterator[PostgresEventLog]:
    """A log behind a proxy that can break its connections."""
    log = PostgresEventLog(proxy.url, codec)
    yield log
    log.close()


@pytest.mark.parametrize("where", Cut)
def test_a_commit_whose_answer_is_lost_is_stored_once_and_reported_as_stored(
    distant: PostgresEventLog, proxy: Proxy, where: Cut
) -> None:
    distant.append([inbound("before")])
    proxy.cut(where)

    outcomes = distant.append(
        [inbound("before"), inbound("a"), unit(write("contact-1", 0), write("customer-1", 0))]
    )

    assert proxy.cuts == 1
    assert [type(outcome) for outcome in outcomes] == [Duplicate, Appended, Appended]
    events = [
        recorded for outcome in outcomes if isinstance(outcome, Appended) for recorded in outcome.events
    ]
    assert [recorded.id for recorded in events] == ["inbound-a@1", "contact-1@1", "customer-1@1"]
    assert distant.read(0, 10)[1:] == events


@pytest.mark.parametrize("where", Cut)
def test_a_process_s_move_whose_answer_is_lost_happens_once(
    distant: PostgresEventLog, proxy: Proxy, where: Cut
) -> None:
    distant.append([unit(progress=Progress("p", 0, 3))])
    proxy.cut(where)

    assert distant.append([unit(progress=Progress("p", 3, 9))]) == [Appended(())]
    assert (proxy.cuts, distant.progress("p")) == (1, 9)


def test_a_database_that_is_away_is_said_and_the_log_goes_on_once_it_is_back(
    distant: PostgresEventLog, proxy: Proxy
) -> None:
    distant.append([inbound("before")])
    proxy.refuse()

    with pytest.raises(StoreUnavailable, match="PostgreSQL cannot be used now"):
        distant.append([inbound("a")])

    proxy.admit()
    wait_until(lambda: _tries(lambda: distant.append([inbound("a")])), "the log goes on")
    assert [recorded.id for recorded in distant.read(0, 10)] == ["inbound-before@1", "inbound-a@1"]


def _tries(action: Callable[[], object]) -> bool:
    try:
        action()
    except StoreUnavailable:
        return False
    return True


def test_a_database_that_was_never_there_is_said(proxy: Proxy, codec: Codec) -> None:
    proxy.refuse()

    with pytest.raises(StoreUnavailable):
        PostgresEventLog(proxy.url, codec)


def test_connections_that_died_unnoticed_cost_no_append(distant: PostgresEventLog, postgres_url: str) -> None:
    distant.append([inbound("before")])
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'siyu'"
        )

    assert [type(outcome) for outcome in distant.append([inbound("a")])] == [Appended]


def test_what_another_process_appends_wakes_by_listen_alone(
    shared: PostgresEventLog, postgres_url: str, master: str
) -> None:
    heard = threading.Event()
    leave = shared.subscribe(heard.set)
    assert heard.wait(DEADLINE_S)  # it listens now
    heard.clear()

    with children(("intake", postgres_url, master, "other", "1")) as started:
        results(started)
    assert heard.wait(DEADLINE_S)

    leave()


def test_listening_comes_back_after_its_connection_broke(
    distant: PostgresEventLog, proxy: Proxy, postgres_url: str, codec: Codec
) -> None:
    heard = threading.Event()
    distant.subscribe(heard.set)
    assert heard.wait(DEADLINE_S)
    heard.clear()

    proxy.refuse()
    other = PostgresEventLog(postgres_url, codec)
    other.append([inbound("while nobody listened")])
    proxy.admit()
    assert heard.wait(DEADLINE_S)  # it may have missed something, and says so

    heard.clear()
    other.append([inbound("once it listens again")])
    assert heard.wait(DEADLINE_S)
    other.close()


def test_two_brands_in_one_database_are_two_logs(postgres_url: str, codec: Codec) -> None:
    one, two = (PostgresEventLog(postgres_url, codec, schema=schema) for schema in ("one", "two"))
    woken = threading.Event()
    two.subscribe(woken.set)
    assert woken.wait(DEADLINE_S)
    woken.clear()

    one.append([inbound("a")])

    assert (one.head(), two.head(), woken.is_set()) == (1, 0, False)
    assert one.identity() != two.identity()
    one.close()
    two.close()


def test_vacuum_runs_during_intake_and_intake_during_vacuum(
    shared: PostgresEventLog, postgres_url: str
) -> None:
    shared.append([inbound(f"before-{number}", "x" * 500) for number in range(800)])

    def vacuum() -> None:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            # Throttled, so that it takes a while: 100 ms of sleep for every few pages.
            connection.execute("SET vacuum_cost_delay = 100")
            connection.execute("SET vacuum_cost_limit = 50")
            connection.execute("VACUUM (FREEZE) siyu.stored_events")

    thread = threading.Thread(target=vacuum)
    thread.start()
    during = number = 0
    while thread.is_alive():
        shared.append([inbound(f"during-{number}")])
        number += 1
        during += thread.is_alive()
    thread.join()

    assert during > 0
    assert shared.head() == 800 + number


def test_no_function_of_the_library_is_made_since_they_take_no_lock(
    shared: PostgresEventLog, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url) as connection:
        made = connection.execute(
            "SELECT proname FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace WHERE nspname = 'siyu'"
        ).fetchall()

    assert made == []
    assert not PostgresStore(postgres_url, "siyu").enable_db_functions


def test_a_writer_that_hangs_does_not_hold_the_others_for_ever(
    shared: PostgresEventLog, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (writers_lock("siyu"),))
        with pytest.raises(StoreUnavailable, match="lock"):
            shared.append([inbound("a")])

    assert [type(outcome) for outcome in shared.append([inbound("a")])] == [Appended]
