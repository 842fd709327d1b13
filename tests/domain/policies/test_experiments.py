"""Experiments: drawn evenly, alike each time, and independently of each other."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from domain.identity import Digest, KeyedHash
from domain.policies.experiments import drawn, held_out, point

DIGEST = KeyedHash(b"secret")
PEOPLE = 20_000


def of(campaign: str, what: str, customer: int) -> Digest:
    return DIGEST(campaign, what, f"c{customer}")


def test_points_are_spread_evenly() -> None:
    tenths = Counter(int(point(of("summer", "arm", n)) * 10) for n in range(PEOPLE))
    assert sorted(tenths) == list(range(10))
    expected = PEOPLE / 10
    chi_square = sum((count - expected) ** 2 / expected for count in tenths.values())
    assert chi_square < 27.9  # p = 0.001 with nine degrees of freedom


def test_the_ends_are_inside() -> None:
    assert point(Digest("0" * 32)) == 0.0
    assert point(Digest("f" * 32)) < 1.0
    assert drawn(Digest("f" * 32), [1, 0]) == 0


@given(weights=st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any), key=st.binary(max_size=8))
def test_nobody_falls_into_an_arm_without_weight_and_each_falls_alike_again(
    weights: list[int], key: bytes
) -> None:
    digest = DIGEST(key.hex())
    assert weights[drawn(digest, weights)] > 0
    assert drawn(digest, weights) == drawn(digest, weights)


def test_arms_get_their_share() -> None:
    arms = Counter(drawn(of("summer", "arm", n), [1, 3, 6]) for n in range(PEOPLE))
    for arm, share in enumerate((0.1, 0.3, 0.6)):
        assert abs(arms[arm] / PEOPLE - share) < 0.015


def test_a_holdout_has_its_share_and_none_or_all_where_it_says_so() -> None:
    out = sum(held_out(of("summer", "holdout", n), 10) for n in range(PEOPLE))
    assert abs(out / PEOPLE - 0.1) < 0.01
    assert not any(held_out(of("summer", "holdout", n), 0) for n in range(1_000))
    assert all(held_out(of("summer", "holdout", n), 100) for n in range(1_000))


def test_one_draw_says_nothing_about_another() -> None:
    out = [n for n in range(PEOPLE) if held_out(of("summer", "holdout", n), 10)]
    again = sum(held_out(of("autumn", "holdout", n), 10) for n in out)
    other_arm = sum(drawn(of("summer", "arm", n), [1, 1]) for n in out)
    assert abs(again / len(out) - 0.1) < 0.04
    assert abs(other_arm / len(out) - 0.5) < 0.06
