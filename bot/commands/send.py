"""/send: a message to one customer or a group, now, later, or again and again."""

from bot.commands.arguments import first_word
from bot.commands.audience import group_named, is_group
from bot.commands.command import Call, OperatorCommand, Reply, Usage
from bot.commands.customers import Follows, reached_by, whom
from bot.commands.messages import OPERATOR_SEND, Recipient, checked, planned, told
from bot.commands.options import Options, read
from bot.commands.recurrences import spoken
from domain.deliveries.events import DeliveryClass
from domain.identity import ScheduleId
from domain.message import Personal
from domain.operators.events import Role
from domain.policies.recurrence import Recurrence
from domain.schedules.commands import CreateSchedule

OPTIONS = frozenset({"in", "at", "every", "even-at-night", "service", "timed"})


def _send(call: Call) -> Reply:
    options, rest = read(call, call.rest, OPTIONS, Options())
    to, rest = _recipient(call, rest)
    options, rest = read(call, rest, OPTIONS, options)
    if options.timed and options.not_before is None:
        raise Usage(call.say("Say when: 定时 CUSTOMER TIME TEXT"))
    text = checked(call, rest)
    if options.every is not None:
        return _recurring(call, to, text, options, options.every)
    return _once(call, to, text, options)


def _recipient(call: Call, rest: str) -> tuple[Recipient, str]:
    word, behind = first_word(rest)
    if is_group(word):
        call.needs(Role.MARKETER)
        before = call.rest[: len(call.rest) - len(rest)]
        name = word.partition(":")[2]
        group = group_named(call, name, lambda other: f"/{call.name} {before}{other} {behind}".rstrip())
        return Recipient(group=group), behind
    customer, behind = whom(call, rest, Follows.TEXT)
    return Recipient(customer=customer, contact=reached_by(customer)), behind


def _once(call: Call, to: Recipient, text: str, options: Options) -> Reply:
    marketing = to.group is not None and options.service is None
    plan = planned(
        call,
        to,
        text,
        DeliveryClass.MARKETING if marketing else DeliveryClass.SERVICE,
        OPERATOR_SEND,
        not_before=options.not_before,
        even_at_night=options.not_before is None or options.even_at_night,
        service_reason=options.service,
    )
    return Reply(told(call, to, plan), (plan,))


def _recurring(call: Call, to: Recipient, text: str, options: Options, every: Recurrence) -> Reply:
    zone = call.office.controls.zone
    schedule = CreateSchedule(
        schedule=ScheduleId(call.derived("schedule")),
        recurrence=every.code(),
        zone=zone,
        text=Personal(text),
        starts_at=call.now,
        customer=to.customer.id if to.customer is not None else None,
        contact=to.contact.id if to.contact is not None else None,
        group=to.group.id if to.group is not None else None,
        operator=call.operator.id,
        service=Personal(options.service) if options.service else None,
    )
    _, first = every.next_after(call.now, zone)
    said = call.say(
        "Goes to {recipient} {recurrence}, first at {time}. End it with /pause schedule:{id}"
    ).format(
        recipient=to.shown,
        recurrence=spoken(every, call.clock),
        time=call.clock.shown(first),
        id=schedule.schedule[:8],
    )
    return Reply(said, (schedule,))


send = OperatorCommand(
    name="send",
    role=Role.AGENT,
    usage=(
        "/send CUSTOMER [--in 2h | --at 2026-12-01T10:00] [--even-at-night] TEXT",
        '/send CUSTOMER|group:ID --every "mon 10:00" TEXT',
        "/send group:ID [--service REASON] TEXT",
    ),
    help="send a message now, later, or again and again",
    run=_send,
    words=("发送", "定时 --timed"),
)
