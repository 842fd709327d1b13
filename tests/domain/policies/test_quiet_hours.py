from datetime import UTC, datetime, time, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from domain.identity import ZoneName
from domain.policies.quiet_hours import QuietHours
from tests.domain.controls.ids import SHANGHAI

NIGHT = QuietHours(time(22), time(8, 30))
BERLIN = ZoneName("Europe/Berlin")

minutes = st.builds(time, st.integers(0, 23), st.integers(0, 59))
zones = st.sampled_from([SHANGHAI, BERLIN, ZoneName("America/New_York"), ZoneName("Australia/Lord_Howe")])
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis adds the zone


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    "moment, quiet",
    [
        (utc(2, 13, 59), False),  # 21:59 in Shanghai
        (utc(2, 14), True),
        (utc(2, 16), True),
        (utc(3, 0, 29), True),
        (utc(3, 0, 30), False),
        (utc(3, 4), False),
    ],
)
def test_the_night_lies_between_its_local_times(moment: datetime, quiet: bool) -> None:
    assert NIGHT.covers(moment, SHANGHAI) is quiet


def test_quiet_hours_within_a_day() -> None:
    siesta = QuietHours(time(12), time(14))
    assert [siesta.covers(utc(2, hour), SHANGHAI) for hour in (3, 4, 5, 6)] == [False, True, True, False]
    assert siesta.end_after(utc(2, 5), SHANGHAI) == utc(2, 6)


def test_equal_times_mean_none() -> None:
    none = QuietHours(time(22), time(22))
    assert not any(none.covers(utc(2, hour), SHANGHAI) for hour in range(24))


def test_the_zone_decides() -> None:
    assert NIGHT.covers(utc(2, 20), SHANGHAI)
    assert not NIGHT.covers(utc(2, 20), BERLIN)


@pytest.mark.parametrize("moment", [utc(2, 14), utc(2, 20), utc(3, 0, 29)])
def test_what_falls_inside_waits_for_the_end_of_that_night(moment: datetime) -> None:
    assert NIGHT.end_after(moment, SHANGHAI) == utc(3, 0, 30)


def test_what_falls_outside_need_not_wait() -> None:
    assert NIGHT.end_after(utc(2, 4), SHANGHAI) == utc(2, 4)


def test_a_night_when_clocks_change_ends_at_its_local_time() -> None:
    spring, autumn = datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 10, 24, 23, tzinfo=UTC)
    assert NIGHT.end_after(spring, BERLIN) == datetime(2026, 3, 29, 6, 30, tzinfo=UTC)
    assert NIGHT.end_after(autumn, BERLIN) == datetime(2026, 10, 25, 7, 30, tzinfo=UTC)


def test_an_end_that_the_clocks_show_twice_counts_the_second_time_too() -> None:
    early = QuietHours(time(21), time(2, 15))
    second_pass = datetime(2026, 10, 25, 1, 5, tzinfo=UTC)  # 02:05 again, the clocks were just put back
    assert early.covers(second_pass, BERLIN)
    assert early.end_after(second_pass, BERLIN) == datetime(2026, 10, 25, 1, 15, tzinfo=UTC)


@given(st.builds(QuietHours, minutes, minutes), moments, zones)
@example(QuietHours(time(21), time(2, 15)), datetime(2026, 10, 25, 1, 5, tzinfo=UTC), BERLIN)
@example(QuietHours(time(21), time(2, 30)), datetime(2026, 3, 29, 0, 59, tzinfo=UTC), BERLIN)
def test_the_end_is_later_soon_and_outside(quiet: QuietHours, moment: datetime, zone: ZoneName) -> None:
    end = quiet.end_after(moment, zone)
    if quiet.covers(moment, zone):
        assert moment < end <= moment + timedelta(hours=25)
        assert not quiet.covers(end, zone)
    else:
        assert end == moment
