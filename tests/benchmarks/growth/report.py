"""What was measured of growth, told: docs/growth.md, a chart a curve, and the numbers as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import msgspec

from tests.benchmarks.growth.chart import chart
from tests.benchmarks.growth.curve import Curve, Fit
from tests.benchmarks.report import number

TOLERATED = 0.25
"""So far above its exponent a curve may be before it is pointed out: caches of the processor and the height of a B-tree are within it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What became of a curve. ``at``: the day; ``costs``: a value a round, by size; ``failed``: why there are none."""

    name: str
    at: str
    machine: str
    costs: dict[int, list[float]] = field(default_factory=dict)
    failed: str = ""

    @property
    def fit(self) -> Fit | None:
        """The line through the medians, None where there are not two of them."""
        return (
            Fit.of({size: median(values) for size, values in self.costs.items()})
            if len(self.costs) > 1
            else None
        )


def known(folder: Path) -> dict[str, Measured]:
    """Return the newest results by name."""
    file = folder / "results.json"
    return msgspec.json.decode(file.read_bytes(), type=dict[str, Measured]) if file.is_file() else {}


def write(docs: Path, curves: Sequence[Curve], measured: Sequence[Measured]) -> None:
    """Write docs/growth.md and its charts; curves that were not measured now stay as they were."""
    folder = docs / "growth"
    folder.mkdir(exist_ok=True)
    results = known(folder) | {each.name: each for each in measured}
    results = {curve.name: results[curve.name] for curve in curves if curve.name in results}
    (folder / "results.json").write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    for curve in curves:
        result = results.get(curve.name)
        if result is not None and result.fit is not None:
            drawn = chart(curve.title, (curve.of, curve.unit), result.costs, result.fit)
            (folder / f"{curve.name}.svg").write_text(drawn, "utf8")
    (docs / "growth.md").write_text(page(curves, results), "utf8")


INTRODUCTION = """\
# How cost grows

Written by `make bench-large` (alone: `make bench-growth`; one curve: `make bench-growth ONLY=NAME`); do not edit. Each cost is processor
time, which other work on the machine disturbs little, measured on SQLite at ten thousand, a hundred thousand, a million, and ten million
where that fits; a number is the median of its rounds. The exponent is that of `cost = factor * size ** exponent`, by least squares on the
logarithms: 0 costs the same however much there is, 1 grows with it; the last column says what ten times as many cost. How it is done:
`tests/benchmarks/growth/`.
"""


def page(curves: Sequence[Curve], results: Mapping[str, Measured]) -> str:
    """Return docs/growth.md."""
    shown = [(curve, results[curve.name]) for curve in curves if curve.name in results]
    rows = [_row(curve, result) for curve, result in shown]
    heading = (
        "| what | of | 10k | 100k | 1M | 10M | unit | exponent | expected | ten times as many |\n|"
        + "---|" * 10
    )
    sections = [_section(curve, result) for curve, result in shown]
    return "\n".join([INTRODUCTION, heading, *rows, "", *sections])


def _row(curve: Curve, result: Measured) -> str:
    fit = result.fit
    costs = [
        number(median(result.costs[size])) if size in result.costs else ""
        for size in (10**4, 10**5, 10**6, 10**7)
    ]
    if fit is None:
        told = ["**failed**" if result.failed else "", "", ""]
    else:
        high = fit.exponent > curve.expected + TOLERATED
        exponent = f"**{fit.exponent:.2f}**" if high else f"{fit.exponent:.2f}"
        told = [exponent, f"{curve.expected:g}", f"{number(fit.tenfold)} ×"]
    return "| " + " | ".join([curve.title, curve.of, *costs, curve.unit, *told]) + " |"


def _section(curve: Curve, result: Measured) -> str:
    head = f"## {curve.title}\n\n{curve.about}\n\nMeasured {result.at}, {result.machine}.\n"
    if result.failed:
        return f"{head}\n**Failed:** {result.failed}\n"
    return f"{head}\n![{curve.title}](growth/{curve.name}.svg)\n"
