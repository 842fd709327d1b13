"""Peers are started, loaded and asked for what they hold: here those that need nothing but our own environment."""

from pathlib import Path

import pytest

from tests.benchmarks import sides
from tests.benchmarks.console import do
from tests.benchmarks.driver import Driver, LoadFailed
from tests.benchmarks.figure import PeerMissing
from tests.benchmarks.figures.full_loop import Loop
from tests.benchmarks.figures.intake import Intake
from tests.benchmarks.machine import Stolen
from tests.benchmarks.peers import installing
from tests.benchmarks.sides import Side


def test_what_was_acknowledged_and_is_not_stored_is_counted_as_lost() -> None:
    holds = iter([90, 95, 97])
    side = Side("forgetful", 0, 0, "/", stored=lambda: next(holds, 97))
    assert side.missing(100, within_s=0.1) == 3


def test_who_stores_nothing_loses_nothing() -> None:
    assert Side("aiogram", 0, 0, "/").missing(100) == 0


def test_the_raw_app_holds_every_message_it_acknowledged(tmp_path: Path) -> None:
    with Driver() as driver, sides.raw_asgi(tmp_path) as raw:
        intake = Intake(driver)
        assert intake.round(raw, 300) > 0
        assert raw.stored is not None
        assert (raw.stored(), intake.lost) == (300, {raw.name: 0})


def test_a_webhook_that_refuses_is_no_figure(tmp_path: Path) -> None:
    with (
        Driver() as driver,
        sides.raw_asgi(tmp_path) as raw,
        pytest.raises(LoadFailed, match=r"Refused.*403"),
    ):
        driver.ask("send", **raw.address() | {"secret": "wrong"}, count=10, first=0)


@pytest.mark.nightly
def test_siyu_answers_every_question_and_knows_the_outcomes(tmp_path: Path) -> None:
    with Driver() as driver, sides.siyu(driver, tmp_path / "data") as siyu:
        do(siyu.data, "/rule add contains 还有货吗 => 有的")
        loop = Loop(driver)
        assert loop.round(siyu, 60) > 0
        assert loop.lost == {siyu.name: 0}


def test_a_bot_that_does_not_answer_has_lost_the_question() -> None:
    with Driver() as driver, sides.aiogram(driver) as silent:
        loop = driver.ask("loop", **silent.address(), count=3, first=0, patience_s=0.2)
        assert (loop["missing"], loop["doubled"]) == (3, 0)


def test_what_the_machines_host_kept_is_told_of_what_was_wanted(tmp_path: Path) -> None:
    count = tmp_path / "stat"
    count.write_text("cpu  100 0 50 1000 9 0 0 10 7 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n", "ascii")
    stolen = Stolen(count)
    assert stolen.share() == 0
    count.write_text("cpu  130 10 70 5000 99 5 5 40 7 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n", "ascii")
    assert stolen.share() == pytest.approx(0.3)  # 30 of 100 that were not idle


def test_koishi_without_node_is_missing_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PeerMissing, match="install Debian's packages nodejs and npm"):
        installing.koishi(tmp_path)
