"""The results of a campaign in words."""

from functools import partial

import pytest

from bot.campaigns.results import Results
from bot.campaigns.results_said import told, worth_said
from bot.texts import Texts
from domain.identity import Currency, Locale
from projections.campaigns import Worth
from tests.bot.campaigns.counted import results

SAYS = {"opted-out": "unsubscribed"}


def lines(found: Results, language: str = "en") -> list[str]:
    say = partial(Texts("en").say, locale=Locale(language))
    return told(found, say, lambda reason: SAYS.get(reason, reason), lambda at: f"{at:%m-%d}")


def test_results_are_told_from_what_was_planned_to_what_it_brought() -> None:
    assert lines(results((5_000, 250), (5_000, 400), held_out=(1_000, 20))) == [
        "spring  春茶 <上新> & more",
        "  planned for: 11012",
        "  left out: 1012",
        "    unsubscribed: 12",
        "  sent to: 10000",
        "  arrived: 5000 (50.0 %, 49.0 % – 51.0 %)",
        "  reached the goal: 650 (6.5 %, 6.0 % – 7.0 %)",
        "  worth: 12,345.00 CNY",
        "The texts, by who reached the goal:",
        "  a: 250 (5.0 %, 4.4 % – 5.6 %) of 5000",
        "  b: 400 (8.0 %, 7.3 % – 8.8 %) of 5000; +3.0 percentage points (+2.0 to +4.0)",
        "b does better than a: 8.0 % against 5.0 % (p = 1.2e-09).",
        "  left in peace to compare with: 1000",
        "    Reached the goal: 6.5 %, without the campaign 2.0 %; +4.5 percentage points (+3.3 to +5.4), +225 % (p = 1.4e-08).",
        "Until 11-27 more may come in.",
    ]


def test_a_chinese_operator_reads_them_in_chinese() -> None:
    found = lines(results((5_000, 250), (5_000, 400), held_out=(1_000, 20)), "zh")
    assert found[1:3] == ["  计划发送: 11012", "  不发送: 1012"]
    assert "b 优于 a：8.0 % 对 5.0 %（p = 1.2e-09）。" in found


@pytest.mark.parametrize(
    "arms, conclusion",
    [
        (
            [(40, 2), (38, 5)],
            "Too little to tell yet: to notice that 5.0 % became 6.0 %, each text needs about 8158 people; the smallest has 38.",
        ),
        ([(40, 0), (38, 0)], "Too little to compare yet: of a there is nothing to start from."),
        ([(9_000, 450), (9_100, 460)], "No text does better than a so far as one can tell."),
        ([(5_000, 400), (5_000, 250)], "b does worse than a: 5.0 % against 8.0 % (p = 1.2e-09)."),
    ],
)
def test_a_comparison_ends_in_a_sentence(arms: list[tuple[int, int]], conclusion: str) -> None:
    assert conclusion in lines(results(*arms))


def test_of_three_texts_only_those_that_differ_for_sure_are_named() -> None:
    told_ = lines(results((5_000, 250), (5_000, 270), (5_000, 400)))
    assert [line[:18] for line in told_ if " does " in line] == ["c does better than"]


def test_a_lift_that_may_be_chance_is_called_so() -> None:
    (line,) = [line for line in lines(results((100, 9), held_out=(20, 1))) if "without the campaign" in line]
    assert line.endswith("That may be chance (p = 1).")


def test_a_draw_that_was_not_even_is_warned_of() -> None:
    warning = "People were not dealt out as planned"
    assert [line for line in lines(results((5_000, 250), (4_000, 200))) if line.startswith(warning)]
    assert not [line for line in lines(results((5_000, 250), (4_990, 200))) if line.startswith(warning)]


def test_one_text_is_compared_with_nothing() -> None:
    assert not [line for line in lines(results((100, 9))) if "texts" in line]


@pytest.mark.parametrize(
    "currency, value, said",
    [
        ("CNY", 1_234_567, "12,345.67 CNY"),
        ("JPY", 1_234, "1,234 JPY"),
        (None, 1_234, "1,234"),
        ("CNY", -50, "-0.50 CNY"),
    ],
)
def test_an_amount_is_told_in_its_currency(currency: str | None, value: int, said: str) -> None:
    assert worth_said(Worth(None if currency is None else Currency(currency), value)) == said
