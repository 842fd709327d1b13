"""Imports and exports as jobs, here and by Procrastinate: what the command line sees of them."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bot.control_server import perform
from bot.operations.jobs import follow, works_of
from bot.operations.said import Exit
from bot.texts import Told
from domain.errors import BadSettings
from domain.identity import Locale
from domain.purchases.events import OrderPlaced
from tests.bot.bulk.working import at_work
from tests.bot.ingest.samples import PHONE_OF_WANG, has_phone, table, written
from tests.bot.premises import Premises

HEADER = ("order_number", "amount", "paid_at", "phone")
ROWS = [(f"A-{number}", "199.00", "2026-11-01 10:00", PHONE_OF_WANG) for number in range(20)]


@pytest.fixture(params=["here", "procrastinate"])
def premises(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Premises]:
    """An installation whose jobs are run, and one customer."""
    more: dict[str, str] = {}
    if request.param == "procrastinate":
        more = {"SIYU_DATABASE": request.getfixturevalue("postgres_url"), "SIYU_BULK": "procrastinate"}
    made = Premises(tmp_path / "data", lambda log: log, **more)
    made.says("wang", "你好")
    has_phone(made)
    with at_work(made.house.bulk):
        yield made
    made.close()


def asked(premises: Premises, operation: str, **arguments: object) -> tuple[list[str], int]:
    """What an operation says, its error last, without the line that names the job, and its exit code."""
    messages = list(perform(premises.house, operation, arguments, Locale("en")))
    said = [message.get("line") or message.get("error") or "" for message in messages]
    return [line for line in said if line and not line.startswith("job ")], int(messages[-1]["exit"])


def test_a_file_is_taken_in_as_a_job_and_told_of_as_ever(premises: Premises, tmp_path: Path) -> None:
    file = written(tmp_path, table(HEADER, *ROWS, ("A-99", "much", "2026-11-01", "")))
    lines, code = asked(premises, "import", file=str(file))
    assert lines[0].startswith("line 22: ")
    assert lines[1:3] == [
        "21 orders: 20 with news, 0 known just so, 1 not taken",
        "matched with a customer: 20",
    ]
    assert code == 1
    assert len(premises.events(OrderPlaced)) == 20
    assert asked(premises, "job-list") == (["1  import  done, begun 1 times"], 0)
    assert asked(premises, "job-follow", number=1) == (lines, 1)


def test_a_file_that_is_no_table_ends_its_job_with_why(premises: Premises, tmp_path: Path) -> None:
    lines, code = asked(premises, "import", file=str(written(tmp_path, "")))
    assert (lines, code) == (["file.csv is empty"], 1)
    assert asked(premises, "job-list")[0] == ["1  import  failed, begun 1 times"]


def test_an_export_appears_whole_and_leaves_nothing_else(premises: Premises, tmp_path: Path) -> None:
    out = tmp_path / "out"
    lines, code = asked(premises, "export", customer="wang", folder=str(out))
    assert (lines, code) == ([f"{out}: everything about #1, 0 files"], 0)
    assert (out / "customer.jsonl").stat().st_size
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_export_that_was_broken_off_is_written_anew(premises: Premises, tmp_path: Path) -> None:
    part, out = tmp_path / ".out.part", tmp_path / "out"
    part.mkdir()
    (part / "half.csv").write_text("half")
    customer = premises.customer("wang")
    export = works_of(premises.house)["export"]
    list(export(customer=customer, folder=str(out), part=str(part)))
    assert "half.csv" not in {path.name for path in out.iterdir()}
    assert not part.exists()


def test_an_export_into_a_folder_that_holds_something_is_refused_before_it_begins(
    premises: Premises, tmp_path: Path
) -> None:
    lines, code = asked(premises, "export", customer="wang", folder=str(tmp_path))
    assert (lines, code) == ([f"{tmp_path} is not empty: name a new folder"], 2)
    assert asked(premises, "job-list") == (["There are no jobs."], 0)


def test_a_number_that_no_job_has_and_one_that_is_over_are_told_apart(
    premises: Premises, tmp_path: Path
) -> None:
    assert asked(premises, "job-cancel", number=7) == (["there is no job 7: siyu jobs list"], 2)
    asked(premises, "import", file=str(written(tmp_path, table(HEADER, *ROWS))))
    messages = list(perform(premises.house, "job-cancel", {"number": 1}, Locale("en")))
    assert messages == [{"error": "job 1 is over already", "exit": 2}]


def test_what_waits_in_the_database_names_nobody(tmp_path: Path, postgres_url: str) -> None:
    settings = {"SIYU_DATABASE": postgres_url, "SIYU_BULK": "procrastinate"}
    premises = Premises(tmp_path / "data", lambda log: log, **settings)
    premises.says("wang", "你好")
    has_phone(premises)
    house = premises.house
    with at_work(house.bulk):
        asked(premises, "export", customer=PHONE_OF_WANG, folder=str(tmp_path / "out"))
        asked(
            premises, "import", file=str(written(tmp_path, table(HEADER, ("A-1", PHONE_OF_WANG, "x", "y"))))
        )
    premises.close()
    with psycopg.connect(postgres_url, options="-c search_path=bulk") as connection:
        kept = [
            *connection.execute("SELECT * FROM procrastinate_jobs"),
            *connection.execute("SELECT * FROM siyu_lines"),
        ]
    assert len(kept) > 4
    assert PHONE_OF_WANG.removeprefix("+86") not in repr(kept)


def test_whoever_follows_a_job_that_nobody_takes_is_let_go(tmp_path: Path, postgres_url: str) -> None:
    premises = Premises(tmp_path / "data", SIYU_DATABASE=postgres_url, SIYU_BULK="procrastinate")
    number = premises.house.bulk.start("import", {"file": "nowhere.csv"})
    said = list(follow(premises.house, number, patience_s=0.3))
    assert [premises.house.texts.shown(line) for line in said if isinstance(line, Told)] == [
        "job 1 is not begun: siyu jobs follow 1"
    ]
    assert said[-1] == Exit(1)
    premises.close()


def test_jobs_that_last_need_postgresql(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="SIYU_DATABASE"):
        Premises(tmp_path / "data", SIYU_BULK="procrastinate")
