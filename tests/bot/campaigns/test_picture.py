"""The results as a picture."""

from functools import partial
from xml.etree import ElementTree as ET

import pytest

from bot.campaigns.picture import STYLE, WIDTH, picture
from bot.campaigns.results import Results
from bot.texts import Texts
from domain.identity import Locale
from tests.bot.campaigns.counted import results

SVG = "{http://www.w3.org/2000/svg}"


def drawn(found: Results, language: str = "en") -> ET.Element:
    return ET.fromstring(picture(found, partial(Texts("en").say, locale=Locale(language))))


def bars(svg: ET.Element, kind: str = "bar") -> list[float]:
    return [float(bar.get("width", "")) for bar in svg.iter(f"{SVG}rect") if bar.get("class") == kind]


def texts(svg: ET.Element) -> list[str]:
    return [text.text or "" for text in svg.iter(f"{SVG}text")]


def test_a_bar_is_as_long_as_its_rate() -> None:
    one, two = bars(drawn(results((5_000, 250), (5_000, 500))))
    assert two == pytest.approx(2 * one, abs=0.2)


def test_a_line_spans_the_interval_and_stays_in_the_picture() -> None:
    svg = drawn(results((40, 2), (38, 38)))
    lines = [line for line in svg.iter(f"{SVG}line") if line.get("class") == "span"]
    assert len(lines) == 6
    edges = [float(line.get(end, "")) for line in lines for end in ("x1", "x2")]
    assert 0 < min(edges) < max(edges) < WIDTH - 100


def test_those_who_got_nothing_have_a_bar_of_their_own() -> None:
    svg = drawn(results((5_000, 250), held_out=(1_000, 20)))
    assert (len(bars(svg)), len(bars(svg, "rest"))) == (2, 1)
    assert "left in peace to compare with (1000)" in texts(svg)


def test_it_says_what_the_comparison_comes_to() -> None:
    assert "b does better than a: 8.0 % against 5.0 % (p = 1.2e-09)." in texts(
        drawn(results((5_000, 250), (5_000, 400)))
    )


def test_it_is_labelled_in_the_reader_s_language_and_long_lines_are_broken() -> None:
    svg = drawn(results((40, 2), (38, 5)), "zh")
    assert "a，已发送 40 人" in texts(svg)
    assert all(len(text) < 90 for text in texts(svg))


def test_a_name_cannot_break_out_of_it() -> None:
    assert "春茶 <上新> & more" in texts(drawn(results((40, 2))))


def test_what_did_not_go_out_is_not_drawn() -> None:
    assert "Nothing went out yet." in texts(drawn(results()))
    assert bars(drawn(results((0, 0), (0, 0)))) == []


def test_it_suits_dark_screens_too_and_loads_nothing() -> None:
    assert "prefers-color-scheme:dark" in STYLE
    whole = picture(results((40, 2), (38, 5)), lambda text: text)
    assert "http" not in whole.replace("http://www.w3.org/2000/svg", "")
