"""Options of commands that send: ``--in``, ``--at``, ``--every``, ``--even-at-night``, ``--service``, ``--yes``."""

from dataclasses import dataclass, replace
from datetime import datetime

from bot.commands.arguments import NoSuchValue, first_word, option, quoted, value
from bot.commands.command import Call, Usage
from bot.commands.recurrences import recurrence
from bot.commands.times import delay, moment
from domain.operators.events import Role
from domain.policies.recurrence import Recurrence

MOST = 8
"""There are fewer options than that: a line with more of them is a mistake."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was said. ``not_before``: None for now. ``timed``: a time stands somewhere without ``--at`` (定时 #1042 明天10点 TEXT)."""

    not_before: datetime | None = None
    every: Recurrence | None = None
    even_at_night: bool = False
    service: str | None = None
    confirmed: bool = False
    timed: bool = False

    @property
    def when_said(self) -> bool:
        """Whether the line says when."""
        return self.not_before is not None or self.every is not None


def read(call: Call, text: str, known: frozenset[str], options: Options) -> tuple[Options, str]:
    """Return the options at the start of a text added to ``options``, and the rest. Raises Usage, Rejected, NotAllowed."""
    rest = text
    for _ in range(MOST):
        found = option(rest)
        if found is None:
            return _unmarked_time(call, rest, options)
        name, rest = found
        if name not in known:
            raise Usage(call.say("There is no option --{name} here.").format(name=name))
        options, rest = _one(call, name, rest, options)
    raise Usage("")


def _one(call: Call, name: str, rest: str, options: Options) -> tuple[Options, str]:
    match name:
        case "in" | "at" | "every" | "service" if not rest.strip():
            raise Usage("")
        case "in" | "at" | "every" if options.when_said:
            raise Usage(call.say("Say only once when: --in, --at or --every."))
        case "in":
            complaint = call.say("{value} is no time to wait: write 2h, 30m or 2小时")
            wait, rest = value(rest, lambda said: delay(said, call.clock), complaint)
            return replace(options, not_before=call.now + wait), rest
        case "at":
            complaint = call.say("{value} is no time: write 15:30, tomorrow 10:00, mon 9:30 or 明天10点")
            at, rest = value(rest, lambda said: moment(said, call.clock), complaint)
            return replace(options, not_before=at), rest
        case "every":
            complaint = call.say("{value} says not when: write “mon 10:00”, “daily 10:00” or 每周一10点")
            every, rest = value(rest, lambda said: recurrence(said, call.clock), complaint)
            call.needs(Role.MARKETER)
            return replace(options, every=every), rest
        case "service":
            call.needs(Role.MANAGER)
            reason, rest = quoted(rest) or first_word(rest)
            return replace(options, service=reason), rest
        case "even-at-night":
            return replace(options, even_at_night=True), rest
        case "yes":
            return replace(options, confirmed=True), rest
        case _:
            return replace(options, timed=True), rest


def _unmarked_time(call: Call, rest: str, options: Options) -> tuple[Options, str]:
    if not options.timed or options.when_said:
        return options, rest
    try:
        at, behind = value(rest, lambda said: moment(said, call.clock), "{value}")
    except NoSuchValue:
        return options, rest
    return replace(options, not_before=at), behind
