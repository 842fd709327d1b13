"""A figure as a picture: an SVG of bars with their spread, for light and dark screens."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import floor, log10
from xml.sax.saxutils import escape

from tests.benchmarks.figure import Line

WIDTH, EDGE = 760, 24
VALUES = 170
"""Kept free at the right, for the number behind a bar."""
ROW, BAR, HEAD, TITLE, FOOT = 46, 16, 34, 56, 40
TICKS = 4

STYLE = """
.ground{fill:#ffffff}.ink{fill:#1c1c1e}.soft{fill:#5f6368}.grid{stroke:#dadce0}.bar{fill:#4a90d9}.rest{fill:#8795a8}
.span{stroke:#1c1c1e;stroke-width:2}text{font:13px system-ui,"Noto Sans","Noto Sans CJK SC",sans-serif}
.title{font-size:17px;font-weight:600}.head{font-weight:600}
@media(prefers-color-scheme:dark){.ground{fill:#1c1c1e}.ink{fill:#f2f2f7}.soft{fill:#aeaeb2}.grid{stroke:#3a3a3c}.bar{fill:#3182ce}
.rest{fill:#718096}.span{stroke:#f2f2f7}}
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One side's values. ``own``: ours."""

    label: str
    values: tuple[float, ...]
    own: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """What is measured alike."""

    title: str
    bars: tuple[Bar, ...]

    @property
    def height(self) -> int:
        return HEAD + ROW * len(self.bars) + FOOT


def panels(lines: Sequence[Line]) -> list[Panel]:
    """Return one panel a measure, in which each side stands once."""
    found: dict[str, dict[Bar, None]] = {}
    for line in lines:
        bars = found.setdefault(f"{line.measure}, {line.unit}", {})
        bars[Bar("Siyu", tuple(line.ours), own=True)] = None
        if line.theirs:
            bars[Bar(line.peer, tuple(line.theirs), own=False)] = None
    return [Panel(title, tuple(bars)) for title, bars in found.items()]


def chart(title: str, lines: Sequence[Line]) -> str:
    """Return the SVG."""
    drawn, top = [text(EDGE, 34, title, "ink title")], TITLE
    for panel in panels(lines):
        drawn += _panel(panel, top)
        top += panel.height
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}" role="img">',
            f"<title>{escape(title)}</title><style>{STYLE}</style>",
            f'<rect class="ground" width="{WIDTH}" height="{top}"/>',
            *drawn,
            "</svg>\n",
        ]
    )


def scale_end(highest: float) -> float:
    """Return a round number that is not below the highest value."""
    if highest <= 0:
        return 1.0
    step = 10.0 ** floor(log10(highest))
    return float(next(factor for factor in (1, 2, 2.5, 5, 10) if factor * step >= highest) * step)


def _panel(panel: Panel, top: int) -> Iterator[str]:
    end = scale_end(max(max(bar.values) for bar in panel.bars))
    left, right = EDGE, WIDTH - EDGE - VALUES
    bottom = top + HEAD + ROW * len(panel.bars)

    def at(value: float) -> float:
        return round(left + (right - left) * max(value, 0.0) / end, 1)

    yield text(left, top + 12, panel.title, "ink head")
    for tick in range(TICKS + 1):
        value = end * tick / TICKS
        x = at(value)
        yield f'<line class="grid" x1="{x}" y1="{top + HEAD - 12}" x2="{x}" y2="{bottom}"/>'
        yield text(x, bottom + 14, shown(value), "soft", "middle" if tick else "start")
    for number, bar in enumerate(panel.bars):
        yield from _bar(bar, top + HEAD + ROW * number, at)


def _bar(bar: Bar, top: int, at: Callable[[float], float]) -> Iterator[str]:
    y, middle, value = top + 18, top + 18 + BAR / 2, statistics.median(bar.values)
    low, high = at(min(bar.values)), at(max(bar.values))
    yield text(EDGE + 2, top + 11, bar.label, "ink")
    width = max(1.0, round(at(value) - at(0), 1))
    yield f'<rect class="{"bar" if bar.own else "rest"}" x="{at(0)}" y="{y}" width="{width}" height="{BAR}" rx="2"/>'
    if len(bar.values) > 1:
        yield f'<line class="span" x1="{low}" y1="{middle}" x2="{high}" y2="{middle}"/>'
        for x in (low, high):
            yield f'<line class="span" x1="{x}" y1="{middle - 4}" x2="{x}" y2="{middle + 4}"/>'
    yield text(high + 8, middle + 5, shown(value), "ink")


def shown(value: float) -> str:
    """Return a number as it is written beside a bar or below a line."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def text(x: float, y: float, said: str, style: str, anchor: str = "start") -> str:
    """Return a text of the SVG. ``style``: its classes."""
    return f'<text class="{style}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(said)}</text>'
