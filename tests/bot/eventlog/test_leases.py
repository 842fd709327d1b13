"""What domain.ports.leases promises, in memory and on PostgreSQL; and who leads, on PostgreSQL."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from bot.eventlog.codec import Codec
from bot.eventlog.leadership import PostgresLeadership
from bot.eventlog.leases import SWEPT_AT_ONCE, PostgresLeases
from bot.eventlog.postgres import SCHEMA, PostgresEventLog
from bot.eventlog.postgres_store import PostgresStore
from domain.errors import StoreUnavailable
from domain.identity import Slug
from domain.ports.leases import Lease, Leases, MemoryLeases

ONE, TWO = Slug("one"), Slug("two")
LONG_S, SHORT_S = 600.0, 0.15
DEADLINE_S = 10.0


class Waiting:
    """Leases, and what lets a short one end."""

    def __init__(self, leases: Leases, pass_time: Callable[[float], None]) -> None:
        self.leases, self._pass_time = leases, pass_time

    def short(self, holder: Slug, *names: str) -> None:
        """Hold them until they have ended."""
        self.leases.hold(holder, names, SHORT_S)
        self._pass_time(2 * SHORT_S)


@pytest.fixture(params=["memory", "postgres"])
def waiting(request: pytest.FixtureRequest, codec: Codec) -> Iterator[Waiting]:
    if request.param == "memory":
        now = [0.0]

        def pass_time(seconds: float) -> None:
            now[0] += seconds

        yield Waiting(MemoryLeases(lambda: now[0]), pass_time)
        return
    url = request.getfixturevalue("postgres_url")
    PostgresEventLog(url, codec).close()  # makes the tables
    leases = PostgresLeases(PostgresStore(url, SCHEMA).connect, SCHEMA)
    yield Waiting(leases, time.sleep)
    leases.close()


@pytest.fixture
def leases(waiting: Waiting) -> Leases:
    return waiting.leases


def test_what_is_free_is_taken_and_what_somebody_has_is_not(leases: Leases) -> None:
    assert leases.hold(ONE, ["a", "b"], LONG_S) == {"a": 1, "b": 1}
    assert leases.hold(TWO, ["b", "c"], LONG_S) == {"c": 1}
    assert leases.live() == {"a": Lease(ONE, 1), "b": Lease(ONE, 1), "c": Lease(TWO, 1)}


def test_what_is_renewed_stays_in_the_same_epoch(leases: Leases) -> None:
    leases.hold(ONE, ["a"], LONG_S)
    assert leases.hold(ONE, ["a"], LONG_S) == {"a": 1}


def test_what_ended_is_anybodys_and_counts_as_another_epoch(waiting: Waiting) -> None:
    waiting.short(ONE, "a", "b")
    assert waiting.leases.live() == {}
    assert waiting.leases.hold(TWO, ["a"], LONG_S) == {"a": 2}
    assert waiting.leases.hold(ONE, ["a", "b"], LONG_S) == {"b": 1}  # nobody else had b meanwhile


def test_what_is_given_up_is_free_at_once_and_only_by_who_has_it(leases: Leases) -> None:
    leases.hold(ONE, ["a", "b"], LONG_S)
    leases.hold(TWO, [], LONG_S, leaving=["a"])
    assert leases.hold(TWO, ["a"], LONG_S) == {}
    assert leases.hold(ONE, ["b"], LONG_S, leaving=["a"]) == {"b": 1}
    assert leases.hold(TWO, ["a", "b"], LONG_S) == {"a": 2}


def test_what_ended_long_ago_is_swept_with_its_epoch_and_only_what_begins_so(waiting: Waiting) -> None:
    leases = waiting.leases
    waiting.short(ONE, "a", "here/one", "here/one/a", "hereabouts")
    leases.hold(TWO, ["here/two"], LONG_S)
    assert leases.sweep("here/", LONG_S) == 0  # not long enough
    assert leases.sweep("here/", SHORT_S / 2) == 2
    assert leases.sweep("here/", SHORT_S / 2) == 0
    assert leases.live() == {"here/two": Lease(TWO, 1)}
    assert leases.hold(TWO, ["a", "here/one", "hereabouts"], LONG_S) == {
        "a": 2,
        "here/one": 1,
        "hereabouts": 2,
    }


def test_who_was_swept_and_comes_back_has_its_lease_anew(waiting: Waiting) -> None:
    waiting.short(ONE, "here/one")
    waiting.leases.sweep("here/", 0.0)
    assert waiting.leases.hold(ONE, ["here/one"], LONG_S) == {"here/one": 1}
    assert waiting.leases.sweep("here/", 0.0) == 0


# --- on PostgreSQL only ---------------------------------------------------------------------------------------------------


def terminate(url: str) -> None:
    """Have the server end every other session of this database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_leases_whose_connection_was_ended_say_so_once_and_go_on(postgres_url: str, codec: Codec) -> None:
    PostgresEventLog(postgres_url, codec).close()
    leases = PostgresLeases(PostgresStore(postgres_url, SCHEMA).connect, SCHEMA)
    leases.hold(ONE, ["a"], LONG_S)
    terminate(postgres_url)
    with pytest.raises(StoreUnavailable):
        leases.hold(ONE, ["a"], LONG_S)
    assert leases.hold(ONE, ["a"], LONG_S) == {"a": 1}
    leases.close()


