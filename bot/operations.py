"""What the command line asks of an installation: each operation yields lines, and works in a running Siyu and without one."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import structlog

from bot import dossier, export, forgetting
from bot.backup.taking import take
from bot.commands.command import CLI, Operator
from bot.commands.execute import execute
from bot.control import ASKED
from bot.doctor import examine
from bot.house import House
from bot.ids import fresh_id
from bot.reading import keep_parked, parked_by
from bot.texts import Told, told
from domain.decider import Process
from domain.dispatch import Done, Failed, Reaction, Request, answering, fold
from domain.errors import BadInput, Overloaded, Rejected, StoreUnavailable
from domain.identity import Locale, OperatorId, Slug, StreamId, Tag, stream
from domain.installation.commands import MarkHistoryImported, ResumeSending
from domain.message import Command, Context, Personal
from domain.operators.commands import AddOperator, IssueBindCode, RecordCommand
from domain.operators.events import CommandOutcome, Role
from domain.operators.roster import ROSTER, RosterState, roster
from domain.policies.text import folded
from domain.ports.event_log import Unreadable
from projections.engine import parked, verify
from projections.people import customers, find
from projections.tags import holders, tags_of
from projections.timeline.queries import ASKED_AT_ONCE, Entry, Filters, of_customer
from projections.timeline.tables import Kind

BIND_CODE_LIVES = timedelta(hours=24)
BIND_CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""No letters that look like digits: the code is typed on a phone."""
BIND_CODE_CHARS = 10

log_ = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Exit:
    """How an operation ended, where not with 0."""

    code: int


Said = Iterator["str | Told | Exit"]


def events(house: House, after: int = 0, name: str = "", customer: str = "", *, json: bool = False) -> Said:
    """Print the log."""
    form = export.as_json if json else export.as_text
    found = iter(house.log.read_stream(StreamId(name))) if name else export.events(house.log, after)
    wanted = _of_customer(house, customer) if customer else None
    for recorded in found:
        if recorded.position > after and (wanted is None or wanted(recorded)):
            yield form(recorded)


def _of_customer(house: House, text: str) -> Callable[[Any], bool]:
    customer = one_customer(house, text)
    ids = {customer.id, *(record.id for record in customer.merged), *(c.id for c in customer.contacts)}
    names = ("customer", "contact", "contacts")

    def concerns(recorded: Any) -> bool:  # noqa: ANN401  # a Recorded, whose event may be of any class
        values = (getattr(recorded.event, name, None) for name in names)
        return any(value in ids or (isinstance(value, tuple) and ids.intersection(value)) for value in values)

    return concerns


def one_customer(house: House, text: str) -> customers.Customer:
    """Return whom a text means. Raises Rejected: nobody, or several, who are then listed."""
    house.catch_up()
    with house.views.read() as connection:
        found = find.find(connection, text)
    if len(found) == 1:
        return found[0]
    if not found:
        raise Rejected(
            "no customer is known as {text!r}: try a number such as #1, or siyu customers", text=text
        )
    candidates = "\n".join(f"  #{c.number}  {c.name}" for c in found)
    raise Rejected(
        "{text!r} may be one of these, say which by number:\n{candidates}", text=text, candidates=candidates
    )


def list_customers(house: House, tag: str = "", *, json: bool = False) -> Said:
    """List customers."""
    house.catch_up()
    after = 0
    with house.views.snapshot() as connection:
        while page := customers.listed(
            connection, among=holders(Tag(tag)) if tag else None, after=after, limit=500
        ):
            for customer in page:
                tags = [held.tag for held in tags_of(connection, customer.id)]
                yield _customer_json(customer, tags) if json else _customer_text(customer, tags)
            after = page[-1].number


def _customer_json(customer: customers.Customer, tags: Sequence[str]) -> str:
    line = {
        "id": customer.id,
        "number": customer.number,
        "name": customer.name,
        "tags": sorted(set(tags)),
        "last_seen": customer.last_in,
        "contacts": [
            {
                "id": contact.id,
                "channel": contact.channel,
                "account": contact.account,
                "external_id": contact.external_id,
                "name": contact.name,
                "own_name": contact.own_name,
                "username": contact.username,
                "blocked": contact.blocked,
                "last_in": contact.last_in,
            }
            for contact in customer.contacts
        ],
    }
    return msgspec.json.encode(line).decode()


def _customer_text(customer: customers.Customer, tags: Sequence[str]) -> str:
    places = ", ".join(f"{contact.channel}:{contact.external_id}" for contact in customer.contacts)
    seen = customer.last_in.isoformat(timespec="seconds") if customer.last_in else "-"
    return f"#{customer.number:<6} {customer.name:<24} {seen:<26} {' '.join(sorted(set(tags))):<24} {places}"


