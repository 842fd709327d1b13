"""What a channel still allows towards a customer, as operators read it: ``4 of 5 left until Tue 14:05``."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from bot.commands.recurrences import weekdays
from bot.commands.times import Clock
from domain.identity import ContactId
from projections.windows import left, opened


def remaining(connection: Connection, contact: ContactId, clock: Clock, *, spending: int = 0) -> str | None:
    """Return what is left after ``spending`` more messages; None on a channel where there is no limit."""
    window = left(connection, contact, clock.now)
    if window is None:
        return None
    messages = max(0, window.messages - spending)
    if clock.now >= window.until or window.messages == 0:
        return clock.say("The time to answer is over: it arrives only if they write again.")
    place = (window.since, window.until)
    whole = max(w.messages for w in opened(connection, contact) if (w.since, w.until) == place)
    said = clock.say("{left} of {whole} left until {time}")
    return said.format(left=messages, whole=whole, time=_brief(window.until, clock))


def _brief(moment: datetime, clock: Clock) -> str:
    """No window lasts a week."""
    local = moment.astimezone(ZoneInfo(clock.zone))
    return f"{weekdays(clock)[local.weekday()]} {local:%H:%M}"
