"""Times as people say them: ``2h``, ``tomorrow 10:00``, ``mon 9:30``, 明天10点, 下周一9点, 半小时后. Pure.

Every reader returns None for what is no time at all, and raises Rejected for a time that cannot be meant, such as one that is past.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.errors import Rejected
from domain.identity import ZoneName
from domain.policies.recurrence import Recurrence

FARTHEST = timedelta(days=731)
"""Two years: what lies beyond is a slip of the finger."""
NOON = 12

_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_NUMBER = r"(?:\d{1,6}|[二三四五六七八九]?十[一二三四五六七八九]?|[零〇一二两三四五六七八九])"
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"(\d{1,6})\s?(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)")
_SPANS = re.compile(
    r"(?:in )?((?:\d{1,6}[smhdw])+|\d{1,6}\s?(?:secs?|seconds?|mins?|minutes?|hrs?|hours?|days?|weeks?))"
)
_CHINESE_UNITS = {
    "秒": 1,
    "分": 60,
    "刻": 900,
    "小时": 3600,
    "钟头": 3600,
    "天": 86_400,
    "周": 604_800,
    "星期": 604_800,
    "礼拜": 604_800,
}
_CHINESE_SPAN = re.compile(
    rf"(?:过)?(?:({_NUMBER})个?(半)?|(半)个?)(秒|分|刻|小时|钟头|天|周|星期|礼拜)钟?(?:以后|之后|后)?"
)

WEEKDAYS = {
    "mon": 0, "monday": 0, "tue": 1, "tues": 1, "tuesday": 1, "wed": 2, "wednesday": 2,
    "thu": 3, "thur": 3, "thurs": 3, "thursday": 3, "fri": 4, "friday": 4, "sat": 5, "saturday": 5, "sun": 6, "sunday": 6,
}  # fmt: skip
CHINESE_WEEKDAYS = {"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6}
_DAYS = {
    "day after tomorrow": 2, "today": 0, "tonight": 0, "tomorrow": 1, "tmr": 1,
    "大后天": 3, "后天": 2, "明天": 1, "明日": 1, "今天": 0, "今日": 0,
}  # fmt: skip
_DAY_AND_PART = {"今晚": (0, "晚上"), "今早": (0, "早上"), "明晚": (1, "晚上"), "明早": (1, "早上")}
_WEEKDAY = re.compile(rf"(next |this )?({'|'.join(sorted(WEEKDAYS, key=len, reverse=True))})\b")
_CHINESE_WEEKDAY = re.compile(r"(下下|下|这|本)?个?(?:周|星期|礼拜)([一二三四五六日天])")
_FULL_DATE = re.compile(
    r"(\d{4})(?:-(\d{1,2})-(\d{1,2})(?:t(?=\d)|(?!\d))|/(\d{1,2})/(\d{1,2})(?!\d)|年(\d{1,2})月(\d{1,2})[日号])"
)
_MONTH_AND_DAY = re.compile(r"(\d{1,2})月(\d{1,2})[日号]")
_DAY_OF_MONTH = re.compile(r"(\d{1,2})[日号]")

_PARTS = "凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|早|晚"
_CLOCK = re.compile(
    rf"(?P<part>{_PARTS})?\s?(?P<hour>{_NUMBER})"
    rf"(?:(?::(?P<minute>\d\d)(?::(?P<second>\d\d))?\s?(?P<half>am|pm)?)|\s?(?P<bare>am|pm)"
    rf"|(?:点钟?|时)(?:(?P<said>半|一刻|三刻|整)|(?P<minutes>零?{_NUMBER})分?)?)"
)
_OFFSET = re.compile(r"(z|[+-]\d{2}:?\d{2})$")
_SAID_MINUTES = {"半": 30, "一刻": 15, "三刻": 45, "整": 0}
_AFTERNOON = {"下午", "傍晚"}
_EVENING = {"晚上", "晚", "夜里"}
_MORNING = {"凌晨", "清晨", "早上", "早晨", "上午", "早"}


@dataclass(frozen=True, slots=True)
class Clock:
    """When and where it is asked. ``say`` translates the complaints."""

    now: datetime
    zone: ZoneName
    say: Callable[[str], str]

    @property
    def today(self) -> date:
        """The local date."""
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    def shown(self, moment: datetime) -> str:
        """Return a moment as people read it: local, with its zone."""
        local = moment.astimezone(ZoneInfo(self.zone))
        return (
            f"{local:%Y-%m-%d %H:%M:%S} {self.zone}"
            if local.second
            else f"{local:%Y-%m-%d %H:%M} {self.zone}"
        )


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """``next_day``: midnight at the end of the day that was named (晚上12点, 24:00)."""

    at: time
    next_day: bool = False


def plain(text: str) -> str:
    """Return a text as it is compared: widths, case and runs of blanks do not count."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def number(text: str) -> int:
    """Return the value of digits or of a Chinese number below a hundred."""
    if text.isdecimal():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return int(ones[1:] or "0") if ones[1:].isdecimal() else _DIGITS[ones[-1]]
    return _DIGITS.get(tens.strip("零〇") or "一", 0) * 10 + (_DIGITS[ones] if ones else 0)


