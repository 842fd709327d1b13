"""The results of a campaign as a picture: an SVG of rates with their intervals, for light and dark screens."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, floor, log10
from xml.sax.saxutils import escape

from bot.campaigns.results import Results
from bot.campaigns.results_said import conclusions, figure_said, percent
from bot.campaigns.statistics import Rate
from projections.campaigns import Figure

Say = Callable[[str], str]

WIDTH, EDGE = 720, 24
VALUES = 150
"""Kept free at the right, for the number behind a bar."""
ROW, BAR, HEAD, TITLE = 56, 18, 40, 64
LINE = 20
TICKS = 5
WIDE_FROM = 0x2E80
"""From here on a letter is as wide as it is high."""
LETTER, WIDE_LETTER = 7.2, 13.0

STYLE = """
.ground{fill:#ffffff}.ink{fill:#1c1c1e}.soft{fill:#5f6368}.grid{stroke:#dadce0}.bar{fill:#4a90d9}.rest{fill:#8795a8}
.span{stroke:#1c1c1e;stroke-width:2}text{font:13px system-ui,"Noto Sans","Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif}
.title{font-size:17px;font-weight:600}.head{font-weight:600}
@media(prefers-color-scheme:dark){.ground{fill:#1c1c1e}.ink{fill:#f2f2f7}.soft{fill:#aeaeb2}.grid{stroke:#3a3a3c}.bar{fill:#3182ce}
.rest{fill:#718096}.span{stroke:#f2f2f7}}
"""


@dataclass(frozen=True, slots=True)
class _Row:
    """``own``: of the campaign's doing; the others are what it is compared with."""

    label: str
    rate: Rate
    own: bool = True


@dataclass(frozen=True, slots=True)
class _Chart:
    title: str
    rows: tuple[_Row, ...]

    @property
    def height(self) -> int:
        return HEAD + ROW * len(self.rows) + LINE + EDGE


def picture(results: Results, say: Say) -> str:
    """Return the SVG. Where nothing went out yet it says so."""
    known = results.campaign
    title = str(results.id) if known is None else known.name
    charts = list(_charts(results, say))
    lines = [line for text in _notes(results, say) for line in _wrapped(text, WIDTH - 2 * EDGE)]
    height = TITLE + sum(chart.height for chart in charts) + LINE * len(lines) + EDGE
    body = [_text(EDGE, 38, title, "ink title")]
    top = TITLE
    for chart in charts:
        body += _drawn(chart, top)
        top += chart.height
    body += [_text(EDGE, top + LINE * number, line, "soft") for number, line in enumerate(lines)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">',
            f"<title>{_safe(title)}</title><style>{STYLE}</style>",
            f'<rect class="ground" width="{WIDTH}" height="{height}"/>',
            *body,
            "</svg>\n",
        ]
    )


def _charts(results: Results, say: Say) -> Iterator[_Chart]:
    if results.arms:
        rows = tuple(
            _Row(say("{arm}, sent to {people}").format(arm=arm.variant, people=arm.rate.people), arm.rate)
            for arm in results.arms
        )
        yield _Chart(say("Each text: {figure}").format(figure=figure_said(results.measure, say)), rows)
    if results.holdouts and results.campaign is not None and results.campaign.goal is not None:
        reached = results.holdouts[0].reached
        with_it = say("with the campaign ({people})").format(people=reached.people)
        bases = (
            _Row(f"{figure_said(held.figure, say)} ({held.base.people})", held.base, own=False)
            for held in results.holdouts
        )
        title = say("With and without it: {figure}").format(figure=figure_said(Figure.CONVERTED, say))
        yield _Chart(title, (_Row(with_it, reached), *bases))


def _notes(results: Results, say: Say) -> Iterator[str]:
    if not results.arms:
        yield say("Nothing went out yet.")
        return
    if len(results.arms) > 1:
        yield from conclusions(results, say)
    yield say("The lines show where the true rate lies in 95 of 100 cases.")


# --- drawing -------------------------------------------------------------------------------------------------------


def _drawn(chart: _Chart, top: int) -> Iterator[str]:
    """Yield one chart: a grid, and for each row its label, bar, interval and number."""
    end = _scale_end(
        max(row.rate.interval.high for row in chart.rows if row.rate.people) if _any(chart) else 0
    )
    left, right = EDGE, WIDTH - EDGE - VALUES
    bottom = top + HEAD + ROW * len(chart.rows)

    def at(share: float) -> float:
        return round(left + (right - left) * min(share, end) / end, 1)

    yield _text(left, top + 14, chart.title, "ink head")
    for tick in range(TICKS + 1):
        share = end * tick / TICKS
        x = at(share)
        yield f'<line class="grid" x1="{x}" y1="{top + HEAD - 12}" x2="{x}" y2="{bottom}"/>'
        yield _text(x, bottom + 16, _tick(share, end), "soft", "middle" if tick else "start")
    for number, row in enumerate(chart.rows):
        yield from _bar(row, top + HEAD + ROW * number, at)


def _bar(row: _Row, top: int, at: Callable[[float], float]) -> Iterator[str]:
    yield _text(EDGE + 2, top + 12, row.label, "ink")
    if not row.rate.people:
        return
    y, middle = top + 20, top + 20 + BAR / 2
    start, width = at(0), round(at(row.rate.value) - at(0), 1)
    low, high = at(row.rate.interval.low), at(row.rate.interval.high)
    yield f'<rect class="{"bar" if row.own else "rest"}" x="{start}" y="{y}" width="{width}" height="{BAR}" rx="2"/>'
    yield f'<line class="span" x1="{low}" y1="{middle}" x2="{high}" y2="{middle}"/>'
    for x in (low, high):
        yield f'<line class="span" x1="{x}" y1="{middle - 5}" x2="{x}" y2="{middle + 5}"/>'
    yield _text(high + 8, middle + 5, f"{percent(row.rate.value)} ({row.rate.hits})", "ink")


def _any(chart: _Chart) -> bool:
    return any(row.rate.people for row in chart.rows)


def _scale_end(highest: float) -> float:
    """Return the end of a scale that holds a share, such as 0.05, 0.2 or 1."""
    if highest <= 0:
        return 1.0
    step = 10.0 ** floor(log10(highest))
    ends = next(factor for factor in (1, 2, 2.5, 5, 10) if factor * step >= highest)
    return float(min(1.0, ends * step))


def _tick(share: float, end: float) -> str:
    digits = (
        0
        if end * 100 / TICKS >= 1 and (end * 100 / TICKS) % 1 == 0
        else max(1, ceil(-log10(end * 100 / TICKS)) + 1)
    )
    return f"{100 * share:.{digits}f} %"


def _text(x: float, y: float, text: str, style: str, anchor: str = "start") -> str:
    return f'<text class="{style}" x="{x}" y="{y}" text-anchor="{anchor}">{_safe(text)}</text>'


def _safe(text: str) -> str:
    return escape("".join(sign for sign in text if sign.isprintable()))


def _wrapped(text: str, width: float) -> Iterator[str]:
    """Yield lines that fit: broken at blanks, and between wide letters, which have none."""
    line, used = "", 0.0
    for word in _words(text):
        long = sum(WIDE_LETTER if ord(sign) >= WIDE_FROM else LETTER for sign in word)
        if line and used + long > width:
            yield line.rstrip()
            line, used = "", 0.0
        line, used = line + (word if line else word.lstrip()), used + long
    if line:
        yield line.rstrip()


def _words(text: str) -> Iterator[str]:
    word = ""
    for sign in text:
        if sign == " " or ord(sign) >= WIDE_FROM:
            if word:
                yield word
            word = sign
        else:
            word += sign
    yield word
