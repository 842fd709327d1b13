from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from hypothesis import given

from domain.identity import ZoneName
from domain.policies.frequency_cap import WEEK, FrequencyCap
from tests.domain.controls.ids import NOON, SHANGHAI

CAP = FrequencyCap(per_day=1, per_week=2)
MIDNIGHT = datetime(2026, 3, 2, 16, tzinfo=UTC)  # in Shanghai
EARLIER = timedelta(hours=2)
DAY = timedelta(days=1)

zones = st.sampled_from([SHANGHAI, ZoneName("America/Havana"), ZoneName("Europe/Berlin")])
ages = st.timedeltas(timedelta(), timedelta(days=9))


def test_who_got_nothing_may_get_one_at_once() -> None:
    assert CAP.free_from([], NOON, SHANGHAI) == NOON


def test_after_the_one_of_today_the_next_waits_for_the_next_local_day() -> None:
    assert CAP.free_from([NOON - EARLIER], NOON, SHANGHAI) == MIDNIGHT
    assert CAP.free_from([NOON - EARLIER], MIDNIGHT, SHANGHAI) == MIDNIGHT


def test_a_day_begins_at_the_local_midnight() -> None:
    before_midnight = MIDNIGHT - timedelta(minutes=1)
    assert CAP.free_from([before_midnight], MIDNIGHT, SHANGHAI) == MIDNIGHT
    assert CAP.free_from([before_midnight], MIDNIGHT, ZoneName("UTC")) == MIDNIGHT + timedelta(hours=8)


def test_two_in_seven_days_wait_until_the_first_of_them_is_a_week_old() -> None:
    first, second = NOON - 6 * DAY, NOON - 2 * DAY
    assert CAP.free_from([second, first], NOON, SHANGHAI) == first + WEEK
    assert CAP.free_from([second, first], first + WEEK, SHANGHAI) == first + WEEK


def test_more_than_the_cap_wait_for_as_many_to_pass() -> None:
    sent = [NOON - days * DAY for days in (6, 5, 3, 1)]
    assert CAP.free_from(sent, NOON, SHANGHAI) == sent[2] + WEEK


def test_the_later_of_both_limits_counts() -> None:
    assert CAP.free_from([NOON - EARLIER, NOON - 2 * DAY], NOON, SHANGHAI) == NOON - 2 * DAY + WEEK


def test_zero_means_no_cap() -> None:
    sent = [NOON - EARLIER] * 9
    assert FrequencyCap(0, 0).free_from(sent, NOON, SHANGHAI) == NOON
    assert FrequencyCap(1, 0).free_from(sent, NOON, SHANGHAI) == MIDNIGHT
    assert FrequencyCap(0, 1).free_from(sent, NOON, SHANGHAI) == NOON - EARLIER + WEEK


@given(st.builds(FrequencyCap, st.integers(0, 3), st.integers(0, 4)), st.lists(ages, max_size=12), zones)
def test_at_the_moment_named_one_more_may_go_and_keeps_the_cap(
    cap: FrequencyCap, sent_ago: list[timedelta], zone: ZoneName
) -> None:
    sent = [NOON - ago for ago in sent_ago]
    free = cap.free_from(sent, NOON, zone)
    assert free >= NOON
    assert cap.free_from(sent, free, zone) == free
    if cap.per_week:
        assert len([at for at in sent if at > free - WEEK]) < cap.per_week


@given(st.integers(1, 3), st.integers(1, 4), st.lists(st.integers(0, 600), max_size=40))
def test_whoever_obeys_never_sends_more_than_the_cap(per_day: int, per_week: int, hours: list[int]) -> None:
    cap = FrequencyCap(per_day, per_week)
    sent: list[datetime] = []
    for now in sorted(NOON + timedelta(hours=hour) for hour in hours):
        if cap.free_from(sent, now, SHANGHAI) <= now:
            sent.append(now)
    dates = [(at + timedelta(hours=8)).date() for at in sent]
    assert all(dates.count(day) <= per_day for day in dates)
    assert all(len([at for at in sent if begin <= at < begin + WEEK]) <= per_week for begin in sent)
