"""The pool: codes in the order they came, and how many of them are taken.

Two streams: ``pool-NAME`` grows by the file, ``taking-NAME`` by the code, and the state of that one is a number. So a process that reads
them anew, since another one took codes, reads a snapshot and the last few events.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from domain.codes.commands import AddCodes, DoubtPool, SetPoolExpiry, SettlePool
from domain.codes.events import (
    POOL_EVENTS,
    TAKING_EVENTS,
    CodesAdded,
    CodeTaken,
    PoolDoubted,
    PoolExpirySet,
    PoolSettled,
)
from domain.decider import Decider
from domain.errors import Rejected, UnknownRecipient
from domain.identity import Digest
from domain.message import Context, Event, Personal
from domain.policies.text import folded

CODES_AT_ONCE = 500
"""Codes in one event."""

PoolCommand = AddCodes | SetPoolExpiry | DoubtPool | SettlePool
PoolEvent = CodesAdded | PoolExpirySet | PoolDoubted | PoolSettled


def code_digest(digest: Callable[..., Digest], code: str) -> Digest:
    """Return what a code is known by; width, case and blanks around it do not count. ``digest``: the installation's keyed hash."""
    return digest("code", folded(code))


@dataclass(frozen=True, slots=True)
class PoolState:
    """``firsts``: the number of each chunk's first code. ``added``: how many there are, taken or not.

    ``doubted``: a restored log does not know which of them were given out. ``withdrawn``: those up to this number are given to nobody.
    """

    firsts: tuple[int, ...] = ()
    chunks: tuple[Personal[list[str]], ...] = ()
    added: int = 0
    expires_at: datetime | None = None
    doubted: bool = False
    withdrawn: int = 0

    def code(self, number: int) -> str:
        """Return the code of a number, from 1 on; it must have come in."""
        chunk = bisect_right(self.firsts, number) - 1
        return self.chunks[chunk].value[number - self.firsts[chunk]]

    def expired(self, now: datetime) -> bool:
        """Whether its codes count no more."""
        return self.expires_at is not None and now >= self.expires_at


def decide(state: PoolState, command: PoolCommand, context: Context) -> Sequence[Event]:
    """Decide what a command means for this pool."""
    match command:
        case AddCodes(pool=pool, since=since, codes=codes, digests=digests, operator=operator):
            if since != state.added:
                raise Rejected("somebody put codes into the pool {pool} just now: try again", pool=pool)
            first = state.added + 1
            added = CodesAdded(pool=pool, first=first, codes=codes, digests=digests, operator=operator)
            return (added,) if digests else ()
        case SetPoolExpiry(pool=pool, expires_at=expires_at, operator=operator):
            if not state.added:
                raise UnknownRecipient("there is no pool {pool}", pool=pool)
            if expires_at <= context.now:
                raise Rejected("codes cannot expire in the past")
            same = expires_at == state.expires_at
            return () if same else (PoolExpirySet(pool=pool, expires_at=expires_at, operator=operator),)
        case DoubtPool(pool=pool):
            return (PoolDoubted(pool=pool),) if state.added and not state.doubted else ()
        case SettlePool(pool=pool, through=through, operator=operator):
            if not state.doubted:
                raise Rejected("the pool {pool} is not in doubt: its codes are given out", pool=pool)
            return (PoolSettled(pool=pool, through=through, operator=operator),)
        case _:
            assert_never(command)


def evolve(state: PoolState, event: PoolEvent) -> PoolState:
    """Fold one event into the state."""
    match event:
        case CodesAdded(first=first, codes=codes, digests=digests):
            return replace(
                state,
                firsts=(*state.firsts, first),
                chunks=(*state.chunks, codes),
                added=state.added + len(digests),
            )
        case PoolExpirySet(expires_at=expires_at):
            return replace(state, expires_at=expires_at)
        case PoolDoubted():
            return replace(state, doubted=True)
        case PoolSettled(through=through):
            return replace(state, doubted=False, withdrawn=max(state.withdrawn, through))
        case _:
            assert_never(event)


pools = Decider(
    category="pool",
    initial=PoolState(),
    decide=decide,
    evolve=evolve,
    events=POOL_EVENTS,
    commands=(AddCodes, SetPoolExpiry, DoubtPool, SettlePool),
    key=lambda command, _streams: command.pool,
)


@dataclass(frozen=True, slots=True)
class TakingState:
    """``taken``: the number of the code that was taken last."""

    taken: int = 0


def _no_commands(_state: TakingState, command: object, _context: Context) -> Sequence[Event]:
    raise AssertionError(f"codes are taken by the gate, not by {type(command).__name__}")


def _taken(_state: TakingState, event: CodeTaken) -> TakingState:
    return TakingState(event.number)


takings = Decider(
    category="taking",
    initial=TakingState(),
    decide=_no_commands,
    evolve=_taken,
    events=TAKING_EVENTS,
    commands=(),
    key=lambda _command, _streams: "",
    snapshots=1,
)
