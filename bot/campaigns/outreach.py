"""What operators' commands need for campaigns: what stands in the log of each, how texts are filled in, by which ways they leave."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from domain.campaigns.campaign import CampaignState, campaigns
from domain.campaigns.composing import Render
from domain.campaigns.events import CampaignDrafted, CampaignListed
from domain.dispatch import fold
from domain.identity import Account, CampaignId, Channel, CustomerId, DeliveryId, Slug, stream
from domain.ports.event_log import EventLog
from domain.ports.messenger import Route

Links = Callable[[DeliveryId, Channel, Account, Sequence[str]], Mapping[str, str]]
"""Return the short link of each of a campaign's addresses for one delivery; none where none may go out."""


class Records:
    """Reads campaigns from the log. Raises StoreUnavailable, and UnknownEvent where a stream is damaged."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    def state(self, campaign: CampaignId) -> CampaignState:
        """Return where it stands and how it was written last; Stage.NONE where there is none."""
        return fold(campaigns, self._log.read_stream(stream(campaigns.category, campaign)))

    def listed(self, campaign: CampaignId) -> tuple[CustomerId, ...]:
        """Return who is on its list, as it was written last."""
        found: dict[CustomerId, None] = {}
        for recorded in self._log.read_stream(stream(campaigns.category, campaign)):
            match recorded.event:
                case CampaignDrafted():
                    found.clear()
                case CampaignListed(customers=customers):
                    found.update(dict.fromkeys(customers))
                case _:
                    pass
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Way:
    """One account that is open: how many messages a second it takes (0: no limit), and by which routes."""

    channel: Channel
    account: Account
    rate_per_s: float
    routes: tuple[Route, ...] = ()


@dataclass(slots=True)
class Ways:
    """The accounts that are open: whoever opens them says here how they are asked for. None where Siyu does not run."""

    read: Callable[[], Sequence[Way]] = list

    def __call__(self) -> Sequence[Way]:
        """Return them."""
        return self.read()


@dataclass(frozen=True, slots=True)
class Outreach:
    """``variables``: those a template asks for. ``channels``: that there are. ``topics``: that are known, all where none is."""

    records: Records
    render: Render
    variables: Callable[[str], frozenset[str]]
    channels: Collection[str]
    topics: Collection[Slug] = ()
    ways: Ways = field(default_factory=Ways)
