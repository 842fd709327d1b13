"""Times as people say them, in both languages."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.recurrences import recurrence, spoken
from bot.commands.times import Clock, delay, moment
from domain.errors import Rejected
from domain.identity import ZoneName
from domain.policies.recurrence import Recurrence

SHANGHAI = ZoneName("Asia/Shanghai")
SUNDAY = Clock(datetime(2026, 11, 21, 21, 43, tzinfo=UTC), SHANGHAI, lambda text: text)
"""It is Sunday, 22 November 2026, 5:43 in Shanghai."""


def local(clock: Clock, found: datetime | None) -> str | None:
    return None if found is None else f"{found.astimezone(ZoneInfo(clock.zone)):%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize(
    "said, expected",
    [
        ("2h", timedelta(hours=2)),
        ("30s", timedelta(seconds=30)),
        ("90m", timedelta(minutes=90)),
        ("1d", timedelta(days=1)),
        ("1w", timedelta(days=7)),
        ("1h30m", timedelta(minutes=90)),
        ("2 hours", timedelta(hours=2)),
        ("in 90 minutes", timedelta(minutes=90)),
        ("２ｈ", timedelta(hours=2)),
        ("2小时后", timedelta(hours=2)),
        ("2小时", timedelta(hours=2)),
        ("半小时后", timedelta(minutes=30)),
        ("半个小时后", timedelta(minutes=30)),
        ("一个半小时后", timedelta(minutes=90)),
        ("30分钟后", timedelta(minutes=30)),
        ("三十分钟以后", timedelta(minutes=30)),
        ("一刻钟后", timedelta(minutes=15)),
        ("两天后", timedelta(days=2)),
        ("10:00", None),
        ("soon", None),
        ("2h 3d", None),
        ("", None),
    ],
)
def test_delays(said: str, expected: timedelta | None) -> None:
    assert delay(said, SUNDAY) == expected


@pytest.mark.parametrize(
    "said, expected",
    [
        ("2h", "2026-11-22 07:43:00"),
        ("半小时后", "2026-11-22 06:13:00"),
        ("10:00", "2026-11-22 10:00:00"),
        ("10：00", "2026-11-22 10:00:00"),
        ("5:00", "2026-11-23 05:00:00"),
        ("3pm", "2026-11-22 15:00:00"),
        ("3:30 pm", "2026-11-22 15:30:00"),
        ("12am", "2026-11-23 00:00:00"),
        ("24:00", "2026-11-23 00:00:00"),
        ("today 10:00", "2026-11-22 10:00:00"),
        ("tomorrow 10:00", "2026-11-23 10:00:00"),
        ("Tomorrow at 10:00", "2026-11-23 10:00:00"),
        ("day after tomorrow 10:00", "2026-11-24 10:00:00"),
        ("tonight 8:30", "2026-11-22 20:30:00"),
        ("mon 9:30", "2026-11-23 09:30:00"),
        ("sunday 9:30", "2026-11-22 09:30:00"),
        ("sun 5:00", "2026-11-29 05:00:00"),
        ("next mon 9:00", "2026-11-23 09:00:00"),
        ("2026-12-01T10:00", "2026-12-01 10:00:00"),
        ("2026-12-01 10:00", "2026-12-01 10:00:00"),
        ("2026-12-01 10:00:30", "2026-12-01 10:00:30"),
        ("2026/12/1 10:00", "2026-12-01 10:00:00"),
        ("2026-12-01T10:00Z", "2026-12-01 18:00:00"),
        ("2026-12-01T10:00+02:00", "2026-12-01 16:00:00"),
        ("明天10点", "2026-11-23 10:00:00"),
        ("明天上午10点", "2026-11-23 10:00:00"),
        ("明天 10:30", "2026-11-23 10:30:00"),
        ("后天下午3点半", "2026-11-24 15:30:00"),
        ("大后天中午12点", "2026-11-25 12:00:00"),
        ("今晚8点", "2026-11-22 20:00:00"),
        ("明早九点一刻", "2026-11-23 09:15:00"),
        ("晚上12点", "2026-11-23 00:00:00"),
        ("中午1点", "2026-11-22 13:00:00"),
        ("凌晨12点", "2026-11-23 00:00:00"),
        ("十点零五分", "2026-11-22 10:05:00"),
        ("周一9:30", "2026-11-23 09:30:00"),
        ("星期天9点", "2026-11-22 09:00:00"),
        ("下周一9点", "2026-11-23 09:00:00"),
        ("下周日晚上8点", "2026-11-29 20:00:00"),
        ("12月1日十点", "2026-12-01 10:00:00"),
        ("2027年1月2日 10点", "2027-01-02 10:00:00"),
        ("2月29日10点", "2028-02-29 10:00:00"),
        ("1号10点", "2026-12-01 10:00:00"),
        ("31号10点", "2026-12-31 10:00:00"),
        ("hello", None),
        ("tomorrow", None),
        ("周一", None),
        ("10", None),
        ("", None),
    ],
)
def test_moments(said: str, expected: str | None) -> None:
    assert local(SUNDAY, moment(said, SUNDAY)) == expected


@pytest.mark.parametrize(
    "said, complaint",
    [
        ("2020-01-01 10:00", "2020-01-01 10:00 is past: it is 2026-11-22 05:43 Asia/Shanghai"),
        ("今天1点", "今天1点 is past: it is 2026-11-22 05:43 Asia/Shanghai"),
        ("这周一9点", "这周一9点 is past: it is 2026-11-22 05:43 Asia/Shanghai"),
        ("2026-01-01T10:00Z", "2026-01-01T10:00Z is past: it is 2026-11-22 05:43 Asia/Shanghai"),
        ("2030-01-01 10:00", "2030-01-01 10:00 is more than two years ahead: check the date"),
        ("999999h", "999999h is more than two years ahead: check the date"),
        ("0m", "0m is no time to wait"),
        ("25:00", "25:00 is no time of day: write it as 15:30"),
        ("10:75", "10:75 is no time of day: write it as 15:30"),
        ("13pm", "13pm is no time of day: write it as 15:30"),
        ("晚上1点", "晚上1点 is no time of day: write it as 15:30"),
        ("上午15点", "上午15点 is no time of day: write it as 15:30"),
        ("2026-13-40 10:00", "there is no such date as 2026-13-40 10:00"),
        ("2月31日10点", "there is no such date as 2月31日10点"),
    ],
)
def test_a_time_that_cannot_be_meant_is_refused_with_the_reason(said: str, complaint: str) -> None:
    with pytest.raises(Rejected) as refused:
        moment(said, SUNDAY)
    assert str(refused.value) == complaint


def test_an_hour_that_the_clocks_skip_means_its_end() -> None:
    berlin = Clock(datetime(2027, 3, 27, 12, tzinfo=UTC), ZoneName("Europe/Berlin"), lambda text: text)
    assert local(berlin, moment("tomorrow 2:30", berlin)) == "2027-03-28 03:00:00"


def test_an_hour_that_the_clocks_repeat_means_the_first_one() -> None:
    berlin = Clock(datetime(2026, 10, 24, 12, tzinfo=UTC), ZoneName("Europe/Berlin"), lambda text: text)
    assert moment("tomorrow 2:30", berlin) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "said, code, told",
    [
        ("mon 10:00", "mon@10:00", "every Mon at 10:00 Asia/Shanghai"),
        ("every monday 10:00", "mon@10:00", "every Mon at 10:00 Asia/Shanghai"),
        ("mon,thu 9:30", "mon,thu@09:30", "every Mon, Thu at 09:30 Asia/Shanghai"),
        ("daily 10:00", "daily@10:00", "every day at 10:00 Asia/Shanghai"),
        ("every day 3pm", "daily@15:00", "every day at 15:00 Asia/Shanghai"),
        ("daily@10:00", "daily@10:00", "every day at 10:00 Asia/Shanghai"),
        ("day-1@10:00", "day-1@10:00", "on day 1 of each month at 10:00 Asia/Shanghai"),
        ("每天10点", "daily@10:00", "every day at 10:00 Asia/Shanghai"),
        ("每天晚上8点半", "daily@20:30", "every day at 20:30 Asia/Shanghai"),
        ("每周一9:30", "mon@09:30", "every Mon at 09:30 Asia/Shanghai"),
        ("每周一三五下午3点", "mon,wed,fri@15:00", "every Mon, Wed, Fri at 15:00 Asia/Shanghai"),
        ("周一、周日 9:00", "mon,sun@09:00", "every Mon, Sun at 09:00 Asia/Shanghai"),
        ("每月1号10点", "day-1@10:00", "on day 1 of each month at 10:00 Asia/Shanghai"),
        ("每个月31日 10:00", "day-31@10:00", "on day 31 of each month at 10:00 Asia/Shanghai"),
    ],
)
def test_recurrences_are_read_and_told_again(said: str, code: str, told: str) -> None:
    found = recurrence(said, SUNDAY)
    assert found is not None
    assert (found.code(), spoken(found, SUNDAY)) == (code, told)


@pytest.mark.parametrize(
    "said", ["", "mon", "每天", "10:00", "tomorrow 10:00", "daily 10:00:30", "foo 10:00"]
)
def test_what_says_not_when_is_no_recurrence(said: str) -> None:
    assert recurrence(said, SUNDAY) is None


@pytest.mark.parametrize("said", ["每月32号10点", "day-0@10:00", "daily 25:00", "每天晚上12点"])
def test_a_recurrence_that_never_comes_is_refused(said: str) -> None:
    with pytest.raises(Rejected):
        recurrence(said, SUNDAY)


SNIPPETS = """
2 10 31 99 999999 : 00 h m s d w am pm in at next mon sun tomorrow today tonight daily every 2026 - / T Z +08:00 day-
每 天 周 星期 一 日 月 号 年 上午 下午 晚上 凌晨 中午 点 半 一刻 分 小时 后 个 两 十 下 明天 后天 今晚 每月
"""
PIECES = st.sampled_from(SNIPPETS.split())
ANYTHING = st.text() | st.lists(PIECES).map("".join) | st.lists(PIECES).map(" ".join)


@given(
    ANYTHING,
    st.integers(min_value=0, max_value=3_000_000_000),
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "UTC"]),
)
def test_any_text_is_a_time_ahead_or_none_or_refused(text: str, seconds: int, zone: str) -> None:
    clock = Clock(datetime.fromtimestamp(seconds, UTC), ZoneName(zone), lambda said: said)
    try:
        found = moment(text, clock)
    except Rejected:
        return
    assert found is None or found > clock.now


@given(ANYTHING)
def test_any_text_is_a_recurrence_that_can_be_stored_or_none_or_refused(text: str) -> None:
    try:
        found = recurrence(text, SUNDAY)
    except Rejected:
        return
    assert found is None or Recurrence.parse(found.code()) == found
