"""The canary: how many go first, and what stops it."""

from dataclasses import replace

from domain.campaigns.canary import FAILURES, OPT_OUTS, first_of, goes_first, sample_of, stops
from domain.campaigns.plan import Canary, Meant, Selection
from domain.identity import KeyedHash
from domain.policies.experiments import point
from tests.domain.controls.events import CAMPAIGN_DRAFTED

USUAL = Canary()


def test_one_per_cent_but_at_least_twenty_go_first_and_nobody_where_few_are_meant() -> None:
    assert [sample_of(USUAL, meant) for meant in (0, 20, 100, 101, 2_000, 2_001, 100_000)] == [
        0,
        0,
        0,
        20,
        20,
        21,
        1_000,
    ]
    assert sample_of(None, 100_000) == 0


def test_of_groups_none_goes_first() -> None:
    everybody = replace(CAMPAIGN_DRAFTED, canary=USUAL, selection=Selection(meant=Meant.ALL))
    assert first_of(everybody, 101) == 20
    assert first_of(replace(everybody, selection=Selection(meant=Meant.GROUPS)), 101) == 0


def test_as_many_as_shall_go_first_do_though_each_is_drawn() -> None:
    digest = KeyedHash(b"secret")
    for meant in (101, 500, 5_000, 50_000):
        for run in range(20):
            sample = sample_of(USUAL, meant)
            first = sum(
                goes_first(point(digest(f"run{run}", "first", str(n))), sample, meant)
                for n in range(min(meant, 5_000))
            )
            if meant <= 5_000:
                assert sample <= first <= 3 * sample


def test_more_than_so_many_failures_or_opt_outs_stop_it() -> None:
    assert stops(USUAL, sent=18, failed=2, unknown=0, opted_out=0) is None
    assert stops(USUAL, sent=17, failed=2, unknown=1, opted_out=0) == FAILURES
    assert stops(USUAL, sent=100, failed=0, unknown=0, opted_out=3) is None
    assert stops(USUAL, sent=100, failed=0, unknown=0, opted_out=4) == OPT_OUTS
    assert stops(USUAL, sent=0, failed=0, unknown=0, opted_out=0) is None
    assert stops(USUAL, sent=0, failed=1, unknown=0, opted_out=0) == FAILURES
