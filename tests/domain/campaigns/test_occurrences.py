"""When a campaign goes out, and when each recipient's message may leave."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from domain.campaigns.occurrences import Occurrence, is_over, leaves_at, newest_due
from domain.campaigns.plan import Cadence, Timing
from domain.identity import Slug, ZoneName
from tests.domain.controls.ids import SHANGHAI

AUCKLAND, LOS_ANGELES, NEW_YORK = (
    ZoneName(name) for name in ("Pacific/Auckland", "America/Los_Angeles", "America/New_York")
)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


ONCE = Timing(zone=SHANGHAI, at=at("2026-12-01T02:00"))
DAILY = Timing(zone=SHANGHAI, cadence=Cadence.RECURRING, recurrence=Slug("daily@10:00"))
HOURLY = replace(DAILY, recurrence=Slug("cron:0_*_*_*_*"))
BIRTHDAYS = Timing(zone=SHANGHAI, cadence=Cadence.BY_DATE, date=Slug("birthday"), clock=time(9))


def due(timing: Timing, now: str, launched: datetime = LONG_AGO) -> Occurrence | None:
    return newest_due(timing, launched, at(now))


def test_what_goes_out_once_is_due_from_its_time_on_however_late_that_is_seen() -> None:
    launched = at("2026-12-01T02:00")
    assert due(ONCE, "2026-12-01T01:59", launched) is None
    once = Occurrence(Slug(""), launched, launched)
    assert due(ONCE, "2026-12-01T02:00", launched) == due(ONCE, "2026-12-09T02:00", launched) == once


def test_of_what_was_missed_only_the_newest_is_made_up_for_within_a_day() -> None:
    tenth = at("2026-03-10T02:00")
    expected = Occurrence(Slug("2026-03-10"), tenth, tenth, date(2026, 3, 10))
    assert due(DAILY, "2026-03-10T02:00") == due(DAILY, "2026-03-11T01:59") == expected
    weekly = replace(DAILY, recurrence=Slug("mon@10:00"))
    assert due(weekly, "2026-03-10T02:01") is None
    assert due(HOURLY, "2026-03-10T02:30") == Occurrence(
        Slug("2026-03-10@10:00"), tenth, tenth, date(2026, 3, 10)
    )


def test_no_run_begins_before_its_launch_or_after_its_end() -> None:
    assert due(DAILY, "2026-03-10T03:00", at("2026-03-10T02:01")) is None
    assert due(DAILY, "2026-03-10T03:00", at("2026-03-10T02:00")) is not None
    ends = replace(DAILY, until=at("2026-03-09T12:00"))
    assert (due(ends, "2026-03-10T03:00"), is_over(ends, at("2026-03-10T03:00"))) == (None, True)
    assert due(ends, "2026-03-10T01:00") is not None  # that of the 9th, which was missed
    assert not is_over(ends, at("2026-03-09T12:00"))
    assert (is_over(DAILY, at("2099-01-01T00:00")), is_over(ONCE, LONG_AGO)) == (False, True)


def test_when_clocks_change_each_local_date_has_its_run_once() -> None:
    night = replace(DAILY, zone=NEW_YORK, recurrence=Slug("cron:30_2_*_*_*"))
    seen = [due(night, f"2026-03-{day:02}T12:00") for day in (7, 8, 9)]
    assert [(o.key, o.at) for o in seen if o is not None] == [
        ("2026-03-07@02:30", at("2026-03-07T07:30")),
        ("2026-03-08@02:30", at("2026-03-08T07:00")),
        ("2026-03-09@02:30", at("2026-03-09T06:30")),
    ]


def test_birthdays_are_a_run_each_day_and_a_promotion_day_is_one_a_year() -> None:
    assert due(BIRTHDAYS, "2026-02-28T01:00") == Occurrence(
        Slug("2026-02-28"), at("2026-02-28T01:00"), at("2026-02-28T01:00"), date(2026, 2, 28)
    )
    sale = replace(BIRTHDAYS, date=Slug("06-18"), offset_days=-3)
    assert due(sale, "2026-06-14T12:00") is None
    found = due(sale, "2026-06-15T12:00")
    assert found is not None
    assert found.day == date(2026, 6, 15)


def test_what_goes_out_for_29_february_goes_out_once_every_year() -> None:
    leap_day = replace(BIRTHDAYS, date=Slug("02-29"))
    begins = at("2027-01-01T12:00")
    noons = [begins + timedelta(days=n) for n in range(6 * 366)]
    found = (newest_due(leap_day, LONG_AGO, noon) for noon in noons if noon.year <= 2032)
    days = dict.fromkeys(o.day for o in found if o is not None)
    assert [str(day) for day in days] == [
        "2027-02-28",
        "2028-02-29",
        "2029-02-28",
        "2030-02-28",
        "2031-02-28",
        "2032-02-29",
    ]


@pytest.mark.parametrize(
    "zone, leaves",
    [
        (AUCKLAND, "2026-11-30T21:00"),
        (SHANGHAI, "2026-12-01T02:00"),
        (LOS_ANGELES, "2026-12-01T18:00"),
        (None, "2026-12-01T02:00"),
    ],
)
def test_in_local_time_it_leaves_when_each_ones_clock_shows_it(zone: ZoneName | None, leaves: str) -> None:
    local = replace(ONCE, local=True)
    assert leaves_at(local, at("2026-12-01T02:00"), zone, 0.0) == at(leaves)
    assert leaves_at(ONCE, at("2026-12-01T02:00"), zone, 0.0) == at("2026-12-01T02:00")


@pytest.mark.parametrize("zone, begins", [(SHANGHAI, "2026-11-30T20:00"), (LOS_ANGELES, "2026-11-30T20:00")])
def test_in_local_time_it_begins_where_the_day_is_first(zone: ZoneName, begins: str) -> None:
    """At 10:00 of 1 December: in Kiritimati that is 20:00 UTC of the day before, whatever zone the campaign is written in."""
    wall = {SHANGHAI: at("2026-12-01T02:00"), LOS_ANGELES: at("2026-12-01T18:00")}[zone]
    once = replace(ONCE, zone=zone, at=wall, local=True)
    assert newest_due(once, wall, at(begins) - timedelta(seconds=1)) is None
    assert newest_due(once, wall, at(begins)) == Occurrence(Slug(""), wall, at(begins))
    daily = replace(DAILY, zone=zone, local=True)
    found = newest_due(daily, LONG_AGO, at(begins))
    assert found == Occurrence(Slug("2026-12-01"), wall, at(begins), date(2026, 12, 1))


def test_spread_over_a_time_it_leaves_at_a_moment_in_it() -> None:
    spread = replace(ONCE, over_s=7_200)
    assert leaves_at(spread, at("2026-12-01T02:00"), None, 0.25) == at("2026-12-01T02:30")
