"""Sources lie in clear in the log for ever: only harmless codes are any."""

import pytest

from domain.policies.sources import LONGEST_SOURCE, coded


@pytest.mark.parametrize("text", ["door-2", "a", "x" * LONGEST_SOURCE, "spring_2026", "42"])
def test_a_code_is_a_source(text: str) -> None:
    assert (coded(text), coded(text.upper())) == (text, text)


@pytest.mark.parametrize(
    "text",
    ["", "x" * (LONGEST_SOURCE + 1), "张三", "a b", "a.b", "13800138000", "tel-138-0013-8000", "door\n"],
)
def test_what_may_be_a_person_is_none(text: str) -> None:
    assert coded(text) is None
