"""What was measured, told: one table on the screen, docs/benchmarks.md, and a chart a figure."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.benchmarks.chart import chart
from tests.benchmarks.figure import Figure, Judged, Line, Verdict

HEADINGS = ("measure", "Siyu", "peer", "ratio", "floor", "goal", "holds?")
HOLDS = {
    Verdict.GOAL: "goal",
    Verdict.FLOOR: "floor",
    Verdict.MISSED: "**no**",
    Verdict.LOST: "**LOST**",
    Verdict.UNJUDGED: "–",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a figure. ``at``: the day; ``failed``: why there are no lines; ``stolen``: see Stolen."""

    name: str
    at: str
    machine: str
    rounds: int
    lines: tuple[Line, ...] = ()
    failed: str = ""
    stolen: float | None = None

    @property
    def fails(self) -> bool:
        """Whether it could not be measured, or lost something."""
        return bool(self.failed) or any(line.verdict is Verdict.LOST for line in self.lines)


def number(value: float) -> str:
    """Return a number with three digits that mean something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def spread(values: Sequence[float], unit: str) -> str:
    """Return the median, and between which values it lies."""
    middle = f"{number(statistics.median(values))} {unit}"
    if len(values) == 1:
        return middle
    return f"{middle} ({number(min(values))}–{number(max(values))})"


def bound(line: Line, value: float | None) -> str:
    """Return a floor or goal as the issue says it."""
    if value is None:
        return ""
    match line.judged:
        case Judged.TIMES | Judged.FASTER:
            return f"≥ {number(value)} ×"
        case Judged.COST:
            return f"≤ {number(value)} ×"
        case Judged.AT_MOST:
            return f"≤ {number(value)} {line.unit}"
        case Judged.AT_LEAST:
            return f"≥ {number(value)} {line.unit}"


def cells(line: Line) -> tuple[str, ...]:
    """Return a line of the table."""
    theirs = f"{line.peer}: {spread(line.theirs, line.unit)}" if line.theirs else line.peer
    ratio = "" if line.ratio is None else f"{number(line.ratio)} ×"
    floor, goal = bound(line, line.floor), bound(line, line.goal)
    lost = f" ({line.lost:,})" if line.lost else ""
    return line.measure, spread(line.ours, line.unit), theirs, ratio, floor, goal, HOLDS[line.verdict] + lost


def table(results: Sequence[Result]) -> str:
    """Return all of them as plain text."""
    rows: list[tuple[str, ...]] = [HEADINGS]
    for result in results:
        rows += map(cells, result.lines)
        if result.failed:
            rows.append((result.name, "FAILED", result.failed, "", "", "", "**no**"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


# --- kept ----------------------------------------------------------------------------------------------------------


def known(folder: Path) -> dict[str, Result]:
    """Return the newest results by name."""
    file = folder / "results.json"
    return msgspec.json.decode(file.read_bytes(), type=dict[str, Result]) if file.is_file() else {}


def write(docs: Path, figures: Sequence[Figure], measured: Sequence[Result]) -> None:
    """Write docs/benchmarks.md and its charts; figures that were not measured now stay as they were."""
    folder = docs / "benchmarks"
    folder.mkdir(exist_ok=True)
    results = known(folder) | {result.name: result for result in measured}
    results = {figure.name: results[figure.name] for figure in figures if figure.name in results}
    kept = msgspec.json.format(msgspec.json.encode(results), indent=1)
    (folder / "results.json").write_bytes(kept + b"\n")
    for figure in figures:
        result = results.get(figure.name)
        if result is not None and result.lines:
            (folder / f"{figure.name}.svg").write_text(chart(figure.title, result.lines), "utf8")
    (docs / "benchmarks.md").write_text(page(figures, results), "utf8")


INTRODUCTION = """\
# Benchmarks

Written by `make bench` and `make bench-large` (a single figure: `.venv/bin/python -m tests.benchmarks NAME`); do not edit. Every figure is
measured beside its peer in one run on the same machine, taking turns; a number is the median of the rounds, with the smallest and the
largest. A peer that is missing, or a message that was acknowledged and is not there afterwards, is a failure. Floor and goal are held
against the ratio where there is one, and against Siyu's own number elsewhere. How it is done: `tests/benchmarks/`.
"""


def page(figures: Sequence[Figure], results: Mapping[str, Result]) -> str:
    """Return docs/benchmarks.md."""
    parts = [INTRODUCTION]
    for figure in figures:
        result = results.get(figure.name)
        if result is not None:
            parts.append(_section(figure, result))
    return "\n".join(parts)


def _section(figure: Figure, result: Result) -> str:
    large = " `make bench-large`." if figure.large else ""
    taken = "" if result.stolen is None else f"; the machine's host kept {result.stolen:.1%} of the time"
    measured = f"Measured {result.at}, {result.machine}; rounds: {result.rounds}{taken}.{large}"
    head = f"## {figure.title}\n\n{figure.about}\n\n{measured}\n"
    if result.failed:
        return f"{head}\n**Failed:** {result.failed}\n"
    rows = "\n".join("| " + " | ".join(cells(line)) + " |" for line in result.lines)
    heading = "| " + " | ".join(HEADINGS) + " |\n|" + "---|" * len(HEADINGS)
    notes = "".join(f"\n- {note}" for note in dict.fromkeys(line.note for line in result.lines if line.note))
    picture = f"\n![{figure.title}](benchmarks/{figure.name}.svg)\n"
    return f"{head}\n{heading}\n{rows}\n" + (f"{notes}\n" if notes else "") + picture
