"""The socket between the command line and a running Siyu."""

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot.control import LONGEST_SOCKET_PATH, ask, running, socket_path
from bot.control_server import LINES_AT_ONCE, MAX_REQUEST_BYTES, ControlServer, perform
from domain.errors import BadSettings, StoreUnavailable
from tests.bot.premises import Premises

DEADLINE_S = 10.0


@pytest.fixture
async def listening(premises: Premises) -> AsyncIterator[ControlServer]:
    server = ControlServer(premises.house)
    await server.start()
    yield server
    await server.stop()


def folder(premises: Premises) -> Path:
    return premises.house.settings.data


def says_much(premises: Premises) -> None:
    """Fill the log with more than a socket holds."""
    for _ in range(40):
        premises.says("wang", "x" * 10_000)


async def answers(premises: Premises, operation: str, **arguments: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # JSON values
    """Ask as the command line does, which blocks."""

    def asked() -> list[dict[str, Any]]:
        connection = running(folder(premises))
        assert connection is not None
        return list(ask(connection, operation, arguments))

    async with asyncio.timeout(DEADLINE_S):
        return await asyncio.to_thread(asked)


async def sent(premises: Premises, request: bytes) -> bytes:
    """Send bytes, end, and return everything that comes back."""
    async with asyncio.timeout(DEADLINE_S):
        reader, writer = await asyncio.open_unix_connection(socket_path(folder(premises)))
        writer.write(request)
        writer.write_eof()
        said = await reader.read()
        writer.close()
        await writer.wait_closed()
        return said


# --- where it lies -----------------------------------------------------------------------------------------------------


async def test_the_socket_lies_in_the_data_folder_for_its_owner_alone(
    premises: Premises, listening: ControlServer
) -> None:
    path = socket_path(folder(premises))
    assert path == folder(premises) / "siyu.sock"
    assert stat.filemode(path.stat().st_mode) == "srw-------"
    assert os.umask(os.umask(0o077)) != 0o177  # what is made later has its usual mode
    await listening.stop()
    assert not path.exists()


def test_the_socket_of_a_deep_folder_lies_under_a_name_of_its_own_that_a_socket_can_have(
    tmp_path: Path,
) -> None:
    deep, other = tmp_path / ("深" * 50) / "data", tmp_path / ("深" * 50) / "more"
    path = socket_path(deep)
    assert len(os.fsencode(path)) <= LONGEST_SOCKET_PATH < len(os.fsencode(deep / "siyu.sock"))
    assert path == socket_path(deep) != socket_path(other)
    assert stat.filemode(path.parent.stat().st_mode) == "drwx------"


async def test_a_siyu_in_a_deep_folder_can_be_reached(tmp_path: Path) -> None:
    premises = Premises(tmp_path / ("d" * 100) / "data")
    server = ControlServer(premises.house)
    await server.start()
    assert (await answers(premises, "doctor"))[-1] == {"exit": 0}
    await server.stop()
    assert running(folder(premises)) is None
    premises.close()


def test_a_shared_folder_for_deep_paths_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    open_to_all = tmp_path / f"siyu-{os.getuid()}"
    open_to_all.mkdir()
    open_to_all.chmod(0o755)
    with pytest.raises(BadSettings, match=r"must belong to you alone \(mode 0700\)$"):
        socket_path(tmp_path / ("d" * 100), temporary=tmp_path)


# --- who is there ------------------------------------------------------------------------------------------------------


def test_where_no_siyu_runs_nobody_answers(tmp_path: Path) -> None:
    assert running(tmp_path) is None
    assert running(tmp_path / "missing") is None


async def test_what_a_killed_process_left_is_nobody_and_is_replaced_by_the_next(premises: Premises) -> None:
    path = socket_path(folder(premises))
    bind_and_die = (
        "import os, signal, socket, sys\n"
        "listening = socket.socket(socket.AF_UNIX)\n"
        "listening.bind(sys.argv[1])\n"
        "listening.listen()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", bind_and_die, path], check=False, timeout=DEADLINE_S)
    assert path.is_socket()
    assert running(folder(premises)) is None
    server = ControlServer(premises.house)
    await server.start()
    assert (await answers(premises, "doctor"))[-1] == {"exit": 0}
    await server.stop()


async def test_where_one_siyu_answers_already_another_one_leaves_it_the_socket(
    premises: Premises, listening: ControlServer
) -> None:
    second = ControlServer(premises.house)
    await second.start()
    await second.stop()
    assert (await answers(premises, "address"))[-1] == {"exit": 0}


# --- what is said ------------------------------------------------------------------------------------------------------


async def test_an_answer_is_the_same_through_the_socket_and_without_it(
    premises: Premises, listening: ControlServer
) -> None:
    premises.says("wang", "多少钱?")
    for operation, arguments in (
        ("events", {"json": True}),
        ("customers", {}),
        ("timeline", {"customer": "#1"}),
    ):
        here = list(perform(premises.house, operation, arguments))
        assert await answers(premises, operation, **arguments) == here
        assert (len(here) > 1, here[-1]) == (True, {"exit": 0})


