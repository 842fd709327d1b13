"""A curve as a picture: an SVG with logarithmic axes, what was measured as dots, and the line that fits them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil, floor, log10
from statistics import median
from xml.sax.saxutils import escape

from tests.benchmarks.chart import STYLE, shown, text
from tests.benchmarks.growth.curve import Fit

WIDTH, HEIGHT = 760, 380
LEFT, RIGHT, TOP, BOTTOM = 90, 736, 78, 330
DOT = 5
NEAR_END, LABEL_GAP = 0.9, 12
"""A label stands left of a dot that is so near the right edge."""
_LINE = ".fit{stroke:#4a90d9;stroke-width:2;stroke-dasharray:6 4}.dot{fill:#4a90d9}"


def decades(values: Sequence[float]) -> range:
    """Return the powers of ten between which all values lie; at least one whole decade."""
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    return range(low, max(high, low + 1) + 1)


def chart(title: str, axes: tuple[str, str], costs: Mapping[int, Sequence[float]], fit: Fit) -> str:
    """Return the SVG. ``axes``: what the sizes count, and the unit of the costs; ``costs``: those of each round, by size."""
    sizes = sorted(costs)
    across = decades(sizes)
    ends = [fit.at(sizes[0]), fit.at(sizes[-1])]
    up = decades([*(value for values in costs.values() for value in values), *ends])

    def x(size: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * (log10(size) - across[0]) / (across[-1] - across[0]), 1)

    def y(cost: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * (log10(cost) - up[0]) / (up[-1] - up[0]), 1)

    line = f'<line class="fit" x1="{x(sizes[0])}" y1="{y(ends[0])}" x2="{x(sizes[-1])}" y2="{y(ends[1])}"/>'
    drawn = [
        text(24, 34, title, "ink title"),
        text(24, 60, f"{axes[1]}, by {axes[0]}; exponent {fit.exponent:.2f}", "soft"),
        *_grid(across, up, x, y),
        text((LEFT + RIGHT) / 2, HEIGHT - 10, axes[0], "soft", "middle"),
        line,
        *(part for size in sizes for part in _dots(costs[size], x(size), y)),
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            f"<title>{escape(title)}</title><style>{STYLE}{_LINE}</style>",
            f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}"/>',
            *drawn,
            "</svg>\n",
        ]
    )


def _grid(
    across: range, up: range, x: Callable[[float], float], y: Callable[[float], float]
) -> Iterator[str]:
    for power in across:
        at = x(10.0**power)
        yield f'<line class="grid" x1="{at}" y1="{TOP}" x2="{at}" y2="{BOTTOM}"/>'
        yield text(at, BOTTOM + 20, shown(10.0**power), "soft", "middle")
    for power in up:
        at = y(10.0**power)
        yield f'<line class="grid" x1="{LEFT}" y1="{at}" x2="{RIGHT}" y2="{at}"/>'
        yield text(LEFT - 8, at + 4, shown(10.0**power), "soft", "end")


def _dots(values: Sequence[float], x: float, y: Callable[[float], float]) -> Iterator[str]:
    at, late = y(median(values)), x > LEFT + (RIGHT - LEFT) * NEAR_END
    if len(values) > 1:
        yield f'<line class="span" x1="{x}" y1="{y(min(values))}" x2="{x}" y2="{y(max(values))}"/>'
    yield f'<circle class="dot" cx="{x}" cy="{at}" r="{DOT}"/>'
    beside = (x - LABEL_GAP, "end") if late else (x + LABEL_GAP, "start")
    yield text(beside[0], at - 8, shown(median(values)), "ink", beside[1])
