"""Holding: which code of a campaign somebody has, so that whatever is sent to them again carries the same one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.codes.events import HOLDING_EVENTS, CodeAssigned, CodeTaken
from domain.codes.pool import code_digest, pools, takings
from domain.decider import Decider, Streams, Write
from domain.identity import CampaignId, CustomerId, DeliveryId, Slug, SubjectId
from domain.message import Context, Event, Personal

CODES = Slug("codes")
"""The rule."""
NO_CODE_LEFT = Slug("no-code-left")
CODES_EXPIRED = Slug("codes-expired")
CODES_IN_DOUBT = Slug("codes-in-doubt")
"""Why nobody gets one after a restore: the next one may have been given to somebody since the backup."""
FOR_ONE_ONLY = Slug("codes-are-for-one")
"""Why a group gets none: a code is one customer's."""


def _no_commands(_state: CodeAssigned | None, command: object, _context: Context) -> Sequence[Event]:
    raise AssertionError(f"codes are assigned by the gate, not by {type(command).__name__}")


holdings: Decider[CodeAssigned | None] = Decider(
    category="holding",
    initial=None,
    decide=_no_commands,
    evolve=lambda _state, event: event,
    events=HOLDING_EVENTS,
    commands=(),
    key=lambda _command, _streams: "",
)
"""The state is the code they have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A delivery wants a code of a pool. ``holders``: the customer, first, and every record that is part of them."""

    pool: Slug
    campaign: CampaignId
    holders: tuple[CustomerId, ...]
    delivery: DeliveryId
    subject: SubjectId


@dataclass(frozen=True, slots=True)
class Handed:
    """The code for a delivery; ``held``: they had it before, so nothing is to be written. ``number``: its place in the pool."""

    code: str
    number: int
    held: bool


def next_code(wish: Wish, streams: Streams, now: datetime) -> Handed | Slug:
    """Return the code that a delivery carries: the one they hold already, or the next of the pool; or the reason why there is none."""
    if not wish.holders:
        return FOR_ONE_ONLY
    pool = streams.state(pools, wish.pool)
    if pool.expired(now):
        return CODES_EXPIRED
    for customer in wish.holders:
        held = streams.state(holdings, _key(wish, customer, streams))
        if held is not None:
            return Handed(held.code.value, held.number, held=True)
    if pool.doubted:
        return CODES_IN_DOUBT
    number = max(streams.state(takings, wish.pool).taken, pool.withdrawn) + 1
    if number > pool.added:
        return NO_CODE_LEFT
    return Handed(pool.code(number), number, held=False)


def take(wish: Wish, handed: Handed, streams: Streams) -> Iterator[Write]:
    """Yield what makes a new code theirs, for the append that starts the delivery."""
    if handed.held:
        return
    customer = wish.holders[0]
    assigned = CodeAssigned(
        campaign=wish.campaign,
        customer=customer,
        subject=wish.subject,
        delivery=wish.delivery,
        pool=wish.pool,
        number=handed.number,
        digest=code_digest(streams.digest, handed.code),
        code=Personal(handed.code),
    )
    yield Write(takings, wish.pool, (CodeTaken(pool=wish.pool, number=handed.number),))
    yield Write(holdings, _key(wish, customer, streams), (assigned,))


def _key(wish: Wish, customer: CustomerId, streams: Streams) -> str:
    return streams.digest("holding", wish.campaign, customer)
