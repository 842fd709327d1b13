"""/timeline: what happened with a customer, in the order of the conversation."""

from bot.commands.command import Call, OperatorCommand, Reply
from bot.commands.customers import Follows, label, whom
from bot.commands.preview import reason_said
from domain.deliveries.delivery import Phase
from domain.identity import MARKETING_TOPIC
from domain.operators.events import Role
from projections.tags import tags_of
from projections.timeline import Entry, Filters, Kind, of_customer

SHOWN = 20
LONGEST_LINE = 160


def _timeline(call: Call) -> Reply:
    customer, _ = whom(call, call.rest, Follows.NOTHING)
    with call.office.views.read() as connection:
        entries = of_customer(connection, customer.id, Filters(limit=SHOWN))
        tags = dict.fromkeys(tagging.tag for tagging in tags_of(connection, customer.id))
    head = "  ".join([label(customer), *(f"[{tag}]" for tag in tags)])
    lines = [f"{call.clock.shown(entry.at)[5:16]}  {_told(call, entry)}" for entry in entries]
    if not lines:
        lines = [call.say("Nothing happened yet.")]
    return Reply("\n".join([head, *lines]), rows=tuple(_row(entry) for entry in entries))


def _told(call: Call, entry: Entry) -> str:
    text = " ".join((entry.edited or entry.text or "").split())
    if len(text) > LONGEST_LINE:
        text = f"{text[:LONGEST_LINE]}…"
    match entry.kind:
        case Kind.MESSAGE:
            kind = "" if entry.value in {None, "text"} else f"[{_content(call, entry)}] "
            return f"← {kind}{text}" + (call.say(" (edited)") if entry.edited is not None else "")
        case Kind.DELIVERY:
            file = f"[📎 {entry.file.name or entry.file.kind}] " if entry.file is not None else ""
            return f"→ {file}{text}  {_state(call, entry)}"
        case Kind.TAGGED:
            return call.say("tag {tag}").format(tag=entry.value)
        case Kind.UNTAGGED:
            return call.say("tag {tag} taken away").format(tag=entry.value)
        case Kind.NOTE:
            return call.say("note: {text}").format(text=text)
        case Kind.NAMED:
            return call.say("called {name}").format(name=text)
        case Kind.BUTTON:
            return call.say("pressed {text}").format(text=text)
        case Kind.FOLLOWED | Kind.SCANNED | Kind.OPENED | Kind.CHOSE:
            return _action(call, entry, text)
        case Kind.ORDERED | Kind.PAID | Kind.REFUNDED | Kind.REACHED | Kind.GIVEN | Kind.REDEEMED:
            return _world(call, entry, text)
        case Kind.EDIT:
            return call.say("edited: {text}").format(text=text)
        case _:
            return _change(call, entry)


def _action(call: Call, entry: Entry, text: str) -> str:
    """What somebody did that is no message."""
    match entry.kind:
        case Kind.FOLLOWED if entry.value is not None:
            return call.say("followed us, by the code {source}").format(source=entry.value)
        case Kind.FOLLOWED:
            return call.say("followed us")
        case Kind.SCANNED:
            return call.say("scanned the code {source}").format(source=entry.value or "")
        case Kind.OPENED:
            return call.say("opened {page}").format(page=text)
        case _:
            return call.say("chose which messages to get: {choice}").format(choice=text)


def _world(call: Call, entry: Entry, text: str) -> str:
    """What other systems told, and what became of codes."""
    match entry.kind:
        case Kind.ORDERED:
            return call.say("ordered {text}, {amount}").format(text=text, amount=entry.value)
        case Kind.PAID:
            return call.say("paid {amount}").format(amount=entry.value)
        case Kind.REFUNDED:
            return call.say("got back {amount}").format(amount=entry.value)
        case Kind.GIVEN:
            return call.say("was given the code {code} of {pool}").format(code=text, pool=entry.value)
        case Kind.REDEEMED:
            return call.say("redeemed the code {code} of {pool}").format(code=text, pool=entry.value)
        case _:
            return call.say("reached the goal {goal}").format(goal=entry.value)


def _content(call: Call, entry: Entry) -> str:
    """What a message is beside its text, and what became of its file, once that is known."""
    file = entry.file
    if file is None:
        return entry.value or ""
    if file.reason is None:
        return f"{entry.value} 📎 {file.name or ''}".rstrip()
    return call.say("{kind}, not kept: {reason}").format(kind=entry.value, reason=_refused(call, file.reason))


def _refused(call: Call, reason: str) -> str:
    said = {
        "too-large": call.say("too large"),
        "lying-type": call.say("not what it says it is"),
        "not-allowed": call.say("a type that is not kept"),
        "gone": call.say("it could not be fetched"),
        "empty": call.say("it was empty"),
    }
    return said.get(reason, reason)


def _change(call: Call, entry: Entry) -> str:
    said = {
        Kind.JOINED: call.say("joined a group"),
        Kind.LEFT: call.say("left a group"),
        Kind.CONSENTED: call.say("subscribed"),
        Kind.WITHDREW: call.say("unsubscribed"),
        Kind.BLOCKED: call.say("blocked us"),
        Kind.UNBLOCKED: call.say("unblocked us"),
        Kind.HANDED_OVER: call.say("a person answers"),
        Kind.RETURNED: call.say("the bot answers again"),
        Kind.MERGED: call.say("known as one person from here on"),
        Kind.UNMERGED: call.say("known as two persons again"),
    }
    told = said.get(entry.kind, entry.kind.value)
    if entry.kind in {Kind.CONSENTED, Kind.WITHDREW}:  # with the topic, and how we know
        topic = f": {entry.value}" if entry.value not in {None, MARKETING_TOPIC} else ""
        told = f"{told}{topic} ({entry.text})" if entry.text else f"{told}{topic}"
    return told


def _state(call: Call, entry: Entry) -> str:
    state = entry.state
    if state is None:
        return ""
    reason = (
        f" ({reason_said(call, state.reason)})" if state.reason and state.phase is not Phase.CONFIRMED else ""
    )
    return f"[{phase_said(call, state.phase)}{reason}]"


def phase_said(call: Call, phase: Phase) -> str:
    """Return where a delivery stands, in a word."""
    said = {
        Phase.PLANNED: call.say("waiting"),
        Phase.STARTED: call.say("being sent"),
        Phase.ACCEPTED: call.say("sent"),
        Phase.CONFIRMED: call.say("arrived"),
        Phase.REJECTED: call.say("refused"),
        Phase.UNKNOWN: call.say("unknown whether sent"),
        Phase.SUPPRESSED: call.say("left out"),
        Phase.EXPIRED: call.say("too late"),
    }
    return said.get(phase, phase.value)


def _row(entry: Entry) -> dict[str, object]:
    return {
        "position": entry.position,
        "at": entry.at.isoformat(),
        "kind": entry.kind.value,
        "text": entry.edited or entry.text,
        "value": entry.value,
        "delivery": entry.delivery,
        "file": None if entry.file is None else entry.file.reason or "kept",
        "state": entry.state.phase.value if entry.state is not None else None,
    }


timeline = OperatorCommand(
    name="timeline",
    role=Role.VIEWER,
    usage=("/timeline CUSTOMER",),
    help="what happened with a customer",
    run=_timeline,
    words=("记录", "时间线"),
)