def timeline(
    house: House, customer: str, kinds: Sequence[str] = (), search: str = "", *, json: bool = False
) -> Said:
    """Print a customer's timeline, in the order of the conversation."""
    unknown = set(kinds) - set(Kind)
    if unknown:
        raise Rejected(
            "no kind is called {name!r}: there are {known}", name=min(unknown), known=", ".join(Kind)
        )
    whom = one_customer(house, customer)
    after: int | None = 0
    with house.views.snapshot() as connection:
        while after is not None:
            wanted = Filters(kinds=frozenset(map(Kind, kinds)), text=search, after=after, limit=ASKED_AT_ONCE)
            page = of_customer(connection, whom.id, wanted)
            yield from (_entry_json(entry) if json else _entry_text(entry, house) for entry in page)
            after = page[-1].place if len(page) == ASKED_AT_ONCE else None


def _entry_json(entry: Entry) -> str:
    line = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
    line["direction"] = "in" if entry.incoming else "out"
    line["state"] = entry.state.phase if entry.state is not None else None
    return msgspec.json.encode(line).decode()


def _entry_text(entry: Entry, house: House) -> str:
    at = entry.at.astimezone(ZoneInfo(house.settings.time_zone)).isoformat(" ", "seconds")
    arrow = "<" if entry.incoming else ">" if entry.delivery is not None else " "
    said = entry.edited if entry.edited is not None else entry.text
    state = (
        f"  [{entry.state.phase}{f': {entry.state.reason}' if entry.state.reason else ''}]"
        if entry.state
        else ""
    )
    return f"{at}  {arrow} {entry.kind:<9} {said or entry.value or ''}{state}"


def rebuild(house: House, views: list[str]) -> Said:
    """Rebuild views from the log."""
    unknown = set(views) - set(house.projector.names)
    if unknown:
        raise Rejected(
            "no view is called {name!r}: there are {known}",
            name=min(unknown),
            known=", ".join(house.projector.names),
        )
    steps: list[Told] = []
    house.projector.rebuild(
        views, lambda at, total: steps.append(told("{at} of {total} events", at=at, total=total))
    )
    yield from steps
    yield told("rebuilt: {views}", views=", ".join(views or house.projector.names))


def check(house: House) -> Said:
    """Check the log, and compare each live view with a rebuilt one."""
    house.catch_up()
    unreadable = [
        recorded for recorded in export.events(house.log, 0) if isinstance(recorded.event, Unreadable)
    ]
    for recorded in unreadable:
        yield told(
            "log: {id} at position {position} cannot be read", id=recorded.id, position=recorded.position
        )
    differences = verify(house.projector)
    for difference in differences:
        yield f"view {difference.view}: {difference.table} {difference.key}: {difference.what}"
    with house.views.read() as connection:
        waiting = list(parked(connection, house.projector.names))
    for entry in waiting:
        yield told(
            "view {view}: position {position} is parked: {error}",
            view=entry.view,
            position=entry.position,
            error=entry.error,
        )
    if unreadable or differences or waiting:
        yield Exit(1)
    else:
        yield told(
            "fine: {events} events, {views} views", events=house.log.head(), views=len(house.projector.names)
        )


def replay(house: House, position: int | None = None) -> Said:
    """Retry parked events: of the views, and of the processes that follow the log."""
    done = house.projector.replay(position)
    answered, waiting = 0, len(done.still_parked)
    for process in house.processes:
        entries = parked_by(house.log, process.name)
        still = [
            entry
            for entry in entries
            if position not in {None, entry[0]} or not _react(house, process, entry[0])
        ]
        if still != entries:
            keep_parked(house.log, process.name, still)
        answered, waiting = answered + len(entries) - len(still), waiting + len(still)
    yield told("{applied} applied, {waiting} still parked", applied=done.applied + answered, waiting=waiting)
    if waiting:
        yield Exit(1)


def _react(house: House, process: Process, position: int) -> bool:
    """Let a process answer one event after all. Returns whether it could."""
    recorded = next((r for r in house.log.read(position - 1, 1) if r.position == position), None)
    if recorded is None or isinstance(recorded.event, Unreadable):
        return False
    context = answering(recorded, process, house.clock())
    try:
        result = house.submit_blocking(Request(context, reactions=(Reaction(process, recorded, context),)))
    except (StoreUnavailable, Overloaded):
        raise
    except Exception:
        log_.exception("replay.bug", process=process.name, position=position)
        return False
    return isinstance(result, Done)


