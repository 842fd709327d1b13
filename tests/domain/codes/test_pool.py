"""The pool: codes in the order they came, filled by whoever has seen what is in it, and counted until it expires."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given as whatever
from hypothesis import strategies as st

from domain.codes.pool import PoolState, code_digest, pools
from domain.errors import Rejected, UnknownRecipient
from domain.identity import Digest, KeyedHash
from domain.message import Personal
from tests.domain.controls import commands, events
from tests.domain.controls.ids import CODE, NOON
from tests.domain.given import given

DIGEST = KeyedHash(b"secret")
MORE = replace(
    commands.ADD_CODES, since=2, codes=Personal(["TEA-3"]), digests=(Digest("c0de3"),), operator=None
)


def test_codes_are_numbered_in_the_order_they_come() -> None:
    state = given(pools).when(commands.ADD_CODES).then(events.CODES_ADDED)
    assert [state.code(number) for number in (1, 2)] == ["TEA-1", "TEA-2"]
    third = replace(events.CODES_ADDED, first=3, codes=MORE.codes, digests=(Digest("c0de3"),), operator=None)
    grown = given(pools, events.CODES_ADDED).when(MORE).then(third)
    assert (grown.added, grown.code(3), grown.code(1)) == (3, "TEA-3", "TEA-1")


def test_whoever_did_not_see_what_is_in_it_has_to_look_again() -> None:
    given(pools, events.CODES_ADDED).when(commands.ADD_CODES).then_rejected(
        "somebody put codes into the pool tea-codes just now: try again"
    )


def test_no_codes_change_nothing() -> None:
    given(pools).when(replace(commands.ADD_CODES, codes=Personal([]), digests=())).then_nothing()


def test_it_expires_at_a_moment_that_may_be_moved() -> None:
    state = given(pools, events.CODES_ADDED).when(commands.SET_POOL_EXPIRY).then(events.POOL_EXPIRY_SET)
    assert state.expires_at is not None
    assert [state.expired(state.expires_at + late) for late in (timedelta(seconds=-1), timedelta(0))] == [
        False,
        True,
    ]
    given(pools, events.CODES_ADDED, events.POOL_EXPIRY_SET).when(commands.SET_POOL_EXPIRY).then_nothing()


def test_an_expiry_that_is_past_or_of_no_pool_is_refused() -> None:
    past = replace(commands.SET_POOL_EXPIRY, expires_at=NOON)
    given(pools, events.CODES_ADDED).when(past).then_rejected("codes cannot expire in the past", Rejected)
    given(pools).when(commands.SET_POOL_EXPIRY).then_rejected("there is no pool tea-codes", UnknownRecipient)


def test_a_pool_in_doubt_is_settled_once_and_what_is_withdrawn_stays_so() -> None:
    given(pools).when(commands.DOUBT_POOL).then_nothing()
    state = given(pools, events.CODES_ADDED).when(commands.DOUBT_POOL).then(events.POOL_DOUBTED)
    assert state.doubted
    doubted = (events.CODES_ADDED, events.POOL_DOUBTED)
    given(pools, *doubted).when(commands.DOUBT_POOL).then_nothing()
    settled = given(pools, *doubted).when(commands.SETTLE_POOL).then(events.POOL_SETTLED)
    assert (settled.doubted, settled.withdrawn) == (False, 1)
    none_since = replace(events.POOL_SETTLED, through=0)
    again = (*doubted, events.POOL_SETTLED, events.POOL_DOUBTED)
    later = given(pools, *again).when(replace(commands.SETTLE_POOL, through=0)).then(none_since)
    assert (later.doubted, later.withdrawn) == (False, 1)


def test_what_is_not_in_doubt_cannot_be_settled() -> None:
    for known in ((), (events.CODES_ADDED,), (events.CODES_ADDED, events.POOL_DOUBTED, events.POOL_SETTLED)):
        given(pools, *known).when(commands.SETTLE_POOL).then_rejected(
            "the pool tea-codes is not in doubt: its codes are given out"
        )


@whatever(st.lists(st.integers(1, 7), min_size=1, max_size=20))
def test_every_number_has_its_code_however_the_codes_came(sizes: list[int]) -> None:
    state, codes = PoolState(), [f"C{number}" for number in range(1, sum(sizes) + 1)]
    for size in sizes:
        part = codes[state.added : state.added + size]
        added = replace(
            events.CODES_ADDED, first=state.added + 1, codes=Personal(part), digests=(CODE,) * size
        )
        state = pools.evolve(state, added)
    assert [state.code(number) for number in range(1, state.added + 1)] == codes


@pytest.mark.parametrize("said", ["tea-1", " TEA-1 ", "ＴＥＡ－１"])
def test_a_code_is_the_same_however_it_is_typed(said: str) -> None:
    assert code_digest(DIGEST, said) == code_digest(DIGEST, "TEA-1")
    assert code_digest(DIGEST, said) != code_digest(DIGEST, "TEA-2")
