"""When a campaign goes out, as its form says it."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.campaigns.form import CampaignForm, CanaryForm, WhenForm
from bot.campaigns.world import Notebook, World
from bot.texts import Told, told
from domain.campaigns.plan import Cadence, Canary, Timing
from domain.errors import Rejected
from domain.identity import Slug, ZoneName
from domain.policies.crontab import Crontab, coded

T = TypeVar("T")

NOW: Final = frozenset({"now", "现在", "马上", "立即"})
ON: Final = {
    "birthday": "birthday",
    "生日": "birthday",
    "member-anniversary": "member-anniversary",
    "入会周年": "member-anniversary",
}
USUAL_CLOCK: Final = time(10)
LONGEST_SPREAD: Final = timedelta(days=7)
LONGEST_LIFE: Final = timedelta(days=30)
LONGEST_WAIT: Final = timedelta(days=1)
SHORTEST: Final = timedelta(minutes=1)
_DAY: Final = re.compile(r"(\d{1,2})[-./](\d{1,2})|(\d{1,2})月(\d{1,2})[日号]|([1-9])(\d\d)")
"""``06-18``, ``11.11``, 6月18日, and what the trade says: 618."""
_DATE: Final = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_LEAP: Final = 2024
"""29 February is a day of each year: in common years it falls on the 28th."""


def timing_of(form: CampaignForm, world: World, notebook: Notebook) -> Timing:
    """Return when it goes out; what is wrong with it stands in the notebook then."""
    zone = _zone(form, world, notebook)
    over = _span(form.over, "over", LONGEST_SPREAD, world, notebook) or timedelta()
    lives = _span(form.expires, "expires", LONGEST_LIFE, world, notebook) or timedelta(days=1)
    plain = Timing(
        zone=zone,
        local=form.local,
        over_s=int(over.total_seconds()),
        lives_s=int(lives.total_seconds()),
        until=_until(form, zone, world, notebook),
    )
    match form.when:
        case None:
            return plain
        case WhenForm():
            return _recurring(form.when, plain, world, notebook)
        case _ if form.when.strip().casefold() in NOW:
            if form.local:
                notebook.wrong(
                    "local", told("with local a time is said: at now it is another time in each zone")
                )
            return plain
        case text:
            complaint = told("this is no time: write 2026-12-01 10:00, tomorrow 10:00, 明天10点 or now")
            at = _read(lambda: world.times.moment(text, zone), "when", complaint, notebook)
            if at is not None and plain.until is not None and plain.until <= at:
                notebook.wrong("until", told("this is before it goes out"))
            return replace(plain, at=at)


def canary_of(form: CampaignForm, world: World, notebook: Notebook) -> Canary | None:
    """Return how many go first; None where all go at once."""
    match form.canary:
        case False:
            return None
        case True:
            return Canary()
        case CanaryForm() as asked:
            wait = _span(asked.wait, "canary.wait", LONGEST_WAIT, world, notebook) or timedelta(minutes=10)
            return Canary(
                percent=asked.percent,
                at_least=asked.at_least,
                wait_s=int(wait.total_seconds()),
                failures_percent=asked.failures,
                opt_outs_percent=asked.opt_outs,
            )


def _zone(form: CampaignForm, world: World, notebook: Notebook) -> ZoneName:
    if form.zone is None:
        return world.zone
    try:
        ZoneInfo(form.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "Asia" is a folder
        notebook.wrong("zone", told("this is no time zone: write one like Asia/Shanghai"))
        return world.zone
    return ZoneName(form.zone)


def _read(read: Callable[[], T | None], place: str, complaint: Told, notebook: Notebook) -> T | None:
    """Return what somebody said, None where it is none or cannot be meant; that is noted."""
    try:
        found = read()
    except Rejected as error:
        notebook.wrong(place, str(error))
        return None
    if found is None:
        notebook.wrong(place, complaint)
    return found


def _span(
    text: str | None, place: str, longest: timedelta, world: World, notebook: Notebook
) -> timedelta | None:
    if text is None:
        return None
    found = _read(
        lambda: world.times.delay(text),
        place,
        told("this is no span of time: write 2h, 30m or 2小时"),
        notebook,
    )
    if found is not None and not SHORTEST <= found <= longest:
        hours = int(longest.total_seconds()) // 3600
        notebook.wrong(place, told("from one minute to {hours} hours are possible", hours=hours))
        return None
    return found


def _until(form: CampaignForm, zone: ZoneName, world: World, notebook: Notebook) -> datetime | None:
    """A day alone is meant to its end."""
    if form.until is None:
        return None
    text = f"{form.until} 23:59" if _DATE.fullmatch(form.until.strip()) else form.until
    complaint = told("this is no time: write 2026-12-31, or 2026-12-31 18:00")
    return _read(lambda: world.times.moment(text, zone), "until", complaint, notebook)


def _recurring(when: WhenForm, plain: Timing, world: World, notebook: Notebook) -> Timing:
    said = [name for name in ("every", "cron", "on") if getattr(when, name) is not None]
    if len(said) != 1:
        notebook.wrong("when", told("say one of every, cron and on"))
        return plain
    if said != ["on"] and (when.at is not None or when.days):
        notebook.wrong("when", told("at and days belong to on"))
    if when.on is not None:
        return _by_date(when, plain, world, notebook)
    if when.cron is not None:
        return replace(
            plain, cadence=Cadence.RECURRING, recurrence=_cron(when.cron, plain.zone, world, notebook)
        )
    complaint = told("this says not when: write “mon 10:00”, “daily 10:00” or 每周一10点")
    every = _read(lambda: world.times.recurrence(when.every or ""), "when.every", complaint, notebook)
    return replace(plain, cadence=Cadence.RECURRING, recurrence=None if every is None else every.code())


def _cron(said: str, zone: ZoneName, world: World, notebook: Notebook) -> Slug | None:
    try:
        line = Crontab.parse(said)
    except Rejected as error:
        notebook.wrong("when.cron", told(error.text, **error.values))
        return None
    if len(line.minutes) > 1:
        notebook.wrong("when.cron", told("once an hour at most: write one minute, as in “0 10 * * mon”"))
    elif line.next_after(world.now, zone) is None:
        notebook.wrong("when.cron", told("this never comes"))
    return coded(said)


def _by_date(when: WhenForm, plain: Timing, world: World, notebook: Notebook) -> Timing:
    clock: time | None = USUAL_CLOCK
    if when.at is not None:
        complaint = told("this is no time of day: write 10:00")
        clock = _read(lambda: world.times.time_of_day(when.at or ""), "when.at", complaint, notebook)
    date_ = _occasion(when.on or "", notebook)
    return replace(plain, cadence=Cadence.BY_DATE, date=date_, clock=clock, offset_days=when.days)


def _occasion(said: str, notebook: Notebook) -> Slug:
    known = ON.get(said.strip().casefold())
    if known is not None:
        return Slug(known)
    found = _DAY.fullmatch(said.strip())
    try:
        month, day = (int(part) for part in found.groups() if part is not None) if found else (0, 0)
        return Slug(f"{date(_LEAP, month, day):%m-%d}")
    except ValueError:
        what = told("write birthday, member-anniversary, or a day of each year as 06-18")
        notebook.wrong("when.on", what)
        return Slug("birthday")
