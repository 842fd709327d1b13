"""The claim: which orders wait for whoever turns out to have a phone number, a unionid or an address."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.decider import Decider
from domain.identity import PurchaseId
from domain.message import Context, Event
from domain.purchases.commands import AwaitOrder
from domain.purchases.events import CLAIM_EVENTS, OrderAwaited

MOST_AWAITED = 300
"""Orders that wait for one sign. A number under which more were placed is a till's, and no customer's."""


@dataclass(frozen=True, slots=True)
class ClaimState:
    """``waiting``: the orders that came for it, the oldest first; some may have been matched by something else since."""

    waiting: tuple[PurchaseId, ...] = ()


def decide(state: ClaimState, command: AwaitOrder, _context: Context) -> Sequence[Event]:
    """Let it wait, unless it does, or too many do."""
    if command.purchase in state.waiting or len(state.waiting) >= MOST_AWAITED:
        return ()
    return (OrderAwaited(sign=command.sign, purchase=command.purchase),)


def evolve(state: ClaimState, event: OrderAwaited) -> ClaimState:
    """Fold one event into the state."""
    return ClaimState((*state.waiting, event.purchase))


claims = Decider(
    category="claim",
    initial=ClaimState(),
    decide=decide,
    evolve=evolve,
    events=CLAIM_EVENTS,
    commands=(AwaitOrder,),
    key=lambda command, _streams: command.sign,
)
