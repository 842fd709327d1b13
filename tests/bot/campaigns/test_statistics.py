"""Intervals, differences and tests, held against the literature and against scipy."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, chi2_contingency, chisquare, fisher_exact

from bot.campaigns.statistics import Interval, Rate, adjusted, difference, evenness, people_needed

RATES = st.tuples(st.integers(1, 2_000), st.floats(0, 1)).map(lambda t: Rate(round(t[0] * t[1]), t[0]))


@pytest.mark.parametrize(
    "hits, people, low, high",
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_an_interval_is_as_newcombe_s_paper_of_1998_gives_it(
    hits: int, people: int, low: float, high: float
) -> None:
    found = Rate(hits, people).interval
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@given(rate=RATES)
def test_any_interval_is_the_one_scipy_computes(rate: Rate) -> None:
    expected = binomtest(rate.hits, rate.people).proportion_ci(method="wilson")
    assert (rate.interval.low, rate.interval.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert 0 <= rate.interval.low <= rate.value <= rate.interval.high <= 1


def test_the_interval_holds_the_true_rate_about_as_often_as_it_says() -> None:
    n, true = 200, 0.08
    inside = [k for k in range(n + 1) if (i := Rate(k, n).interval).low <= true <= i.high]
    assert 0.93 < sum(binom.pmf(k, n, true) for k in inside) < 0.97


def test_of_nobody_nothing_is_known() -> None:
    assert (Rate(0, 0).value, Rate(0, 0).interval) == (0.0, Interval(0.0, 1.0))
    assert difference(Rate(0, 0), Rate(3, 9)).p_value == 1.0


@pytest.mark.parametrize(
    "other, control, low, high",
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_a_difference_is_as_newcombe_s_other_paper_gives_it(
    other: tuple[int, int], control: tuple[int, int], low: float, high: float
) -> None:
    found = difference(Rate(*control), Rate(*other)).interval
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_a_lift_is_relative_to_the_control() -> None:
    found = difference(Rate(50, 1_000), Rate(60, 1_000))
    assert found.value == pytest.approx(0.01)
    assert found.lift == pytest.approx(0.2)
    assert difference(Rate(0, 1_000), Rate(60, 1_000)).lift is None


@given(control=RATES, other=RATES)
def test_a_p_value_is_pearson_s_or_where_little_is_expected_fisher_s(control: Rate, other: Rate) -> None:
    cells = [[rate.hits, rate.people - rate.hits] for rate in (control, other)]
    hits, people = control.hits + other.hits, control.people + other.people
    if hits in {0, people}:
        expected = 1.0
    elif min(hits, people - hits) * min(control.people, other.people) / people < 5:
        expected = fisher_exact(cells).pvalue
    else:
        expected = chi2_contingency(cells, correction=False).pvalue
    assert difference(control, other).p_value == pytest.approx(expected, abs=1e-9)


def test_the_lady_tasting_tea() -> None:
    assert difference(Rate(1, 4), Rate(3, 4)).p_value == pytest.approx(0.4857, abs=1e-4)


@pytest.mark.parametrize(
    "plain, expected",
    [([], []), ([0.03], [0.03]), ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]), ([0.9, 0.6], [1.0, 1.0])],
)
def test_several_comparisons_make_each_less_sure(plain: list[float], expected: list[float]) -> None:
    assert adjusted(plain) == pytest.approx(expected)


@pytest.mark.parametrize(
    "observed, weights, even",
    [
        ([5_000, 5_000], [1, 1], True),
        ([5_100, 4_900], [1, 1], True),
        ([5_250, 4_750], [1, 1], False),
        ([8_000, 2_000], [4, 1], True),
        ([821_588, 815_482], [1, 1], False),  # Fabijan et al., KDD 2019
        ([7, 0], [1, 1], True),
        ([12], [1], True),
        ([0, 0], [1, 1], True),
    ],
)
def test_an_uneven_draw_is_noticed_once_chance_alone_explains_it_no_more(
    observed: list[int], weights: list[float], even: bool
) -> None:
    assert (evenness(observed, weights) >= 0.001) == even


@given(cells=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 9)), min_size=2, max_size=9))
def test_how_uneven_a_draw_is_is_what_scipy_computes(cells: list[tuple[int, int]]) -> None:
    observed, weights = [count for count, _ in cells], [float(weight) for _, weight in cells]
    if sum(observed):
        expected = [sum(observed) * weight / sum(weights) for weight in weights]
        assert evenness(observed, weights) == pytest.approx(chisquare(observed, expected).pvalue, abs=1e-9)


@pytest.mark.parametrize(
    "rate, lift, people", [(0.05, 0.2, 8_158), (0.1, 0.5, 686), (0.0, 0.2, inf), (0.9, 0.2, inf)]
)
def test_how_many_people_a_comparison_needs(rate: float, lift: float, people: float) -> None:
    assert people_needed(rate, lift) == people