def test_of_many_who_want_the_same_at_once_each_gets_what_nobody_else_got(
    postgres_url: str, codec: Codec
) -> None:
    PostgresEventLog(postgres_url, codec).close()
    names = [f"n{number}" for number in range(20)]
    everybody = [PostgresLeases(PostgresStore(postgres_url, SCHEMA).connect, SCHEMA) for _ in range(8)]
    everybody[0].hold(ONE, names, 0.0)
    together = threading.Barrier(8)

    def take(number: int) -> set[str]:
        together.wait(DEADLINE_S)
        return set(everybody[number].hold(Slug(f"h{number}"), names[::-1], LONG_S))

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(take, range(8)))
    assert sum(map(len, taken)) == len(set[str]().union(*taken)) == len(names)
    for leases in everybody:
        leases.close()


def test_a_pile_is_swept_some_at_a_time_and_nobody_waits_for_what_is_renewed_just_now(
    postgres_url: str, codec: Codec
) -> None:
    PostgresEventLog(postgres_url, codec).close()
    store = PostgresStore(postgres_url, SCHEMA)
    leases = PostgresLeases(store.connect, SCHEMA)
    leases.hold(ONE, [f"here/{number}" for number in range(SWEPT_AT_ONCE + 10)], 0.0)
    with store.connect() as connection, connection.transaction():
        connection.execute(
            SQL("UPDATE {}.leases SET holder = holder WHERE name = 'here/7'").format(Identifier(SCHEMA))
        )
        assert [leases.sweep("here/", 0.0) for _ in range(3)] == [SWEPT_AT_ONCE, 9, 0]
    assert leases.sweep("here/", 0.0) == 1
    leases.close()


@pytest.fixture
def throne(postgres_url: str) -> Iterator[Callable[..., PostgresLeadership]]:
    """Makes one process's part in the leadership."""
    made: list[PostgresLeadership] = []

    def make(**settings: float) -> PostgresLeadership:
        made.append(PostgresLeadership(PostgresStore(postgres_url, SCHEMA).connect, SCHEMA, **settings))
        return made[-1]

    yield make
    for one in made:
        one.give_up()


def test_one_leads_until_it_gives_up_and_then_another_does(
    throne: Callable[..., PostgresLeadership],
) -> None:
    one, two = throne(), throne()
    assert [one.lead(), two.lead(), one.lead(), two.lead()] == [True, False, True, False]
    one.give_up()
    until(two.lead)  # the server notices the end of a session a little later
    assert [two.lead(), one.lead()] == [True, False]


def test_whose_connection_was_ended_leads_no_more(
    throne: Callable[..., PostgresLeadership], postgres_url: str
) -> None:
    one, two = throne(), throne()
    assert one.lead()
    terminate(postgres_url)
    until(two.lead)
    with pytest.raises(StoreUnavailable):
        one.lead()
    assert not one.lead()


def test_who_is_silent_for_too_long_leads_no_more_though_its_connection_is_open(
    throne: Callable[..., PostgresLeadership],
) -> None:
    frozen, other = throne(frozen_s=0.3), throne()
    assert frozen.lead()
    until(other.lead)
    with pytest.raises(StoreUnavailable):
        frozen.lead()


def until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.02)