def delay(text: str, clock: Clock) -> timedelta | None:
    """Return how long: ``2h``, ``1h30m``, ``90 minutes``, 2小时后, 一个半小时, 半小时后."""
    said = plain(text)
    seconds = 0.0
    if _SPANS.fullmatch(said):
        seconds = sum(int(span[1]) * _UNITS_S[span[2][0]] for span in _SPAN.finditer(said))
    elif chinese := _CHINESE_SPAN.fullmatch(said):
        whole = number(chinese[1]) if chinese[1] else 0
        seconds = (whole + (0.5 if chinese[2] or chinese[3] else 0)) * _CHINESE_UNITS[chinese[4]]
    else:
        return None
    if seconds <= 0:
        raise Rejected(clock.say("{time} is no time to wait").format(time=text))
    if seconds > FARTHEST.total_seconds():
        raise Rejected(clock.say("{time} is more than two years ahead: check the date").format(time=text))
    return timedelta(seconds=seconds)


def moment(text: str, clock: Clock) -> datetime | None:
    """Return when, in UTC: a delay, a time of day (the next such), or a day and a time."""
    wait = delay(text, clock)
    if wait is not None:
        return clock.now + wait
    said = plain(text)
    offset = _OFFSET.search(said)
    if offset is not None and _FULL_DATE.match(said):
        return _with_offset(said, text, clock)
    days, part, rest = _day(said, clock)
    at = time_of_day(f"{part}{rest.removeprefix('at ').removeprefix('的')}", clock)
    if at is None:
        return None
    return _first_ahead(days, at, text, clock)


def _with_offset(said: str, text: str, clock: Clock) -> datetime | None:
    try:
        given = datetime.fromisoformat(said.upper())
        return _checked(given.astimezone(UTC), text, clock)
    except (ValueError, OverflowError):
        return None


def _first_ahead(days: Iterator[date], at: TimeOfDay, text: str, clock: Clock) -> datetime:
    day: date | None = None
    for day in days:
        found = Recurrence(at.at).moment(day + timedelta(days=at.next_day), clock.zone)
        if found > clock.now:
            return _checked(found, text, clock)
    if day is None:
        raise Rejected(clock.say("there is no such date as {time}").format(time=text))
    now = clock.shown(clock.now)
    raise Rejected(clock.say("{time} is past: it is {now}").format(time=text, now=now))


def _checked(found: datetime, text: str, clock: Clock) -> datetime:
    if found <= clock.now:
        now = clock.shown(clock.now)
        raise Rejected(clock.say("{time} is past: it is {now}").format(time=text, now=now))
    if found - clock.now > FARTHEST:
        raise Rejected(clock.say("{time} is more than two years ahead: check the date").format(time=text))
    return found


