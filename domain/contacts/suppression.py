"""Addresses of people who asked to be forgotten: a keyed hash each, so that nobody is written to again because they were forgotten."""

from collections.abc import Callable, Sequence

from domain.contacts.commands import SuppressAddress
from domain.contacts.events import SUPPRESSION_EVENTS, AddressSuppressed
from domain.decider import Decider
from domain.identity import Account, Channel, Digest
from domain.message import Context, Event


def address_digest(
    digest: Callable[..., Digest], channel: Channel, account: Account, external_id: str
) -> Digest:
    """Return the key of an address's stream. ``digest``: the keyed hash of the installation."""
    return digest("suppression", channel, account, external_id)


def _suppress(suppressed: bool, command: SuppressAddress, _context: Context) -> Sequence[Event]:  # noqa: FBT001  # the state is that one fact
    return () if suppressed else (AddressSuppressed(address=command.address),)


suppressions: Decider[bool] = Decider(
    category="suppression",
    initial=False,
    decide=_suppress,
    evolve=lambda _suppressed, _event: True,
    events=SUPPRESSION_EVENTS,
    commands=(SuppressAddress,),
    key=lambda command, _streams: command.address,
)
"""One address a stream: read only for contacts never seen before."""