def do(house: House, line: str, *, yes: bool = False, locale: Locale | None = None) -> Said:
    """Carry out an operator's command, and tell of it in a language."""
    house.catch_up()
    now = house.clock()
    request = house.digest("command", "cli", fresh_id())
    reply = execute(line, Operator(CLI, Role.OWNER, locale=locale), house.office, request, now, confirmed=yes)
    outcome, text = reply.outcome, reply.text
    context = Context(actor=Slug("operator-cli"), occurred_at=now, now=now)

    def record(outcome: CommandOutcome) -> Command:
        name = Slug(reply.command or "unknown")
        return RecordCommand(
            request=request,
            operator=CLI,
            command=name,
            line=Personal(line),
            outcome=outcome,
            about=reply.customers or (),
            order=request,
        )

    result = house.submit_blocking(Request(context, (*reply.commands, record(outcome))))
    if isinstance(result, Failed):
        outcome, text = CommandOutcome.REFUSED, house.texts.told(result.error, locale)
        house.do("operator-cli", record(outcome))
    yield text
    if outcome is not CommandOutcome.DONE:
        yield Exit(2 if outcome in {CommandOutcome.REFUSED, CommandOutcome.ASKED} else 1)


def team(house: House) -> RosterState:
    """Return the operators, as the log has them."""
    return fold(roster, house.log.read_stream(stream(roster.category, ROSTER)))


def add_operator(house: House, name: str, role: str) -> Said:
    """Add an operator and print a bind code; for one that exists, a new code."""
    try:
        wanted = Role(role)
    except ValueError:
        raise Rejected(
            "no role is called {role!r}: there are {known}", role=role, known=", ".join(Role)
        ) from None
    operator = OperatorId(house.digest("operator", folded(name)))
    code = "".join(secrets.choice(BIND_CODE_ALPHABET) for _ in range(BIND_CODE_CHARS))
    add = AddOperator(
        operator=operator,
        name=Personal(name),
        name_digest=house.digest("operator-name", folded(name)),
        role=wanted,
    )
    known = team(house).members.get(operator)
    if known is not None and known.role is not wanted:
        raise Rejected(
            "{name} is {role} already: remove the operator first, or ask for a code with --role {role}",
            name=name,
            role=known.role,
        )
    issue = IssueBindCode(
        operator=operator,
        code=house.digest("bind-code", code),
        expires_at=house.clock() + BIND_CODE_LIVES,
    )
    house.do("operator-cli", *(() if known is not None else (add,)), issue)
    yield told(
        "To work as {name} ({role}), send this within 24 hours in a private chat with the bot:",
        name=name,
        role=wanted,
    )
    yield f"/bind {code}"


def resume_sending(house: House) -> Said:
    """Let messages leave again after an import or a restore."""
    events_ = house.do("operator-cli", ResumeSending()).events
    yield told("messages leave again") if events_ else told("nothing was held")


def import_events(house: House, file: str) -> Said:
    """Build an installation from an export. The folder must be new."""
    if house.log.head():
        raise BadInput("this installation has events already: import into an empty data folder (SIYU_DATA)")
    with open(file, "rb") as lines:  # noqa: PTH123  # streamed: the file may be larger than memory
        count = export.store(house.log, house.vault, export.read_lines(lines))
    house.do("system", MarkHistoryImported(events=count))
    house.catch_up()
    yield told("{count} events imported. Nothing is sent until: siyu resume-sending", count=count)
    yield told("What was planned or recurring in them is history: plan it anew.")


def doctor(house: House) -> Said:
    """Check settings, channels, stores and lag; exit 1 where something needs a person."""
    if (yield from examine(house)):
        yield Exit(1)


def back_up(house: House, folder: str) -> Said:
    """Copy log, vault and media into a new folder."""
    yield from take(house, Path(folder))


def export_customer(house: House, customer: str, folder: str = "") -> Said:
    """Print everything about a customer as lines of JSON, or write it into a new folder, with tables and files."""
    yield from dossier.give_out(house, one_customer(house, customer), CLI, folder)


def forget_customer(house: House, customer: str, *, yes: bool = False) -> Said:
    """Destroy everything personal about a customer; without ``yes``: say who it is, and end as ASKED."""
    yield from forgetting.lines(house, one_customer(house, customer), CLI, confirmed=yes)
    if not yes:
        yield Exit(ASKED)


def address(house: House) -> Said:
    """Say where the web server listens."""
    yield house.address


Operation = Callable[..., Said]

OPERATIONS: dict[str, Operation] = {
    "events": events,
    "timeline": timeline,
    "customers": list_customers,
    "rebuild": rebuild,
    "verify": check,
    "replay": replay,
    "do": do,
    "operator-add": add_operator,
    "resume-sending": resume_sending,
    "import-events": import_events,
    "doctor": doctor,
    "backup": back_up,
    "export": export_customer,
    "forget": forget_customer,
    "address": address,
}
