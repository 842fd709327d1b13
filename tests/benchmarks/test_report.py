"""What was measured, told."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.benchmarks.chart import panels, scale_end
from tests.benchmarks.figure import Bench, Figure, Judged, Line
from tests.benchmarks.report import Result, known, table, write

LINES = (
    Line(
        measure="P1 intake", unit="messages/s", ours=[3_100.0, 3_000.0, 2_900.0], peer="aiogram <bare>",
        theirs=[1_500.0, 1_400.0, 1_600.0], floor=1.2, goal=2.0, note="on a Sunday",
    ),
    Line(measure="P1 intake", unit="messages/s", ours=[3_100.0, 3_000.0, 2_900.0], peer="raw", theirs=[12_000.0], goal=0.5),
    Line(measure="P2 p99", unit="ms", ours=[30.0], judged=Judged.AT_MOST, floor=25.0, goal=10.0),
)  # fmt: skip


def page_of(folder: Path) -> list[str]:
    """The page's lines."""
    return (folder / "benchmarks.md").read_text("utf8").splitlines()


def nothing(_bench: Bench) -> Sequence[Line]:
    return []


INTAKE = Figure("intake", "P1 Intake", "As fast as it goes.", nothing)
OTHER = Figure("other", "P9 Other", "Otherwise.", nothing)


def result(name: str, *lines: Line, failed: str = "") -> Result:
    """What became of a figure, on that Sunday."""
    return Result(name=name, at="2026-11-22", machine="a machine", rounds=3, lines=lines, failed=failed)


def test_the_table_shows_medians_spreads_ratios_and_what_holds() -> None:
    rows = table([result("intake", *LINES), result("other", failed="PeerMissing: no Node.js")]).splitlines()
    assert [row.split("  ")[0] for row in rows] == ["measure", "P1 intake", "P1 intake", "P2 p99", "other"]
    assert "3,000 messages/s (2,900–3,100)" in rows[1]
    assert "aiogram <bare>: 1,500 messages/s (1,400–1,600)" in rows[1]
    assert rows[1].split()[-9:] == ["2", "×", "≥", "1.2", "×", "≥", "2", "×", "goal"]
    assert rows[3].endswith("≤ 25 ms  ≤ 10 ms  **no**")
    assert "FAILED" in rows[4]
    assert "no Node.js" in rows[4]


@pytest.mark.parametrize(
    "lines, failed, fails",
    [
        (LINES, "", False),
        ((), "Lost: 3", True),
        ((Line(measure="m", unit="s", ours=[1.0], lost=1),), "", True),
    ],
    ids=["measured", "failed", "lost"],
)
def test_a_run_fails_where_a_figure_failed_or_lost_something_but_not_for_a_floor(
    lines: tuple[Line, ...], failed: str, fails: bool
) -> None:
    assert result("intake", *lines, failed=failed).fails is fails


def test_what_was_not_measured_this_time_stays_in_the_page(tmp_path: Path) -> None:
    write(tmp_path, (INTAKE, OTHER), [result("intake", *LINES), result("other", LINES[2])])
    write(tmp_path, (INTAKE, OTHER), [result("other", failed="RuntimeError: away")])
    page = (tmp_path / "benchmarks.md").read_text("utf8")
    assert page.index("## P1 Intake") < page.index("## P9 Other")
    assert "| P1 intake | 3,000 messages/s (2,900–3,100) |" in page
    assert "- on a Sunday" in page
    assert "**Failed:** RuntimeError: away" in page
    assert known(tmp_path / "benchmarks")["intake"].lines[0].ratio == 2.0


def test_the_page_says_how_much_of_the_time_the_machines_host_kept_where_it_was_counted(
    tmp_path: Path,
) -> None:
    write(tmp_path, (INTAKE, OTHER), [replace(result("intake", *LINES), stolen=0.126), result("other")])
    measured = [row for row in page_of(tmp_path) if row.startswith("Measured")]
    assert measured == [
        "Measured 2026-11-22, a machine; rounds: 3; the machine's host kept 12.6% of the time.",
        "Measured 2026-11-22, a machine; rounds: 3.",
    ]


def test_a_figure_that_there_is_no_more_leaves_the_page(tmp_path: Path) -> None:
    write(tmp_path, (INTAKE, OTHER), [result("intake", *LINES), result("other", LINES[2])])
    write(tmp_path, (INTAKE,), [])
    assert "P9" not in (tmp_path / "benchmarks.md").read_text("utf8")


def test_a_chart_is_an_image_for_light_and_dark_screens(tmp_path: Path) -> None:
    write(tmp_path, (INTAKE,), [result("intake", *LINES)])
    drawn = (tmp_path / "benchmarks" / "intake.svg").read_text("utf8")
    root = ET.fromstring(drawn)
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"Siyu", "aiogram <bare>", "raw", "3,000", "1,500"} <= set(texts)
    assert "prefers-color-scheme:dark" in drawn


def test_each_side_stands_once_in_the_panel_of_a_measure() -> None:
    assert [(panel.title, [bar.label for bar in panel.bars]) for panel in panels(LINES)] == [
        ("P1 intake, messages/s", ["Siyu", "aiogram <bare>", "raw"]),
        ("P2 p99, ms", ["Siyu"]),
    ]


@pytest.mark.parametrize(
    "highest, end", [(0, 1), (0.03, 0.05), (1, 1), (11, 20), (2_400, 2_500), (9_999, 10_000)]
)
def test_a_scale_ends_at_a_round_number_that_holds_everything(highest: float, end: float) -> None:
    assert scale_end(highest) == pytest.approx(end)
