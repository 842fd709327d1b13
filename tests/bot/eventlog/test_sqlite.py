import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from eventsourcing.tests.persistence import NonInterleavingNotificationIDsBaseCase

from bot.eventlog.codec import Codec
from bot.eventlog.folder import lock_folder
from bot.eventlog.keys import MemoryKeyRing
from bot.eventlog.sqlite import SqliteDatastore, SqliteEventLog, SqliteRecorder
from bot.ids import fresh_id
from domain.errors import StoreInUse, StoreUnavailable
from domain.ports.event_log import Duplicate
from domain.registry import EVENT_TYPES
from tests.bot.eventlog.children import children, go, results
from tests.bot.eventlog.examples import inbound


class TestNonInterleavingNotificationIDs(NonInterleavingNotificationIDsBaseCase):
    """The library's own contract: two writers at once never mix their positions."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "log.db"

    def new_originator_id(self) -> str:
        return f"contact-{fresh_id()}"

    def create_recorder(self) -> SqliteRecorder:
        recorder = SqliteRecorder(SqliteDatastore(self.path))
        recorder.prepare()
        self.addCleanup(recorder.close)
        return recorder


def open_log(folder: Path) -> SqliteEventLog:
    return SqliteEventLog(folder / "log.db", Codec(EVENT_TYPES, MemoryKeyRing()))


def test_a_second_process_is_refused_and_told_whose_folder_it_is(tmp_path: Path) -> None:
    with children(("until_killed", str(tmp_path / "data"))) as (child,):
        with pytest.raises(StoreInUse) as refused:
            open_log(tmp_path / "data")
        expected = f"another Siyu (process {child.pid}) is using {tmp_path / 'data'}: stop it, or set SIYU_DATA to another folder"
        assert str(refused.value) == expected

    open_log(tmp_path / "data").close()


def test_a_lock_that_was_taken_before_is_given_back_with_the_log(tmp_path: Path) -> None:
    lock = lock_folder(tmp_path)
    log = SqliteEventLog(tmp_path / "log.db", Codec(EVENT_TYPES, MemoryKeyRing()), lock=lock)
    with pytest.raises(StoreInUse):
        lock_folder(tmp_path)
    log.close()

    lock_folder(tmp_path).release()


def test_a_log_that_cannot_be_opened_gives_the_folder_back(tmp_path: Path) -> None:
    (tmp_path / "log.db").write_bytes(b"this is no database, whatever its name says" * 100)

    with pytest.raises(StoreUnavailable, match=r"log\.db"):
        open_log(tmp_path)

    lock_folder(tmp_path).release()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreUnavailable, match=str(tmp_path / "file" / "data")):
        open_log(tmp_path / "file" / "data")


def test_a_full_disk_is_said_and_the_log_goes_on_once_there_is_space(tmp_path: Path) -> None:
    with children(("full_disk", str(tmp_path))) as started:
        (found,) = results(started)

    assert found["refused"] >= 6
    assert found["found"] == found["stored"]


def test_a_file_that_somebody_locks_is_unavailable_until_they_are_done(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    other = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable):
        log.append([inbound("a")])
    other.execute("ROLLBACK")
    other.close()

    log.append([inbound("a")])
    assert log.head() == 1
    log.close()


def kill_at_random(folder: Path, chance: random.Random) -> tuple[int, int]:
    """Let a process append until it dies; return the number it said last, and the head that is found afterwards."""
    with children(("until_killed", str(folder))) as (child,):
        assert child.stdout is not None
        go(child)
        for _ in range(chance.randint(1, 60)):
            child.stdout.readline()
        child.kill()
        said = child.stdout.read().split("\n")
    log = open_log(folder)
    head = log.head()
    # Whoever got no answer asks again: what had been stored is a duplicate, whatever was said.
    outcomes = log.append([inbound(str(number)) for number in range(head + 1)])
    assert outcomes[:head] == [Duplicate()] * head
    assert log.head() == head + 1
    log.close()
    numbers = [int(line) for line in said[:-1] if line]
    return (numbers[-1] if numbers else -1), head


def test_after_sigkill_everything_answered_is_there_and_nothing_is_stored_twice(tmp_path: Path) -> None:
    chance = random.Random(7)
    for _ in range(3):
        said, head = kill_at_random(tmp_path, chance)
        assert said < head


@pytest.mark.nightly
def test_after_60_sigkills_everything_answered_is_there_and_nothing_is_stored_twice(tmp_path: Path) -> None:
    chance = random.Random(11)
    for _ in range(60):
        said, head = kill_at_random(tmp_path, chance)
        assert said < head


def test_positions_survive_vacuum(tmp_path: Path) -> None:
    """SQLite may renumber rows of a table without an integer primary key; positions without gaps stay what they are."""
    log = open_log(tmp_path)
    for number in range(50):
        log.append([inbound(str(number)), inbound(str(number))])
    before = log.read(0, 100)
    with sqlite3.connect(tmp_path / "log.db") as other:
        other.execute("VACUUM")
    other.close()

    assert [recorded.position for recorded in before] == list(range(1, 51))
    assert log.read(0, 100) == before
    log.close()


def test_a_commit_reaches_the_disk_before_it_is_answered(tmp_path: Path) -> None:
    datastore = SqliteDatastore(tmp_path / "log.db")
    with datastore.transaction(commit=True) as cursor:
        cursor.execute("PRAGMA synchronous")
        assert tuple(cursor.fetchone()) == (2,)
        cursor.execute("PRAGMA journal_mode")
        assert tuple(cursor.fetchone()) == ("wal",)
    datastore.close()


def test_a_transaction_that_fails_half_way_leaves_nothing_and_the_next_one_begins(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    datastore = SqliteDatastore(tmp_path / "log.db")

    def fail() -> None:
        with datastore.transaction(commit=True) as cursor:
            cursor.execute("INSERT INTO cursors VALUES ('telegram-7', '100')")
            raise KeyError("a bug")

    with pytest.raises(KeyError):
        fail()
    with datastore.transaction(commit=True) as cursor:
        cursor.execute("INSERT INTO cursors VALUES ('telegram-8', '200')")

    assert (log.get_cursor("telegram-7"), log.get_cursor("telegram-8")) == (None, "200")
    datastore.close()
    log.close()


def test_a_closed_log_is_unavailable(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.close()

    with pytest.raises(StoreUnavailable, match="it was closed"):
        log.append([inbound("a")])


def test_the_data_folder_and_its_lock_are_the_owner_s_alone(tmp_path: Path) -> None:
    lock_folder(tmp_path / "new" / "data").release()

    assert (tmp_path / "new" / "data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new" / "data" / "siyu.lock").stat().st_mode & 0o777 == 0o600


def test_starting_again_does_not_import_alembic(tmp_path: Path) -> None:
    open_log(tmp_path).close()
    program = (
        "import sys; from pathlib import Path; from bot.eventlog.codec import Codec;"
        "from bot.eventlog.keys import MemoryKeyRing; from bot.eventlog.sqlite import SqliteEventLog;"
        "log = SqliteEventLog(Path(sys.argv[1]), Codec({}, MemoryKeyRing()));"
        "print(log.head(), 'alembic' in sys.modules, 'psycopg' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "log.db")], capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.stderr) == ("0 False False\n", "")
