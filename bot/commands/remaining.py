"""What a channel still allows towards a customer, as operators read it: ``4 of 5 left until Tue 14:05``."""

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.commands.recurrences import weekdays
from bot.commands.times import Clock
from domain.identity import ContactId
from projections.engine import Views
from projections.windows import left, opened


def remaining(views: Views, contact: ContactId, clock: Clock, *, spending: int = 0) -> str | None:
    """Return what is left after ``spending`` more messages; None on a channel where there is no limit."""
    with views.read() as connection:
        window, known = left(connection, contact, clock.now), opened(connection, [contact]).get(contact, ())
    if window is None:
        return None
    if clock.now >= window.until or window.messages == 0:
        return clock.say("The time to answer is over: it arrives only if they write again.")
    whole = max(one.messages for one in known if (one.since, one.until) == (window.since, window.until))
    messages = max(0, window.messages - spending)
    said = clock.say("{left} of {whole} left until {time}")
    return said.format(left=messages, whole=whole, time=_brief(window.until, clock))


def _brief(moment: datetime, clock: Clock) -> str:
    """No window lasts a week."""
    local = moment.astimezone(ZoneInfo(clock.zone))
    return f"{weekdays(clock)[local.weekday()]} {local:%H:%M}"
