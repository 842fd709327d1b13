"""Cron lines: when they fire, and that clocks which change make none of them fire twice or never."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Rejected
from domain.identity import ZoneName
from domain.policies.crontab import Crontab, coded
from tests.domain.controls.ids import SHANGHAI

NEW_YORK = ZoneName("America/New_York")
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fires(line: str, begin: str, days: float, zone: ZoneName = SHANGHAI) -> list[str]:
    """Return the moments, in UTC."""
    due = Crontab.parse(line).due_between(at(begin), at(begin) + timedelta(days=days), zone)
    return [f"{moment:%m-%d %H:%M}" for _, moment in due]


@pytest.mark.parametrize(
    "line, expected",
    [
        ("0 10 * * 1", ["03-02 02:00", "03-09 02:00"]),
        ("0 10 * * mon", ["03-02 02:00", "03-09 02:00"]),
        ("0 10 * * 0", ["03-01 02:00", "03-08 02:00"]),
        ("0 10 * * 7", ["03-01 02:00", "03-08 02:00"]),
        ("30 9 1,15 * *", ["03-01 01:30"]),
        ("0 0 * 4 *", []),
        ("0 8-20/6 2 mar *", ["03-02 00:00", "03-02 06:00", "03-02 12:00"]),
        ("0 9 * * sat-sun", ["03-01 01:00", "03-07 01:00", "03-08 01:00"]),
    ],
)
def test_a_line_fires_when_crontab_says(line: str, expected: list[str]) -> None:
    assert fires(line, "2026-02-28T20:00", 10) == expected


def test_fields_have_steps_lists_and_ranges() -> None:
    assert Crontab.parse("*/15 9,18 * * 1-5") == Crontab(
        frozenset({0, 15, 30, 45}),
        frozenset({9, 18}),
        frozenset(range(1, 32)),
        frozenset(range(1, 13)),
        frozenset(range(1, 6)),
    )
    assert Crontab.parse("5/20 0 * jan-mar *").minutes == frozenset({5, 25, 45})


@pytest.mark.parametrize(
    "line, item, field",
    [
        ("60 10 * * *", "60", "minute"),
        ("0 24 * * *", "24", "hour"),
        ("0 10 0 * *", "0", "day"),
        ("0 10 * 13 *", "13", "month"),
        ("0 10 * * 8", "8", "weekday"),
        ("0 10 * * fri-mon", "fri-mon", "weekday"),
        ("*/0 10 * * *", "*/0", "minute"),
        ("0 10 * mon *", "mon", "month"),
        ("0 10 *-3 * *", "*-3", "day"),
        ("٣ 10 * * *", "٣", "minute"),
    ],
)
def test_what_is_wrong_is_said(line: str, item: str, field: str) -> None:
    with pytest.raises(Rejected) as refused:
        Crontab.parse(line)
    assert str(refused.value) == f"{item!r} is no {field} of a cron line"


@pytest.mark.parametrize("line", ["0 10 * *", "daily@10:00", "", "0 10 1 * 1"])
def test_what_is_no_line_or_means_two_things_is_refused(line: str) -> None:
    with pytest.raises(Rejected):
        Crontab.parse(line)


def test_a_line_is_coded_without_blanks() -> None:
    assert coded("0 10 * *  MON") == "cron:0_10_*_*_mon"
    assert Crontab.parse(coded("0 10 * * mon")) == Crontab.parse("0 10 * * 1")


def test_the_hour_that_clocks_skip_fires_at_its_end_and_the_one_they_repeat_once() -> None:
    assert fires("30 2 * * *", "2026-03-07T12:00", 2, NEW_YORK) == ["03-08 07:00", "03-09 06:30"]
    assert fires("30 1 * * *", "2026-10-31T12:00", 2, NEW_YORK) == ["11-01 05:30", "11-02 06:30"]
    slots = Crontab.parse("0,30 * * * *").due_between(
        at("2026-11-01T04:00"), at("2026-11-01T08:00"), NEW_YORK
    )
    clocks = [clock for (_, clock), _ in slots]
    assert clocks == [time(0, 30), time(1), time(1, 30), time(2), time(2, 30), time(3)]


def test_the_next_firing_may_be_years_away_or_never_come() -> None:
    leap = Crontab.parse("0 10 29 2 *")
    assert leap.next_after(at("2096-03-01T00:00"), SHANGHAI) == at("2104-02-29T02:00")
    assert Crontab.parse("0 10 30 2 *").next_after(at("2026-03-01T00:00"), SHANGHAI) is None


@given(
    minutes=st.integers(0, 59),
    hours=st.integers(0, 23),
    begin=st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)),  # noqa: DTZ001  # zoned below
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=8),
)
def test_looked_at_in_pieces_nothing_fires_twice_or_never(
    minutes: int, hours: int, begin: datetime, cuts: list[int]
) -> None:
    line = Crontab.parse(f"{minutes} {hours} * * *")
    start = begin.replace(tzinfo=UTC)
    whole = line.due_between(start, start + sum(cuts) * HOUR, NEW_YORK)
    pieces, since = [], start
    for cut in cuts:
        pieces += line.due_between(since, since + cut * HOUR, NEW_YORK)
        since += cut * HOUR
    assert pieces == whole
    assert len({slot for slot, _ in whole}) == len(whole)