def _day(said: str, clock: Clock) -> tuple[Iterator[date], str, str]:
    """Return (the dates it may be, the part of the day that was named with it, what follows). Without a day: today, else tomorrow."""
    today = clock.today
    for word, (ahead, part) in _DAY_AND_PART.items():
        if said.startswith(word):
            return iter([today + timedelta(days=ahead)]), part, said.removeprefix(word).strip()
    for word, ahead in _DAYS.items():
        if said.startswith(word):
            part = "晚上" if word == "tonight" else ""
            return iter([today + timedelta(days=ahead)]), part, said.removeprefix(word).strip()
    for pattern, dates in _DATES:
        found = pattern.match(said)
        if found is not None:
            return dates(found, today), "", said[found.end() :].strip()
    return iter([today, today + timedelta(days=1)]), "", said


def _weekday(found: re.Match[str], today: date) -> Iterator[date]:
    which, name = found[1], found[2]
    weekday = WEEKDAYS[name] if name in WEEKDAYS else CHINESE_WEEKDAYS[name]
    monday = today - timedelta(days=today.weekday())
    weeks = {"next ": 1, "下": 1, "下下": 2, "this ": 0, "这": 0, "本": 0}
    if which in weeks:
        yield monday + timedelta(weeks=weeks[which], days=weekday)
        return
    ahead = (weekday - today.weekday()) % 7
    yield today + timedelta(days=ahead)
    yield today + timedelta(days=ahead + 7)


def _full_date(found: re.Match[str], _today: date) -> Iterator[date]:
    month, day = (int(part) for part in found.groups()[1:] if part is not None)
    yield from _valid(int(found[1]), month, day)


def _month_and_day(found: re.Match[str], today: date) -> Iterator[date]:
    for year in range(today.year, today.year + 3):
        yield from _valid(year, int(found[1]), int(found[2]))


def _day_of_month(found: re.Match[str], today: date) -> Iterator[date]:
    for months in range(4):
        years, month = divmod(today.month - 1 + months, 12)
        yield from _valid(today.year + years, month + 1, int(found[1]))


def _valid(year: int, month: int, day: int) -> Iterator[date]:
    try:
        found = date(year, month, day)
    except ValueError:
        return
    if date(1971, 1, 1) <= found <= date(9998, 1, 1):
        yield found


_DATES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], Iterator[date]]], ...] = (
    (_FULL_DATE, _full_date),
    (_WEEKDAY, _weekday),
    (_CHINESE_WEEKDAY, _weekday),
    (_MONTH_AND_DAY, _month_and_day),
    (_DAY_OF_MONTH, _day_of_month),
)


def time_of_day(text: str, clock: Clock) -> TimeOfDay | None:
    """Return a time of day: ``9:30``, ``3pm``, 下午3点半, 晚上12点 (the end of that day)."""
    found = _CLOCK.fullmatch(plain(text))
    if found is None:
        return None
    minute = _SAID_MINUTES.get(found["said"] or "", 0) or number(found["minute"] or found["minutes"] or "0")
    hour = _hour(number(found["hour"]), found["part"], found["half"] or found["bare"])
    second = int(found["second"] or 0)
    if hour is None or minute > 59 or second > 59 or (hour == 24 and minute + second):  # noqa: PLR2004  # a clock
        raise Rejected(clock.say("{time} is no time of day: write it as 15:30").format(time=text))
    return TimeOfDay(time(hour % 24, minute, second), next_day=hour == 24)  # noqa: PLR2004  # a clock


def _hour(hour: int, part: str | None, half: str | None) -> int | None:
    """Return the hour of 24 that was meant; None where the words contradict each other."""
    early = hour < 5  # noqa: PLR2004  # 晚上1点 may be one in the morning of either day
    match part:
        case _ if half:
            if not 1 <= hour <= NOON:
                return None
            return hour % NOON + (NOON if half == "pm" else 0)
        case _ if hour > 24:  # noqa: PLR2004  # a clock
            return None
        case "中午":
            return {11: 11, 12: 12, 1: 13, 2: 14}.get(hour)
        case str() if part in _AFTERNOON:
            return hour + NOON if 0 < hour < NOON else hour if NOON <= hour < 20 else None  # noqa: PLR2004
        case str() if part in _EVENING:
            if hour == NOON:
                return 24
            return None if early else hour + NOON if hour < NOON else hour
        case str() if part in _MORNING:
            if hour > NOON:
                return None
            return 0 if part == "凌晨" and hour == NOON else hour
        case _:
            return hour
