"""Phone numbers in the one form that can be compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.phones import dialling


@pytest.mark.parametrize(
    "said",
    ["13800138000", "+86 138 0013 8000", "+8613800138000", "0086 13800138000", "１３８００１３８０００"],
)
def test_a_number_is_the_same_however_it_is_written(said: str) -> None:
    assert dialling("cn")(said) == "+8613800138000"


def test_without_a_country_it_is_one_of_the_region_s_and_elsewhere_none() -> None:
    assert dialling("intl")("13800138000") is None
    assert dialling("intl")("+1 415 555 2671") == dialling("cn")("+14155552671") == "+14155552671"


@pytest.mark.parametrize("said", ["", "12", "hello", "+86", "+" + "9" * 400])
def test_what_cannot_be_dialled_is_none(said: str) -> None:
    assert dialling("cn")(said) is None


@given(st.text())
def test_any_text_is_a_number_or_none(said: str) -> None:
    found = dialling("cn")(said)
    assert found is None or (found.startswith("+") and found[1:].isdecimal())
