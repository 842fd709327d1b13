"""How growth is fitted, drawn and told."""

from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.benchmarks.figure import Bench
from tests.benchmarks.growth.__main__ import chosen, main, measure
from tests.benchmarks.growth.chart import decades
from tests.benchmarks.growth.curve import FEW_SIZES, LARGE, SMALL, Curve, Fit, worked_ms
from tests.benchmarks.growth.registry import CURVES
from tests.benchmarks.growth.report import Measured, known, write

SVG = "{http://www.w3.org/2000/svg}"


def by_root(_bench: Bench, size: int) -> Sequence[float]:
    return [sqrt(size) * share for share in (0.9, 1.0, 1.2)]


ROOT_OF_SIZE = Curve("root", "By the root", "As the root does.", "ms", "things", by_root, FEW_SIZES)
FLAT = Curve("flat", "Flat", "Always the same.", "ms", "things", lambda _bench, _size: [2.0], FEW_SIZES)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_is_found(exponent: float) -> None:
    fit = Fit.of({size: 3.0 * size**exponent for size in FEW_SIZES})
    assert fit.exponent == pytest.approx(exponent)
    assert fit.factor == pytest.approx(3.0)
    assert fit.at(50_000) == pytest.approx(3.0 * 50_000**exponent)
    assert fit.tenfold == pytest.approx(10**exponent)


def test_one_size_tells_nothing_of_growth() -> None:
    with pytest.raises(ValueError, match="one size"):
        Fit.of({SMALL: 1.0})


def test_only_work_of_this_process_is_counted() -> None:
    busy = worked_ms(lambda: sum(range(200_000)), 3)
    idle = worked_ms(lambda: None, 3)
    assert busy > 10 * idle


def test_a_curve_is_measured_at_each_of_its_sizes_or_up_to_one(tmp_path: Path) -> None:
    assert list(measure(ROOT_OF_SIZE, Bench(tmp_path)).costs) == list(FEW_SIZES)
    assert list(measure(ROOT_OF_SIZE, Bench(tmp_path), up_to=SMALL).costs) == [SMALL]


def test_what_fails_at_a_size_keeps_what_was_measured_before(tmp_path: Path) -> None:
    def fails_late(_bench: Bench, size: int) -> Sequence[float]:
        if size == LARGE:
            raise RuntimeError("too large")
        return [1.0]

    result = measure(Curve("late", "Late", "So.", "ms", "things", fails_late, FEW_SIZES), Bench(tmp_path))
    assert (result.failed, len(result.costs)) == ("RuntimeError: too large", 2)


def test_the_page_shows_costs_exponents_and_what_is_above_what_was_expected(tmp_path: Path) -> None:
    write(tmp_path, (ROOT_OF_SIZE, FLAT), [measure(curve, Bench(tmp_path)) for curve in (ROOT_OF_SIZE, FLAT)])
    page = (tmp_path / "growth.md").read_text("utf8")
    assert "| By the root | things | 100 | 316 | 1,000 |  | ms | **0.50** | 0 | 3.16 × |" in page
    assert "| Flat | things | 2 | 2 | 2 |  | ms | 0.00 | 0 | 1 × |" in page
    assert "![Flat](growth/flat.svg)" in page


def test_what_was_not_measured_this_time_stays_and_what_there_is_no_more_leaves(tmp_path: Path) -> None:
    write(tmp_path, (ROOT_OF_SIZE, FLAT), [measure(curve, Bench(tmp_path)) for curve in (ROOT_OF_SIZE, FLAT)])
    write(tmp_path, (FLAT,), [Measured(name="flat", at="2026-11-22", machine="m", failed="Lost: 3")])
    page = (tmp_path / "growth.md").read_text("utf8")
    assert "By the root" not in page
    assert "**Failed:** Lost: 3" in page
    assert list(known(tmp_path / "growth")) == ["flat"]


def test_a_chart_has_a_dot_a_size_and_a_line_through_them(tmp_path: Path) -> None:
    write(tmp_path, (ROOT_OF_SIZE,), [measure(ROOT_OF_SIZE, Bench(tmp_path))])
    drawn = ET.parse(tmp_path / "growth" / "root.svg").getroot()
    dots = [(float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in drawn.iter(f"{SVG}circle")]
    (line,) = [each for each in drawn.iter(f"{SVG}line") if each.attrib["class"] == "fit"]
    assert len(dots) == 3
    assert dots[1][0] - dots[0][0] == pytest.approx(
        dots[2][0] - dots[1][0], abs=0.2
    )  # a decade is as wide as the next
    assert (float(line.attrib["x1"]), float(line.attrib["y1"])) == pytest.approx(dots[0], abs=0.2)
    assert (float(line.attrib["x2"]), float(line.attrib["y2"])) == pytest.approx(dots[2], abs=0.2)


@pytest.mark.parametrize(
    "values, powers", [([3.0], range(2)), ([10.0, 1_000.0], range(1, 4)), ([0.02, 0.3], range(-2, 1))]
)
def test_an_axis_ends_at_powers_of_ten(values: list[float], powers: range) -> None:
    assert decades(values) == powers


def test_every_curve_has_a_name_of_its_own_and_says_how_it_is_measured() -> None:
    assert len({curve.name for curve in CURVES}) == len(CURVES)
    assert all(curve.title and curve.about.endswith(".") and len(curve.sizes) > 2 for curve in CURVES)


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert chosen([]) == list(CURVES)
    with pytest.raises(SystemExit):
        main(["no-such-curve"])
    assert "there is no curve 'no-such-curve'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["page", "due", "backlog", "results", "listed", "tagged", "named", "named-in-part"]
)
def test_a_curve_of_questions_can_be_measured(name: str, tmp_path: Path) -> None:
    (curve,) = chosen([name])
    result = measure(curve, Bench(tmp_path, rounds=1), up_to=SMALL)
    assert (result.failed, len(result.costs[SMALL])) == ("", 1)