async def test_a_long_answer_comes_whole_and_others_are_answered_meanwhile(
    premises: Premises, listening: ControlServer
) -> None:
    for number in range(LINES_AT_ONCE):
        premises.says("wang", f"message {number}")
    many, address = await asyncio.gather(answers(premises, "events", json=True), answers(premises, "address"))
    assert len(many) - 1 == premises.house.log.head() > LINES_AT_ONCE
    assert address == [{"line": ""}, {"exit": 0}]


async def test_a_client_that_goes_away_costs_nobody_their_answer(
    premises: Premises, listening: ControlServer, capsys: pytest.CaptureFixture[str]
) -> None:
    says_much(premises)
    for request in (
        b"",
        b'{"operation": "events", "argu',
        b'{"operation": "events", "arguments": {"json": true}}\n',
    ):
        _, writer = await asyncio.open_unix_connection(socket_path(folder(premises)))
        writer.write(request)
        writer.transport.abort()
    assert (await answers(premises, "address"))[-1] == {"exit": 0}
    assert "Traceback" not in capsys.readouterr().out


async def test_a_client_that_leaves_in_the_middle_of_an_answer_gets_no_more_of_it(
    premises: Premises, listening: ControlServer
) -> None:
    says_much(premises)
    path = socket_path(folder(premises))
    reader, writer = await asyncio.open_unix_connection(path, limit=MAX_REQUEST_BYTES)
    writer.write(b'{"operation": "events", "arguments": {"json": true}}\n')
    assert json.loads(json.loads(await reader.readline())["line"])["position"] == 1
    writer.transport.abort()
    assert (await answers(premises, "address"))[-1] == {"exit": 0}


@pytest.mark.parametrize(
    "request_",
    [
        b"\n",
        b"nonsense\n",
        b"[]\n",
        b"{}\n",
        b'{"operation": "events"}\n',
        b'{"operation": ["events"], "arguments": {}}\n',
        b'{"operation": "events", "arguments": []}\n',
        b'{"operation": "shell", "arguments": {}}\n',
        b'{"operation": "events", "arguments": {"command": "rm"}}\n',
        b'{"operation": "events", "arguments": {"after": "x"}}\n',
        b"x" * (MAX_REQUEST_BYTES + 1),
    ],
    ids=lambda request: request[:60].decode(),
)
async def test_a_request_that_makes_no_sense_is_answered_with_one_line_and_the_next_one_as_usual(
    request_: bytes, premises: Premises, listening: ControlServer
) -> None:
    said = await sent(premises, request_)
    messages = [msgspec.json.decode(one) for one in said.splitlines()]
    assert [m for m in messages if m != {"error": m.get("error"), "exit": m.get("exit")}] == []
    assert len(messages) == 1
    assert messages[0]["exit"] in {1, 2}
    assert "Traceback" not in messages[0]["error"]
    assert (await answers(premises, "address"))[-1] == {"exit": 0}


@pytest.mark.parametrize(
    "operation,arguments,answer",
    [
        ("timeline", {"customer": "nobody"}, {"exit": 2}),
        ("resume-sending", {"now": True}, {"exit": 1}),
        ("rebuild", {"views": ["nonsense"]}, {"exit": 2}),
        ("import-events", {"file": "/nowhere"}, {"exit": 1}),
        ("operator-add", {"name": "li", "role": "king"}, {"exit": 2}),
        ("do", {"line": "/nonsense"}, {"exit": 2}),
    ],
)  # fmt: skip
async def test_what_is_refused_is_told_with_its_exit_code(
    operation: str,
    arguments: dict[str, Any],
    answer: dict[str, Any],
    premises: Premises,
    listening: ControlServer,
) -> None:
    premises.says("wang", "hi")
    last = (await answers(premises, operation, **arguments))[-1]
    assert {key: last[key] for key in answer} == answer


async def test_a_bug_is_told_in_one_line_and_found_in_the_log(
    premises: Premises, listening: ControlServer, capsys: pytest.CaptureFixture[str]
) -> None:
    premises.house.office = None  # type: ignore[assignment]  # a house that is not whole
    said = await answers(premises, "do", line="/stats")
    assert said == [{"error": "an internal error: the server's log says more", "exit": 1}]
    assert "AttributeError" in capsys.readouterr().out


async def test_a_siyu_that_stops_while_it_answers_is_told_from_one_that_is_done(tmp_path: Path) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(os.fspath(socket_path(tmp_path)))
    listening.listen()
    connection = running(tmp_path)
    assert connection is not None
    answering, _ = listening.accept()
    answering.sendall(b'{"line": "half of it"}\n')
    answering.shutdown(socket.SHUT_WR)
    said = ask(connection, "events", {})
    assert next(said) == {"line": "half of it"}
    with pytest.raises(StoreUnavailable, match=r"^Siyu stopped while it answered: try again$"):
        next(said)
    answering.close()
    listening.close()
