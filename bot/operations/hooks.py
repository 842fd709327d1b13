"""Other systems that are told what happens: how they stand, and telling them again."""

from contextlib import suppress

import msgspec

from bot.commands.command import CLI
from bot.hooks.examining import state_of, way_out
from bot.hooks.settings import hooks_of
from bot.hooks.standing import Skip, Standing, note, note_skip, place, standing
from bot.house import House, done
from bot.ids import fresh_id
from bot.operations.said import Said
from bot.texts import told
from domain.dispatch import Request
from domain.errors import Rejected, VersionConflict
from domain.identity import Slug
from domain.message import Personal
from domain.operators.commands import RecordCommand
from domain.operators.events import CommandOutcome
from domain.ports.event_log import Progress

TRIES = 5


def list_hooks(house: House, *, json: bool = False) -> Said:
    """List the hooks; of an address only its host: the rest of it may let somebody in."""
    hooks = hooks_of(house.variables)
    for hook in hooks:
        stands = standing(house.log, hook.name)
        position = house.log.progress(place(hook.name))
        if json:
            line = {
                "hook": hook.name,
                "host": hook.url.host,
                "position": position,
                "events": sorted(hook.events) or ["*"],
                **msgspec.to_builtins(stands),
            }
            yield msgspec.json.encode(line).decode()
            continue
        yield told(
            "{hook}: {host}, told up to {position}; {state}",
            hook=hook.name,
            host=hook.url.host,
            position=position if position is not None else "-",
            state=state_of(stands),
        )
        if stands.stopped:
            yield way_out(hook, position or 0)
    if not hooks and not json:
        yield told("There are no hooks yet: docs/hooks.md tells how to set one up.")


def replay_hook(house: House, name: str, after: int, until: int | None = None) -> Said:
    """Set a hook back to a position; with ``until``: only up to there, and then on from where it was. The audit notes it."""
    hook = next((hook for hook in hooks_of(house.variables) if hook.name == name), None)
    if hook is None:
        raise Rejected("no hook is called {name!r}: siyu hook list shows them", name=name)
    last = _set_back_between_requests(house, hook.name, after, until)
    note(house.log, hook.name, Standing())
    yield told("{name} is told again what is above {after}, up to {last}", name=name, after=after, last=last)


def _set_back_between_requests(house: House, hook: Slug, after: int, until: int | None) -> int:
    for _ in range(TRIES - 1):
        with suppress(VersionConflict):  # it was told something just now
            return _set_back(house, hook, after, until)
    return _set_back(house, hook, after, until)


def _set_back(house: House, hook: Slug, after: int, until: int | None) -> int:
    """Move the position, with the entry of the audit. Returns up to where it is told again. Raises Rejected, VersionConflict."""
    position = house.log.progress(place(hook))
    if position is None:
        raise Rejected("{name} has been told nothing yet: it begins when Siyu runs", name=hook)
    if after > position:
        raise Rejected(
            "{name} was told only up to {position}: nothing is left out", name=hook, position=position
        )
    if until is not None and until <= after:
        raise Rejected("--until is a position above --after")
    last = position if until is None else min(until, position)
    # What is left out is noted first: while the position has not moved it counts for nothing.
    note_skip(house.log, hook, Skip(last, position) if last < position else Skip())
    request = house.digest("command", place(hook), fresh_id())
    record = RecordCommand(
        request=request,
        operator=CLI,
        command=Slug("hook-replay"),
        line=Personal(f"hook replay {hook} --after {after} --until {last}"),
        outcome=CommandOutcome.DONE,
        order=request,
    )
    progress = Progress(place(hook), position, after)
    done(house.submit_blocking(Request(house.context("operator-cli"), (record,), progress=progress)))
    return last
