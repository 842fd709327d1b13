"""Money: as people write it, and in smallest units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity import Currency
from domain.policies.money import currency_of, decimals, shown, smallest_units

CNY, JPY, KWD = Currency("CNY"), Currency("JPY"), Currency("KWD")


@pytest.mark.parametrize(
    "said, currency, expected",
    [
        ("199", CNY, 19_900),
        ("199.5", CNY, 19_950),
        ("￥1,299.50", CNY, 129_950),
        ("¥ 0.01", CNY, 1),
        ("９９元", CNY, 9_900),
        ("1200", JPY, 1_200),
        ("1.234", KWD, 1_234),
        ("-5", CNY, -500),
        ("199.505", CNY, None),
        ("12.5", JPY, None),
        ("", CNY, None),
        ("free", CNY, None),
        ("NaN", CNY, None),
        ("Infinity", CNY, None),
        ("1e99999999", CNY, None),
        ("=1+1", CNY, None),
        ("199,50", CNY, None),
        ("1,29,950", CNY, None),
        ("9" * 16, CNY, None),
        ("1_000", CNY, None),
    ],
)
def test_amounts_as_people_write_them(said: str, currency: Currency, expected: int | None) -> None:
    assert smallest_units(said, currency) == expected


@pytest.mark.parametrize(
    "said, code",
    [
        ("cny", "CNY"),
        ("RMB", "CNY"),
        ("人民币", "CNY"),
        (" usd ", "USD"),
        ("dollars", None),
        ("", None),
        ("元", "CNY"),
    ],
)
def test_currencies_as_people_write_them(said: str, code: str | None) -> None:
    assert currency_of(said) == code


def test_amounts_are_shown_with_their_decimals() -> None:
    assert [shown(19_950, CNY), shown(1_200, JPY), shown(1, KWD)] == ["199.50 CNY", "1200 JPY", "0.001 KWD"]
    assert decimals(Currency("EUR")) == 2


@given(st.integers(0, 10**12), st.sampled_from([CNY, JPY, KWD]))
def test_what_is_shown_is_read_as_the_same(amount: int, currency: Currency) -> None:
    assert smallest_units(shown(amount, currency).split()[0], currency) == amount
