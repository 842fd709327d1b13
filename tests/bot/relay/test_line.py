"""``siyu relay`` as a process, and what the doctor says of it."""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bot.control_server import perform
from bot.relay.relay import PLACE
from domain.identity import Locale
from domain.ports.event_log import Append, Progress
from tests.bot.premises import Premises
from tests.scenarios.installation import until
from tests.scenarios.programs import ColdStart, Order

NOWHERE = "nats://shop:canary-secret@127.0.0.1:1"
WITHOUT = (
    "import sys; sys.modules[sys.argv[1]] = None; from bot.cli import run_cli; sys.exit(run_cli(['relay']))"
)
"""As where the package is not installed."""


def environment(folder: Path, **more: str) -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[3])
    home = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "PYTHONPATH": root}
    return {**home, "SIYU_DATA": str(folder / "data"), **more}


@pytest.mark.parametrize(
    "package, url", [("faststream.nats", NOWHERE), ("faststream.rabbit", "amqp://127.0.0.1:1/")]
)
def test_without_the_package_it_says_in_one_line_how_to_install_it(
    package: str, url: str, tmp_path: Path
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT, package],
        env=environment(tmp_path, SIYU_RELAY__URL=url),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    said = f"siyu: the relay needs a package that is not installed ({package}): pip install 'siyu[relay]'\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", said)


async def test_a_broker_that_is_away_is_told_once_without_its_secret_and_sigterm_ends_it(
    premises: Premises, tmp_path: Path
) -> None:
    premises.says("wang", "one")
    out, err = tmp_path / "relay.out", tmp_path / "relay.err"
    order = Order(
        arguments=["relay", "--after", "0"],
        environment=environment(tmp_path, SIYU_RELAY__URL=NOWHERE),
        folder=str(tmp_path),
        out=str(out),
        err=str(err),
    )
    relay = await ColdStart().start(order)
    try:
        await until(lambda: "relay.failing" in err.read_text("utf8"))
        assert out.read_text("utf8") == "the log is relayed to nats://127.0.0.1:1, as siyu\n"
        await asyncio.sleep(2.5)  # two more tries
        os.kill(relay.pid, 15)
        assert await relay.ended() == 0
    finally:
        with suppress(ProcessLookupError):  # it leads its own group, and is gone where all went well
            os.killpg(relay.pid, 9)
    (told,) = [json.loads(line) for line in err.read_text("utf8").splitlines()]
    assert (told["event"], told["broker"], told["error"]) == (
        "relay.failing",
        "nats://127.0.0.1:1",
        "unreachable",
    )
    assert premises.house.log.progress("relay") == 0


def doctor(premises: Premises) -> list[str]:
    messages = perform(premises.house, "doctor", {}, Locale("en"))
    return [str(message["line"]) for message in messages if str(message.get("line", "")).startswith("relay")]


def test_the_doctor_says_how_far_the_log_was_relayed(tmp_path: Path) -> None:
    premises = Premises(tmp_path / "data", SIYU_RELAY__URL=NOWHERE)
    try:
        assert doctor(premises) == ["relay      nats://127.0.0.1:1: not begun: siyu relay"]
        premises.says("wang", "one")
        unit = Append(progress=Progress(PLACE, 0, 1))
        premises.house.log.append([unit])
        behind = premises.house.log.head() - 1
        assert doctor(premises) == [f"relay      nats://127.0.0.1:1: told up to 1, {behind} behind"]
    finally:
        premises.close()


def test_the_doctor_says_nothing_of_a_relay_that_nobody_wants(premises: Premises) -> None:
    assert doctor(premises) == []
