"""The command line."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import chosen, main, measure
from tests.benchmarks.figure import Bench, Figure, Line, PeerMissing
from tests.benchmarks.registry import FIGURES


def test_every_figure_has_a_name_of_its_own_and_says_how_it_is_measured() -> None:
    assert len({figure.name for figure in FIGURES}) == len(FIGURES)
    assert all(figure.title and figure.about.endswith(".") for figure in FIGURES)


def test_the_large_ones_have_a_run_of_their_own() -> None:
    ordinary, large = chosen([], large=False), chosen([], large=True)
    assert [figure.name for figure in large] == ["plan-large", "page-large", "start-large"]
    assert {figure.name for figure in (*ordinary, *large)} == {figure.name for figure in FIGURES}


def test_a_figure_is_measured_by_its_name_whichever_run_it_belongs_to() -> None:
    assert [figure.name for figure in chosen(["plan-large", "intake"], large=False)] == [
        "plan-large",
        "intake",
    ]


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["no-such-figure"])
    assert "there is no figure 'no-such-figure'" in capsys.readouterr().err


def test_a_missing_peer_is_a_failure_and_the_run_goes_on(tmp_path: Path) -> None:
    def missing(_bench: Bench) -> Sequence[Line]:
        raise PeerMissing("no Node.js")

    result = measure(Figure("loop", "Loop", "So.", missing), Bench(tmp_path))
    assert (result.failed, result.fails, result.lines) == ("PeerMissing: no Node.js", True, ())
