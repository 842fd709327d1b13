"""Looking after an installation: views, parked events, how it is."""

import structlog

from bot import export
from bot.doctor import examine
from bot.hooks.examining import hooks_examined
from bot.house import House
from bot.operations.said import Exit, Said
from bot.reading import keep_parked, parked_by
from bot.relay.examining import relay_examined
from bot.texts import Told, told
from domain.decider import Process
from domain.dispatch import Done, Reaction, Request, answering
from domain.errors import Overloaded, Rejected, StoreUnavailable
from domain.ports.event_log import Unreadable
from projections.engine import parked, verify

log_ = structlog.get_logger(__name__)


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
    now = house.clock()
    context = answering(recorded, process, now)
    try:
        result = house.submit_blocking(Request(context, reactions=(Reaction(process, recorded, now),)))
    except (StoreUnavailable, Overloaded):
        raise
    except Exception:
        log_.exception("replay.bug", process=process.name, position=position)
        return False
    return isinstance(result, Done)


def doctor(house: House) -> Said:
    """Check settings, channels, stores and lag; exit 1 where something needs a person."""
    unwell = yield from examine(house)
    yield from relay_examined(house)
    if (yield from hooks_examined(house)) or unwell:
        yield Exit(1)
