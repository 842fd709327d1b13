"""Link codes: one short stream for each, by keyed hash, so that a code is used once, whoever is first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from domain.contacts.commands import IssueLinkCode
from domain.contacts.events import LINK_CODE_EVENTS, LinkCodeIssued, LinkCodeUsed
from domain.decider import Decider
from domain.identity import ContactId, CustomerId
from domain.message import Context, Event


@dataclass(frozen=True, slots=True)
class LinkCodeState:
    """``contact``: who asked for it, None for an operator's."""

    customer: CustomerId | None = None
    contact: ContactId | None = None
    expires_at: datetime | None = None
    used: bool = False

    def is_open(self, now: datetime) -> bool:
        """Whether it was ever given, is young, and nobody sent it yet."""
        return self.expires_at is not None and now < self.expires_at and not self.used


def decide(state: LinkCodeState, command: IssueLinkCode, _context: Context) -> Sequence[Event]:
    """Give a code out once; carrying the same request out again changes nothing."""
    if state.customer is not None:
        return ()
    return (
        LinkCodeIssued(
            code=command.code,
            customer=command.customer,
            contact=command.contact,
            expires_at=command.expires_at,
        ),
    )


def evolve(state: LinkCodeState, event: LinkCodeIssued | LinkCodeUsed) -> LinkCodeState:
    """Fold one event into the state."""
    match event:
        case LinkCodeIssued():
            return LinkCodeState(event.customer, event.contact, event.expires_at)
        case LinkCodeUsed():
            return replace(state, used=True)
        case _:
            assert_never(event)


link_codes = Decider(
    category="linkcode",
    initial=LinkCodeState(),
    decide=decide,
    evolve=evolve,
    events=LINK_CODE_EVENTS,
    commands=(IssueLinkCode,),
    key=lambda command, _streams: command.code,
)
