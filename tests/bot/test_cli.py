"""The command line: what it prints, how it ends, and that nobody ever sees a traceback or a secret."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.cli import run_cli
from bot.control_server import ControlServer
from bot.settings import environment
from tests.bot.premises import Premises

CANARY = "canary-secret-of-the-shop"
DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


Siyu = Callable[..., Ran]


@pytest.fixture
def siyu(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    logging_as_before: None,
) -> Siyu:
    """Runs a command on the folder ``data`` without a setting of whoever runs the tests; more settings may be given."""
    for name in environment(Path("no file")):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIYU_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SIYU_LOCALE", "en")

    def run(*arguments: str, **settings: str) -> Ran:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        code = run_cli(arguments)
        written = capsys.readouterr()
        assert "Traceback" not in written.out + written.err
        assert CANARY not in written.out + written.err
        return Ran(code, written.out, written.err)

    return run


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Premises]:
    """A Siyu that runs on the folder; Wang wrote to it."""
    premises = Premises(tmp_path / "data")
    server = ControlServer(premises.house)
    await server.start()
    premises.says("wang", "hi")
    yield premises
    await server.stop()
    premises.close()


def one_line(ran: Ran, code: int) -> str:
    """The one line of an error."""
    assert (ran.code, ran.out, ran.err.count("\n"), ran.err[:6]) == (code, "", 1, "siyu: "), ran
    return ran.err.removeprefix("siyu: ").rstrip("\n")


# --- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments,told",
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["--nonsense"], "No such option: --nonsense"),
        (["events", "--after", "x"], "Invalid value for '--after'"),
        (["events", "--after", "-1"], "Invalid value for '--after'"),
        (["run", "--port", "99999"], "Invalid value for '--port'"),
        (["timeline"], "Missing argument 'customer'"),
        (["operator", "add"], "Missing argument 'name'"),
        (["import-events", "missing.jsonl"], "Invalid value for 'file'"),
        (["do", "/stats", "more"], "Got unexpected extra argument"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(arguments: list[str], told: str, siyu: Siyu) -> None:
    said = one_line(siyu(*arguments), 2)
    assert said.startswith(told)
    assert said.endswith("(siyu --help lists what there is)")


@pytest.mark.parametrize("arguments", [[], ["operator"]])
def test_without_a_command_there_is_help_and_exit_2(arguments: list[str], siyu: Siyu) -> None:
    ran = siyu(*arguments)
    assert (ran.code, ran.err) == (2, "")
    assert "Usage: " in ran.out


@pytest.mark.parametrize(
    "name,value,told",
    [
        ("SIYU_REGION", CANARY, "SIYU_REGION: Input should be 'cn' or 'intl'"),
        ("SIYU_TIME_ZONE", CANARY, "SIYU_TIME_ZONE: this is no time zone: write one like Asia/Shanghai"),
        (
            "SIYU_DATABASE",
            f"mysql://root:{CANARY}@host/x",
            "SIYU_DATABASE: write it as postgresql://user:password@host/name, or leave it out for SQLite",
        ),
    ],
)
@pytest.mark.parametrize("command", ["run", "migrate", "verify", "doctor", "chat"])
def test_settings_that_make_no_sense_are_one_line_and_exit_2(
    command: str, name: str, value: str, told: str, siyu: Siyu
) -> None:
    assert one_line(siyu(command, **{name: value}), 2) == told


def test_a_file_of_settings_that_cannot_be_read_is_named(siyu: Siyu, tmp_path: Path) -> None:
    (tmp_path / "siyu.toml").write_text(f"token = {CANARY}", "utf8")
    assert one_line(siyu("verify"), 2).startswith("siyu.toml is no valid TOML: ")


@pytest.mark.parametrize(
    "settings,missing",
    [
        ({"SIYU_TELEGRAM__RATE_PER_S": "5"}, "SIYU_TELEGRAM__TOKEN"),
        ({"SIYU_TELEGRAM__TOKEN": CANARY}, "SIYU_TELEGRAM__TOKEN"),
        ({"SIYU_TELEGRAM__SHOP__MODE": "webhook"}, "SIYU_TELEGRAM__SHOP__TOKEN"),
        (
            {"SIYU_TELEGRAM__TOKEN": f"12345:{CANARY}{CANARY}", "SIYU_TELEGRAM__MODE": "webhook"},
            "SIYU_TELEGRAM__WEBHOOK_SECRET",
        ),
    ],
)
def test_a_channel_that_misses_something_refuses_to_start_and_names_it(
    settings: dict[str, str], missing: str, siyu: Siyu
) -> None:
    assert missing in one_line(siyu("run", "--port", "0", **settings), 2)


def test_a_database_that_is_away_is_one_line_without_its_password(siyu: Siyu) -> None:
    said = one_line(siyu("verify", SIYU_DATABASE=f"postgresql://u:{CANARY}@127.0.0.1:1/x"), 1)
    assert "cannot be used now" in said


@pytest.mark.parametrize("command", ["verify", "migrate", "doctor", "run"])
def test_a_folder_that_cannot_be_used_is_one_line_and_exit_1(
    command: str, siyu: Siyu, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", "ascii")
    assert str(tmp_path / "file") in one_line(siyu(command, SIYU_DATA=str(tmp_path / "file")), 1)


def test_a_folder_that_another_siyu_uses_is_told_with_its_process(siyu: Siyu, premises: Premises) -> None:
    folder = premises.house.settings.data
    assert one_line(siyu("verify", SIYU_DATA=str(folder)), 1).startswith("another Siyu (process ")


def test_a_port_that_is_taken_is_told_with_what_to_do(siyu: Siyu) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = one_line(siyu("run", "--port", str(port)), 1)
    assert said == f"cannot listen on 127.0.0.1:{port}: Address already in use; choose another --port"


def test_an_address_that_is_not_ours_is_told(siyu: Siyu) -> None:
    assert "cannot listen on 192.0.2.1:0" in one_line(siyu("run", "--host", "192.0.2.1", "--port", "0"), 1)


@pytest.mark.parametrize("arguments", [["do", "/stats"], ["chat"], ["do", "/send #1 hi", "--yes"]])
def test_what_needs_a_running_siyu_says_so(arguments: list[str], siyu: Siyu, tmp_path: Path) -> None:
    assert one_line(siyu(*arguments), 1) == f"no Siyu runs on {tmp_path / 'data'}: start it with siyu run"


# --- while none runs -----------------------------------------------------------------------------------------------------


def test_a_fresh_folder_needs_no_migration_for_any_command(siyu: Siyu) -> None:
    for command in ("doctor", "verify", "rebuild", "replay", "customers", "events", "resume-sending"):
        ran = siyu(command, SIYU_DATA=f"fresh-{command}")
        assert (ran.code, ran.err) == (0, ""), command
    assert siyu("migrate") == Ran(0, "the stores are up to date\n", "")
    assert siyu("migrate") == Ran(0, "the stores are up to date\n", "")


def test_an_operator_is_added_with_a_code_and_gets_another_one_on_request(siyu: Siyu) -> None:
    first = siyu("operator", "add", "li", "--role", "owner")
    again = siyu("operator", "add", "li", "--role", "owner")
    told = "To work as li (owner), send this within 24 hours in a private chat with the bot:"
    for ran in (first, again):
        said, code = ran.out.splitlines()
        assert (ran.code, ran.err, said, code[:6], len(code)) == (0, "", told, "/bind ", 16)
    assert first.out != again.out
    assert one_line(siyu("operator", "add", "li"), 2).startswith("li is owner already")
    assert one_line(siyu("operator", "add", "wu", "--role", "king"), 2).startswith("no role is called 'king'")


def test_a_token_is_printed_once_and_an_operators_tokens_are_revoked_together(siyu: Siyu) -> None:
    siyu("operator", "add", "li", "--role", "agent")
    first, second = siyu("operator", "token", "li"), siyu("operator", "token", "Li")
    told = (
        "Programs work as li (agent) with this token. It is shown this once: keep it as you keep a password."
    )
    said, token = first.out.splitlines()
    assert (first.code, first.err, said, token[:5], len(token)) == (0, "", told, "siyu_", 48)
    assert token not in second.out
    assert token not in siyu("events", "--json").out
    assert siyu("operator", "revoke-token", "li") == Ran(0, "li's tokens count no more.\n", "")
    assert siyu("operator", "revoke-token", "li") == Ran(0, "li has no token.\n", "")
    for command in ("token", "revoke-token"):
        assert one_line(siyu("operator", command, "wu"), 2).startswith("no operator is called wu")


def test_the_log_is_exported_and_makes_the_same_installation(siyu: Siyu, tmp_path: Path) -> None:
    premises = Premises(tmp_path / "data")
    premises.says("wang", "多少钱?")
    premises.close()
    exported = siyu("events", "--json")
    timeline = siyu("timeline", "#1", "--json")
    assert (exported.code, json.loads(exported.out.splitlines()[0])["position"]) == (0, 1)
    (tmp_path / "log.jsonl").write_text(exported.out, "utf8")
    imported = siyu("import-events", "log.jsonl", SIYU_DATA="copy")
    assert (imported.code, imported.err) == (0, "")
    assert siyu("timeline", "#1", "--json") == timeline
    assert siyu("timeline", "#1", "--kind", "message", "--search", "钱").out.count("\n") == 1
    assert "on hold after an import" in siyu("doctor").out
    assert siyu("resume-sending").out == "messages leave again\n"
    assert one_line(siyu("import-events", str(tmp_path / "log.jsonl")), 1).startswith(
        "this installation has events already"
    )


def test_people_are_named_and_whoever_is_not_there_is_not_guessed(siyu: Siyu, tmp_path: Path) -> None:
    premises = Premises(tmp_path / "data")
    premises.says("wang", "hi")
    premises.says("wang2", "hi")
    premises.close()
    people = [json.loads(line) for line in siyu("customers", "--json").out.splitlines()]
    assert [(p["number"], p["name"], p["contacts"][0]["external_id"]) for p in people] == [
        (1, "Wang", "wang"),
        (2, "Wang2", "wang2"),
    ]
    assert siyu("customers").out.count("\n") == 2
    assert siyu("customers", "--tag", "vip") == Ran(0, "", "")
    assert "no customer is known as 'nobody'" in one_line(siyu("timeline", "nobody"), 2)
    assert "no kind is called 'smell'" in one_line(siyu("timeline", "#1", "--kind", "smell"), 2)
    assert "no view is called 'nonsense'" in one_line(siyu("rebuild", "nonsense"), 2)


def test_whoever_has_read_enough_of_the_output_may_go(siyu: Siyu, tmp_path: Path) -> None:
    premises = Premises(tmp_path / "data")
    for _ in range(20):
        premises.says("wang", "x" * 10_000)
    premises.close()
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "events", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": "", "PYTHONPATH": str(root), "SIYU_DATA": str(tmp_path / "data")},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith(b'{"position":1,')
    process.stdout.close()
    assert (process.wait(DEADLINE_S), process.stderr.read()) == (0, b"")
    process.stderr.close()


# --- beside a running one ------------------------------------------------------------------------------------------------


async def test_commands_reach_the_siyu_that_runs(siyu: Siyu, shop: Premises) -> None:
    tagged = await asyncio.to_thread(siyu, "do", "/tag #1 vip")
    assert tagged == Ran(0, "#1 Wang (telegram @wang_x) has the tag vip now.\n", "")
    assert (await asyncio.to_thread(siyu, "customers", "--tag", "vip")).out.startswith("#1 ")
    assert (await asyncio.to_thread(siyu, "doctor")).code == 0
    assert (await asyncio.to_thread(siyu, "verify")).out.startswith("fine: ")
    assert (await asyncio.to_thread(siyu, "migrate")).err.startswith("siyu: another Siyu (process ")


@pytest.mark.parametrize(
    "line,code,told",
    [
        ("/nonsense", 2, "I do not know /nonsense."),
        ("/tag", 2, "Write it like this:\n/tag CUSTOMER TAG"),
        ("/tag nobody vip", 1, "I know nobody called nobody."),
        (
            "/note Wan hello",
            2,
            "Whom do you mean by Wan?\n#1 Wang (telegram @wang_x)\n#2 Wang2 (telegram @wang2_x)",
        ),
        ("/bind CODE", 2, "Send this in a private chat with the bot"),
        ("/broadcast all hello", 2, ""),
    ],
)
async def test_a_line_that_was_not_carried_out_exits_otherwise_than_with_0(
    line: str, code: int, told: str, siyu: Siyu, shop: Premises
) -> None:
    shop.says("wang2", "hi")
    ran = await asyncio.to_thread(siyu, "do", line)
    assert (ran.code, ran.err, ran.out[: len(told)]) == (code, "", told)


async def test_yes_confirms_at_once(siyu: Siyu, shop: Premises) -> None:
    assert (await asyncio.to_thread(siyu, "do", "/broadcast all hello", "--yes")).code == 0


ORDERS = "order_number,phone,amount,paid_at\nA-2026-1,,1.00,2026-11-01 10:00\n,,1.00,2026-11-01\n"


async def test_a_file_is_imported_beside_a_running_siyu(siyu: Siyu, shop: Premises, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ORDERS, "utf-8-sig")
    ran = await asyncio.to_thread(siyu, "import", "orders.csv")
    assert (ran.code, ran.err, ran.out.splitlines()[1]) == (
        1,
        "",
        "2 orders: 1 with news, 0 known just so, 1 not taken",
    )
    shop.says("wang", "where is a-2026-1?")
    timeline = await asyncio.to_thread(siyu, "timeline", "#1")
    assert [line.split()[2:] for line in timeline.out.splitlines() if "1.00" in line] == [
        ["ordered", "A-2026-1", "1.00", "CNY"],
        ["paid", "1.00", "CNY"],
    ]
    assert "order-placed/1" in (await asyncio.to_thread(siyu, "events", "--customer", "#1")).out


def test_a_file_is_imported_while_none_runs(siyu: Siyu, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ORDERS.rpartition(",,")[0], "gb18030")
    first, again = (siyu("import", "orders.csv") for _ in range(2))
    assert (first.code, first.out.splitlines()[0]) == (
        0,
        "1 orders: 1 with news, 0 known just so, 0 not taken",
    )
    assert (again.code, again.out.splitlines()[0]) == (
        0,
        "1 orders: 0 with news, 1 known just so, 0 not taken",
    )
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    assert one_line(siyu("import", "notes.csv"), 1).startswith("notes.csv is no file of orders")
