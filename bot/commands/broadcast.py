"""/broadcast and /confirm: one text to many, counted first, sent when somebody says yes."""

from datetime import datetime, timedelta

from bot.commands.arguments import first_word
from bot.commands.audience import Many, many
from bot.commands.campaign import waiting_for
from bot.commands.command import Call, OperatorCommand, Reply, Usage
from bot.commands.messages import checked
from bot.commands.options import Options, read
from bot.commands.preview import Preview, preview, told
from bot.commands.recurrences import spoken
from domain.broadcasts.broadcast import Stage
from domain.broadcasts.commands import ConfirmBroadcast, DraftBroadcast
from domain.errors import NotAllowed, Rejected
from domain.identity import BroadcastId, Digest
from domain.message import Personal
from domain.operators.events import CommandOutcome, Role
from domain.policies.recurrence import Recurrence
from domain.policies.text import folded
from projections.drafts import Draft, drafts_with

OPTIONS = frozenset({"in", "at", "every", "yes"})
CODE_DIGITS = 6
DRAFT_LIVES = timedelta(hours=1)
"""A code that lies about for longer confirms nothing: who is reached may have changed."""


def _broadcast(call: Call) -> Reply:
    options, rest = read(call, call.rest, OPTIONS, Options())
    word, behind = first_word(rest)
    if not word or not behind:
        raise Usage("")
    before = call.rest[: len(call.rest) - len(rest)]
    audience = many(call, word, lambda other: f"/{call.name} {before}{other} {behind}")
    options, behind = read(call, behind, OPTIONS, options)
    text = checked(call, behind)
    begins = options.not_before or call.now
    if options.every is not None:
        begins = options.every.next_after(call.now, call.office.controls.zone)[1]
    counted = preview(call, audience, begins)
    if not counted.count and not counted.capped and options.every is None:
        raise Rejected("\n".join(told(call, counted)))
    return _drafted(call, audience, text, options, counted)


def _drafted(call: Call, audience: Many, text: str, options: Options, counted: Preview) -> Reply:
    confirmed = options.confirmed or call.confirmed
    code = f"{int(call.derived('code'), 16) % 10**CODE_DIGITS:0{CODE_DIGITS}}"
    draft = DraftBroadcast(
        broadcast=BroadcastId(call.derived("broadcast")),
        audience=audience.kind,
        tag=audience.tag,
        group=audience.group.id if audience.group is not None else None,
        text=Personal(text),
        not_before=options.not_before or call.now,
        recurrence=options.every.code() if options.every is not None else None,
        zone=call.office.controls.zone if options.every is not None else None,
        operator=call.operator.id,
        code=None if confirmed else _digest(call, code),
    )
    lines = [*told(call, counted), *_when(call, options)]
    if confirmed:
        return Reply("\n".join(lines), (draft, ConfirmBroadcast(broadcast=draft.broadcast)))
    asked = call.say("Send it? /confirm {code} within an hour.").format(code=code)
    yes = call.say("Send to {count}").format(count=counted.count)
    return Reply(
        "\n".join([*lines, asked]),
        (draft,),
        outcome=CommandOutcome.ASKED,
        choices=(((yes, f"/confirm {code}"),),),
        rows=({"code": code, "count": counted.count},),
    )


def _when(call: Call, options: Options) -> list[str]:
    if options.every is not None:
        _, first = options.every.next_after(call.now, call.office.controls.zone)
        said = call.say("Goes out {recurrence}, first at {time}.")
        said = said.format(recurrence=spoken(options.every, call.clock), time=call.clock.shown(first))
    elif options.not_before is not None:
        first = options.not_before
        said = call.say("Goes out at {time}.").format(time=call.clock.shown(first))
    else:
        first = call.now
        said = call.say("Goes out at once.")
    return [said, *_quiet(call, first)]


def _quiet(call: Call, first: datetime) -> list[str]:
    controls = call.office.controls
    ends = controls.quiet.end_after(first, controls.zone)
    if ends <= first:
        return []
    return [call.say("Quiet hours: it waits until {time}.").format(time=call.clock.shown(ends))]


def _digest(call: Call, code: str) -> Digest:
    return call.office.digest("confirm-code", code)


def _confirm(call: Call) -> Reply:
    code, more = first_word(call.rest)
    if not code or more:
        raise Usage("")
    with call.office.views.read() as connection:
        found = drafts_with(connection, _digest(call, folded(code)))
    draft = _mine(call, found)
    launch = waiting_for(call, folded(code)) if draft is None else None
    if launch is not None:
        return launch
    if draft is None:
        raise Rejected(
            call.say("No broadcast waits for this code: it was never given, or is older than an hour.")
        )
    if draft.stage is Stage.CANCELLED:
        raise Rejected(call.say("This broadcast was cancelled."))
    if draft.stage is not Stage.DRAFT:
        return Reply(call.say("This broadcast was confirmed already."))
    lines = [_confirmed(call, draft)]
    if draft.recurrence is None:
        lines += _quiet(call, max(draft.not_before, call.now))
    return Reply("\n".join(lines), (ConfirmBroadcast(broadcast=draft.broadcast),))


def _confirmed(call: Call, draft: Draft) -> str:
    if draft.recurrence is not None:
        every = spoken(Recurrence.parse(draft.recurrence), call.clock)
        return call.say("Confirmed: it goes out {recurrence}.").format(recurrence=every)
    if draft.not_before > call.now:
        return call.say("Confirmed: it goes out at {time}.").format(time=call.clock.shown(draft.not_before))
    return call.say("Confirmed: it goes out now.")


def _mine(call: Call, found: list[Draft]) -> Draft | None:
    """Return the newest young draft that this operator may confirm: their own, or anybody's for a manager. Raises NotAllowed."""
    young = [draft for draft in found if call.now - draft.drafted_at <= DRAFT_LIVES]
    own = [draft for draft in young if draft.operator == call.operator.id]
    if own or not young:
        return next(iter(own), None)
    if not call.operator.role.includes(Role.MANAGER):
        raise NotAllowed(call.say("Only whoever wrote it, or a manager, may confirm it."))
    return young[0]


broadcast = OperatorCommand(
    name="broadcast",
    role=Role.MARKETER,
    usage=('/broadcast tag:TAG|group:ID|all [--in 2h | --at 10:00 | --every "mon 10:00"] [--yes] TEXT',),
    help="write to many: shows whom it reaches, then asks",
    run=_broadcast,
    words=("群发",),
)
confirm = OperatorCommand(
    name="confirm",
    role=Role.MARKETER,
    usage=("/confirm CODE",),
    help="let a broadcast go out",
    run=_confirm,
    words=("确认",),
)
