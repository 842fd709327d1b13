"""What a campaign would come to if it went out as planned: judged, person by person, by the very policies that judge each message then."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from bot.campaigns.outreach import Way
from bot.commands.command import Call
from bot.commands.prospects import A_CODE, Prospect, Prospects, whom
from bot.texts import told
from domain.campaigns.campaign import CampaignState
from domain.campaigns.events import CampaignDrafted
from domain.campaigns.occurrences import next_occurrence
from domain.campaigns.plan import CODE_MARK, Cadence
from domain.identity import Account, Channel, Slug
from domain.message import Route
from domain.policies.may_contact import Allow, Refuse, Wait
from domain.policies.occasions import OWN
from domain.policies.routes import Offer, routed

SAMPLES: Final = 3
TOLD_EVERY: Final = 10_000
"""People: a second's work or less."""
ALONE: Final = Slug("mass-needs-two")
TOO_LATE: Final = Slug("expired")
DAY_S: Final = 86_400

AccountKey = tuple[Channel, Account]


@dataclass(slots=True)
class Outlook:
    """``meant``: people, on ``day`` where each has a day of their own. ``reached``: by channel and route (empty where it has one only).

    ``left_out``: by reason. ``capped``: those who wait for their cap, or miss it. ``arms``: how many get which variant. ``samples``: real
    recipients, with what they get. ``accounts``: how many messages each account has to send one by one; ``calls``: how many calls it
    makes for many, at least. ``begins``, ``ends``: when the first and the last one may go out.
    """

    meant: int = 0
    day: date | None = None
    reached: Counter[tuple[Channel, Slug]] = field(default_factory=Counter)
    left_out: Counter[Slug] = field(default_factory=Counter)
    capped: int = 0
    arms: Counter[str] = field(default_factory=Counter)
    samples: list[tuple[str, str]] = field(default_factory=list)
    accounts: Counter[AccountKey] = field(default_factory=Counter)
    calls: Counter[AccountKey] = field(default_factory=Counter)
    begins: datetime | None = None
    ends: datetime | None = None

    @property
    def count(self) -> int:
        """How many it reaches."""
        return self.reached.total()

    def lasts_s(self, ways: Sequence[Way]) -> float | None:
        """Return how long the accounts take at their rates and with their calls a day; None where one of them is not known."""
        known = {(way.channel, way.account): way for way in ways}
        busy = {*self.accounts, *self.calls}
        if not busy <= set(known):
            return None
        return max((self._takes_s(known[account]) for account in busy), default=0.0)

    def _takes_s(self, way: Way) -> float:
        account = way.channel, way.account
        singly = self.accounts[account] / way.rate_per_s if way.rate_per_s else 0.0
        limit = next((route.calls_per_day for route in way.routes if route.calls_per_day), None)
        days = (self.calls[account] - 1) // limit if limit and self.calls[account] else 0
        return max(singly, float(days * DAY_S))


def outlook(call: Call, state: CampaignState) -> Outlook:
    """Judge everyone whom its next run means as the gate would when the message may go out: at its time, or after their quiet hours."""
    drafted, found = state.drafted, Outlook()
    if drafted is None:
        return found
    at, day = coming(drafted, call.now)
    if drafted.timing.date in OWN:
        found.day = day
    routes = {
        (way.channel, way.account, route.name): route
        for way in call.office.outreach.ways()
        for route in way.routes
    }
    together: Counter[tuple[Channel, Account, Slug, str]] = Counter()
    total = 0
    for one in Prospects(call, drafted, at, day):
        found.meant += 1
        if found.meant % TOLD_EVERY == 0:
            total = total or call.office.audience.size(whom(drafted, day))
            call.tell(told("{count} of {total} customers looked at", count=found.meant, total=total))
        found.arms[one.variant] += 1
        verdict, offer = routed(
            one.verdict,
            one.offers,
            opened=one.facts.window is not None,
            spent=one.spent,
        )
        match verdict:
            case Refuse(reason=reason):
                found.left_out[reason] += 1
            case Allow() | Wait() if one.late:
                found.left_out[TOO_LATE] += 1
            case Wait():
                found.capped += 1
            case Allow():
                _reach(found, one, offer, together, routes)
    for (channel, account, name, _), people in together.items():
        _call(found, (channel, account), routes[channel, account, name], people)
    return found


def _reach(
    found: Outlook,
    one: Prospect,
    offer: Offer | None,
    together: Counter[tuple[Channel, Account, Slug, str]],
    routes: dict[tuple[Channel, Account, Slug], Route],
) -> None:
    goes_at, name = one.facts.now, Slug("") if offer is None else offer.route
    said = None if offer is None or offer.said is None else offer.said.value
    found.reached[one.channel, name] += 1
    found.begins = goes_at if found.begins is None else min(found.begins, goes_at)
    found.ends = goes_at if found.ends is None else max(found.ends, goes_at)
    if len(found.samples) < SAMPLES:
        found.samples.append((one.name(), one.text() if said is None else said.replace(CODE_MARK, A_CODE)))
    route = routes.get((one.channel, one.account, name))
    if route is not None and route.together is not None:
        together[one.channel, one.account, name, said or ""] += 1
    else:
        found.accounts[one.channel, one.account] += 1


def _call(found: Outlook, account: AccountKey, route: Route, people: int) -> None:
    """Count the calls that so many need who get the same; the provider takes none for too few."""
    least, most = route.together or (1, 1)
    if people < least:
        found.reached[account[0], route.name] -= people
        found.left_out[ALONE] += people
    else:
        found.calls[account] += -(-people // most)


def coming(drafted: CampaignDrafted, now: datetime) -> tuple[datetime, date | None]:
    """Return when its next run begins, and its local date where it comes again; now where there is no further one."""
    timing = drafted.timing
    if timing.cadence is Cadence.ONCE:
        return max(timing.at or now, now), None
    following = next_occurrence(timing, now)
    return (now, None) if following is None else (following.at, following.day)
