"""Cards: what an operator's phone shows of a customer who wrote, with buttons; /card shows it again, /mute spares them."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from bot.commands.arguments import first_word
from bot.commands.command import Call, OperatorCommand, Reply
from bot.commands.customers import Follows, called, reached_by, sealed_under, whom
from bot.commands.remaining import remaining
from bot.commands.times import Clock, delay, moment
from domain.errors import NotAllowed, Rejected, UnknownRecipient
from domain.operators.commands import MuteCards, UnmuteCards
from domain.operators.events import Role
from domain.policies.money import shown
from projections.people.customers import Customer
from projections.purchases import Totals, totals
from projections.timeline import Filters, Kind, of_customer

MUTED_FOR = timedelta(hours=8)
"""A working day."""
LONGEST_TEXT = 400
"""Of one message on a card: who wants it whole, looks at the timeline."""
SHOWN = 5
"""Messages on a card."""
OFF = {"off", "关", "关闭", "取消"}

Say = Callable[[str], str]
Buttons = tuple[tuple[tuple[str, str], ...], ...]


def head(customer: Customer, channel: str, say: Say) -> str:
    """Return a card's first line: ``#1042 Anna · WeChat``."""
    return f"{called(customer)} · {channel_said(channel, say)}"


def channel_said(channel: str, say: Say) -> str:
    """Return a channel's name as people know it."""
    known = {"telegram": say("Telegram"), "wechat": say("WeChat"), "webchat": say("Web chat")}
    return known.get(channel, channel)


def line(kind: str, text: str, say: Say) -> str:
    """Return one message as a card shows it: what it carries, and the beginning of its text."""
    carried = {
        "photo": say("photo"),
        "voice": say("voice message"),
        "video": say("video"),
        "document": say("file"),
        "sticker": say("sticker"),
        "location": say("location"),
        "contact": say("contact"),
        "unknown": say("something I cannot show"),
    }.get(kind)
    flat = text.strip()
    if len(flat) > LONGEST_TEXT:
        flat = f"{flat[:LONGEST_TEXT]}…"
    return " ".join(part for part in (f"[{carried}]" if carried else "", flat) if part)


def buttons(customer: Customer, say: Say) -> Buttons:
    """Return what may be done about a customer at once."""
    number = f"#{customer.number}"
    return (
        ((say("Answer"), f"/reply {number}"), (say("Tag"), f"/tag {number}")),
        ((say("Note"), f"/note {number}"), (say("Mute 8 h"), f"/mute {number}")),
    )


def body(customer: Customer, channel: str, lines: Sequence[str], left: str | None, clock: Clock) -> str:
    """Return a card's text: who, what they said, and what is left of their reply window."""
    told = [head(customer, channel, clock.say), *lines, *([left] if left is not None else [])]
    return "\n".join(told)


def _card(call: Call) -> Reply:
    customer, _ = whom(call, call.rest, Follows.NOTHING)
    contact = reached_by(customer)
    if contact is None:
        raise UnknownRecipient(call.say("The customer of this card is gone."))
    with call.office.views.read() as connection:
        said = of_customer(connection, customer.id, Filters(kinds=frozenset({Kind.MESSAGE}), limit=SHOWN))
        ordered = totals(connection, customer.id)
    left = remaining(call.office.views, contact.id, call.clock)
    lines = [_ordered(call, total) for total in ordered]
    lines += [line(entry.value or "text", entry.edited or entry.text or "", call.say) for entry in said]
    return Reply(
        body(customer, contact.channel, lines, left, call.clock),
        choices=buttons(customer, call.say),
        about=sealed_under(contact.id),
    )


def _ordered(call: Call, total: Totals) -> str:
    """What they ordered so far, on one line."""
    told = call.say("orders: {count}, {amount}, the last on {day}")
    day = call.clock.shown(total.last_at)[:10]
    return told.format(count=total.orders, amount=shown(total.ordered, total.currency), day=day)


def _mute(call: Call) -> Reply:
    if call.operator.contact is None:
        raise NotAllowed(call.say("Only who gets cards can mute them: do it from your phone."))
    word, more = first_word(call.rest)
    only_whom = not more and (word[:1] == "#" or call.replying_to is None or not word)
    customer, when = whom(call, call.rest, Follows.NOTHING if only_whom else Follows.TEXT)
    operator = call.operator.id
    if when.strip().casefold() in OFF:
        said = call.say("Cards about {customer} come again.")
        return Reply(
            said.format(customer=called(customer)), (UnmuteCards(operator=operator, customer=customer.id),)
        )
    until = call.now + MUTED_FOR
    if when.strip():
        wait = delay(when, call.clock)
        at = call.now + wait if wait is not None else moment(when, call.clock)
        if at is None:
            complaint = call.say("{value} is no time: write 15:30, tomorrow 10:00, mon 9:30 or 明天10点")
            raise Rejected(complaint.format(value=when))
        until = at
    said = call.say("No cards about {customer} until {time}. /mute #{number} off: again")
    told = said.format(customer=called(customer), time=call.clock.shown(until), number=customer.number)
    return Reply(told, (MuteCards(operator=operator, customer=customer.id, until=until),))


card = OperatorCommand(
    name="card",
    role=Role.AGENT,
    usage=("/card CUSTOMER",),
    help="show what a customer said last, with buttons to answer",
    run=_card,
    words=("卡片",),
)
mute = OperatorCommand(
    name="mute",
    role=Role.AGENT,
    usage=("/mute CUSTOMER [TIME]", "/mute CUSTOMER off"),
    help="get no cards about a customer for a while",
    run=_mute,
    words=("免打扰",),
)
