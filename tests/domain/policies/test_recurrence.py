from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from domain.errors import Rejected
from domain.identity import Slug, ZoneName
from domain.policies.recurrence import WEEKDAYS, Recurrence
from tests.domain.controls.ids import SHANGHAI

BERLIN, NEW_YORK = ZoneName("Europe/Berlin"), ZoneName("America/New_York")
ZONES = [
    SHANGHAI,
    BERLIN,
    NEW_YORK,
    ZoneName("Australia/Lord_Howe"),  # half an hour of daylight saving
    ZoneName("America/Havana"),  # clocks jump at midnight
    ZoneName("Pacific/Apia"),  # 30 December 2011 never was
    ZoneName("UTC"),
]

minutes = st.builds(time, st.integers(0, 23), st.integers(0, 59))
recurrences = st.one_of(
    st.builds(Recurrence, minutes),
    st.builds(Recurrence, minutes, weekdays=st.frozensets(st.integers(0, 6), min_size=1)),
    st.builds(Recurrence, minutes, month_day=st.integers(1, 31)),
)
zones = st.sampled_from(ZONES)
days = st.dates(date(2005, 1, 1), date(2035, 12, 31))
moments = st.datetimes(datetime(2005, 1, 1), datetime(2035, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis adds the zone


@given(recurrences)
def test_the_coded_form_says_it_all(recurrence: Recurrence) -> None:
    assert Recurrence.parse(recurrence.code()) == recurrence


@pytest.mark.parametrize(
    "code, expected",
    [
        ("daily@10:00", Recurrence(time(10))),
        ("mon,thu@09:30", Recurrence(time(9, 30), weekdays=frozenset({0, 3}))),
        ("thu,mon,mon@09:30", Recurrence(time(9, 30), weekdays=frozenset({0, 3}))),
        ("day-31@23:59", Recurrence(time(23, 59), month_day=31)),
    ],
)
def test_codes_are_read(code: str, expected: Recurrence) -> None:
    assert Recurrence.parse(code) == expected


@pytest.mark.parametrize(
    "code, told",
    [
        ("", "'' is no time of day: write it as 10:00"),
        ("daily", "'daily' is no time of day: write it as 10:00"),
        ("daily@", "'daily@' is no time of day: write it as 10:00"),
        ("daily@25:00", "'25:00' is no time of day: write it as 10:00"),
        ("daily@10", "'10' is no time of day: write it as 10:00"),
        ("daily@10:00:30", "'10:00:30' is no time of day: write it as 10:00"),
        ("daily@10:00Z", "'10:00Z' is no time of day: write it as 10:00"),
        ("daily@10:00+08:00", "'10:00+08:00' is no time of day: write it as 10:00"),
        ("@10:00", "'' is no weekday: write mon, tue, wed, thu, fri, sat, sun or daily"),
        ("mon,soon@10:00", "'soon' is no weekday: write mon, tue, wed, thu, fri, sat, sun or daily"),
        ("day-0@10:00", "'0' is no day of a month"),
        ("day-32@10:00", "'32' is no day of a month"),
        ("day-²@10:00", "'²' is no day of a month"),
        ("day-@10:00", "'' is no day of a month"),
    ],
)
def test_what_is_wrong_with_a_code_is_said(code: str, told: str) -> None:
    with pytest.raises(Rejected) as refused:
        Recurrence.parse(code)
    assert str(refused.value) == told


@given(st.text())
def test_any_other_text_is_refused_and_nothing_else_is_raised(text: str) -> None:
    try:
        recurrence = Recurrence.parse(text)
    except Rejected:
        return
    assert Recurrence.parse(recurrence.code()) == recurrence


@pytest.mark.parametrize(
    "day, at, zone, moment",
    [
        (date(2026, 3, 2), time(12), SHANGHAI, datetime(2026, 3, 2, 4, tzinfo=UTC)),
        (date(2026, 3, 28), time(2, 30), BERLIN, datetime(2026, 3, 28, 1, 30, tzinfo=UTC)),
        # 29 March: 02:00 to 03:00 is skipped; it fires at the end of that hour.
        (date(2026, 3, 29), time(2), BERLIN, datetime(2026, 3, 29, 1, tzinfo=UTC)),
        (date(2026, 3, 29), time(2, 30), BERLIN, datetime(2026, 3, 29, 1, tzinfo=UTC)),
        (date(2026, 3, 29), time(3), BERLIN, datetime(2026, 3, 29, 1, tzinfo=UTC)),
        # 25 October: 02:00 to 03:00 comes twice; it fires the first time.
        (date(2026, 10, 25), time(2, 30), BERLIN, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (date(2026, 10, 25), time(3), BERLIN, datetime(2026, 10, 25, 2, tzinfo=UTC)),
        (date(2026, 3, 8), time(2, 59), NEW_YORK, datetime(2026, 3, 8, 7, tzinfo=UTC)),
        (date(2026, 11, 1), time(1), NEW_YORK, datetime(2026, 11, 1, 5, tzinfo=UTC)),
        # A day that never was ends when the next one begins.
        (date(2011, 12, 30), time(12), ZoneName("Pacific/Apia"), datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ],
)
def test_the_hour_that_clocks_skip_fires_at_its_end_and_the_one_they_repeat_fires_first(
    day: date, at: time, zone: ZoneName, moment: datetime
) -> None:
    assert Recurrence(at).moment(day, zone) == moment


@given(minutes, days, zones)
@example(time(0, 30), date(2026, 3, 8), ZoneName("America/Havana"))
def test_a_moment_shows_its_local_time_unless_clocks_skip_it(at: time, day: date, zone: ZoneName) -> None:
    tz = ZoneInfo(zone)
    moment = Recurrence(at).moment(day, zone)
    shown = moment.astimezone(tz).replace(tzinfo=None)
    wanted = datetime.combine(day, at)
    if shown != wanted:
        before = (moment - timedelta(seconds=1)).astimezone(tz).replace(tzinfo=None)
        assert before < wanted < shown


@given(recurrences, moments, zones)
def test_the_next_firing_is_later_and_the_first_one(
    recurrence: Recurrence, after: datetime, zone: ZoneName
) -> None:
    day, moment = recurrence.next_after(after, zone)
    assert moment > after
    assert recurrence.falls_on(day)
    assert recurrence.due_between(after, moment, zone)[0] == (day, moment)
    assert recurrence.due_between(after, moment - timedelta(seconds=1), zone) == []


@given(recurrences, moments, st.integers(0, 90), st.integers(0, 90), zones)
def test_a_local_date_fires_once_however_the_time_is_cut(
    recurrence: Recurrence, start: datetime, first: int, second: int, zone: ZoneName
) -> None:
    middle, end = start + timedelta(hours=9 * first), start + timedelta(hours=9 * (first + second))
    whole = recurrence.due_between(start, end, zone)
    assert recurrence.due_between(start, middle, zone) + recurrence.due_between(middle, end, zone) == whole
    fired = [day for day, _ in whole]
    assert fired == sorted(set(fired))
    assert [moment for _, moment in whole] == sorted(moment for _, moment in whole)


def month_days(number: int, year: int) -> list[str]:
    monthly = Recurrence(time(10), month_day=number)
    year_begins = datetime(year, 1, 1, tzinfo=UTC)
    due = monthly.due_between(year_begins, datetime(year + 1, 1, 1, tzinfo=UTC), ZoneName("UTC"))
    return [f"{day:%m-%d}" for day, _ in due]


def test_the_31st_skips_short_months() -> None:
    assert month_days(31, 2026) == ["01-31", "03-31", "05-31", "07-31", "08-31", "10-31", "12-31"]


def test_the_29th_of_february_comes_in_leap_years() -> None:
    assert "02-29" in month_days(29, 2028)
    assert [day for day in month_days(29, 2026) if day.startswith("02")] == []


@pytest.mark.parametrize("number", range(1, 32))
def test_every_day_of_a_month_comes_again_within_the_look_ahead(number: int) -> None:
    monthly = Recurrence(time(10), month_day=number)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    while moment < datetime(2029, 1, 1, tzinfo=UTC):
        day, moment = monthly.next_after(moment, BERLIN)
        assert day.day == number


def test_weekdays_fall_on_their_days() -> None:
    monday = date(2026, 3, 2)
    for number, name in enumerate(WEEKDAYS):
        weekly = Recurrence.parse(f"{name}@10:00")
        hits = [offset for offset in range(7) if weekly.falls_on(monday + timedelta(days=offset))]
        assert hits == [number]
        assert weekly.code() == Slug(f"{name}@10:00")
