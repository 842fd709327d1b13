"""What a campaign would come to if it went out as planned: judged, person by person, by the very policy that judges each message then."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from bot.campaigns.outreach import Way
from bot.campaigns.variables import said_of
from bot.commands.command import Call
from bot.commands.customers import called, reached_by
from bot.commands.preview import NEVER_WROTE, PAGE
from domain.campaigns.campaign import CampaignState
from domain.campaigns.composing import compose
from domain.campaigns.events import CampaignDrafted
from domain.campaigns.plan import CODE_MARK, CONTROL, Content, Meant, content_for
from domain.deliveries.events import HOLDOUT, DeliveryClass
from domain.errors import CannotRender
from domain.gate import is_held_out
from domain.identity import Account, Channel, Locale, Slug
from domain.message import ReplyWindow
from domain.policies import routes
from domain.policies.experiments import drawn, held_out
from domain.policies.frequency_cap import WEEK, Spent
from domain.policies.may_contact import Allow, Facts, Refuse, Wait, may_contact
from domain.ports.audience import Whom
from domain.ports.messenger import Route
from projections.allowances import left as consents_left
from projections.allowances import subscription
from projections.consents import standing
from projections.groups import Group, groups_by_id
from projections.people.contacts import Contact
from projections.people.customers import Customer, customers_by_id
from projections.reservations import reserved
from projections.windows import left

SAMPLES: Final = 3
NO_ROUTE: Final = Slug("window-closed")
NO_TEXT: Final = Slug("no-text")
A_CODE: Final = "••••••"
"""What stands in a preview where each recipient has a code of their own."""


@dataclass(slots=True)
class Outlook:
    """``meant``: people. ``reached``: by channel and route (empty where a channel has one only). ``left_out``: by reason.

    ``capped``: those who wait for their cap, or miss it. ``arms``: how many get which variant. ``samples``: real recipients, with what
    they get. ``accounts``: how many messages each account has to send.
    """

    meant: int = 0
    reached: Counter[tuple[str, str]] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    capped: int = 0
    arms: Counter[str] = field(default_factory=Counter)
    samples: list[tuple[str, str]] = field(default_factory=list)
    accounts: Counter[tuple[Channel, Account]] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        """How many it reaches."""
        return self.reached.total()

    def lasts_s(self, ways: Sequence[Way]) -> float | None:
        """Return how long the accounts take at their rates; None where one of them is not known."""
        rates = {(way.channel, way.account): way.rate_per_s for way in ways}
        if not set(self.accounts) <= set(rates):
            return None
        spans = (count / rates[account] for account, count in self.accounts.items() if rates[account])
        return max(spans, default=0.0)


@dataclass(frozen=True, slots=True)
class _Judged:
    """One recipient, as far as it is theirs. ``sample``: who they are and what they get, made only where somebody looks."""

    channel: str
    account: Account
    variant: Slug
    facts: Facts
    route: Slug | None
    sample: Callable[[], tuple[str, str]]


def outlook(call: Call, state: CampaignState, begins: datetime) -> Outlook:
    """Judge everyone who is meant as the gate would when the message may go out: at its time, or at the end of the quiet hours."""
    drafted, found = state.drafted, Outlook()
    if drafted is None:
        return found
    controls = call.office.controls
    at = controls.quiet.end_after(begins, controls.zone)
    judging = _Judging(call, drafted, at)
    for judged in judging.groups() if drafted.selection.groups else judging.people():
        found.meant += 1
        found.arms[judged.variant] += 1
        verdict = may_contact(judged.facts, controls)
        match verdict:
            case Allow() if judged.route is None:
                found.left_out[NO_ROUTE] += 1
            case Allow():
                found.reached[judged.channel, judged.route or ""] += 1
                found.accounts[Channel(judged.channel), judged.account] += 1
                if len(found.samples) < SAMPLES:
                    found.samples.append(judged.sample())
            case Wait():
                found.capped += 1
            case Refuse(reason=reason):
                found.left_out[reason] += 1
    return found


def whom(drafted: CampaignDrafted) -> Whom:
    """Return which customers a campaign means, as the fan-out asks for them; on whichever day, where it is one of their own."""
    listed_for = drafted.campaign if drafted.selection.meant is Meant.LIST else None
    return Whom(tags=drafted.selection.tags, without=drafted.selection.without, listed_for=listed_for)


def crowd(call: Call, drafted: CampaignDrafted) -> Iterator[list[Customer]]:
    """Yield the customers whom a campaign means, in pages by number; those who cannot be reached too, operators not."""
    meant, after = whom(drafted), 0
    while page := call.office.audience.page(meant, after, PAGE):
        after = page[-1].number
        with call.office.views.read() as connection:
            yield customers_by_id(connection, [one.customer for one in page])


def copy_for(call: Call, content: Content, variables: Mapping[str, str], *, coded: bool = False) -> str:
    """Return what somebody gets, as text. Raises CannotRender."""
    given = {**variables, "code": CODE_MARK} if coded else variables
    copy = compose(content, given, call.office.outreach.render, {})
    return copy.in_words.replace(CODE_MARK, A_CODE)


class _Judging:
    """Gathers what the gate would know of each recipient."""

    def __init__(self, call: Call, drafted: CampaignDrafted, at: datetime) -> None:
        self._call, self._drafted, self._at = call, drafted, at
        self._ways = {(way.channel, way.account): way for way in call.office.outreach.ways()}

    def groups(self) -> Iterator[_Judged]:
        with self._call.office.views.read() as connection:
            groups = groups_by_id(connection, self._drafted.selection.groups)
            sent = reserved(connection, [group.id for group in groups], self._at - WEEK)
        for group in groups:
            yield self._group(group, sent.get(group.id, ()))

    def _group(self, group: Group, sent: Sequence[Spent]) -> _Judged:
        variant = self._variant(group.id)
        content = self._content(variant, group.channel, None)
        variables = {"brand": self._call.office.brand}
        text, defect = self._written(content, variables)
        facts = replace(
            self._facts(defect),
            to_group=True,
            unreachable=group.gone,
            sent=tuple(sent),
            channel=group.channel,
        )
        return _Judged(group.channel, group.account, variant, facts, Slug(""), lambda: (group.title, text))

    def people(self) -> Iterator[_Judged]:
        for page in crowd(self._call, self._drafted):
            with self._call.office.views.read() as connection:
                spent = reserved(connection, [customer.id for customer in page], self._at - WEEK)
                reached = {contact.id for customer in page if (contact := reached_by(customer)) is not None}
                agreed = standing(connection, reached, self._drafted.topic)
            for customer in page:
                contact = reached_by(customer)
                stands = (False, False) if contact is None else agreed.get(contact.id, (False, False))
                yield self._person(customer, contact, stands, spent.get(customer.id, ()))

    def _person(
        self,
        customer: Customer,
        contact: Contact | None,
        stands: tuple[bool, bool],
        sent: Sequence[Spent],
    ) -> _Judged:
        variant = self._variant(customer.id)
        if contact is None:
            nobody = replace(self._facts(None), unreachable=NEVER_WROTE)
            return _Judged("", Account(""), variant, nobody, None, lambda: ("", ""))
        content = self._content(self._text_of(variant), contact.channel, contact.language)
        text, defect = self._written(content, said_of(self._call.office.brand, customer, contact))
        with self._call.office.views.read() as connection:
            window = left(connection, contact.id, self._at)
        route = self._route(contact, content, window)
        percent = self._call.office.controls.holdout_percent
        facts = replace(
            self._facts(defect),
            unreachable=contact.blocked or (None if contact.private else NEVER_WROTE),
            consents=stands[0],
            withdrew=stands[1],
            sent=tuple(sent),
            last_heard=contact.last_in,
            channel=contact.channel,
            held_out=variant == HOLDOUT,
            held_out_of_all=is_held_out(customer.id, percent, self._call.office.digest),
            window=window if route is None or route.windowed else None,
        )
        name = None if route is None else route.name
        return _Judged(
            contact.channel, contact.account, variant, facts, name, lambda: (called(customer), text)
        )

    def _content(self, variant: Slug, channel: Channel, locale: Locale | None) -> Content | None:
        return content_for(self._drafted.contents.value, variant, channel, locale or Locale(""))

    def _text_of(self, variant: Slug) -> Slug:
        """Whoever gets nothing is judged by the first text."""
        if variant != HOLDOUT:
            return variant
        return self._drafted.arms[0].variant if self._drafted.arms else CONTROL

    def _variant(self, party: str) -> Slug:
        """Return what the fan-out will draw for somebody (scheduler/fan_out.py)."""
        drafted, digest = self._drafted, self._call.office.digest
        percent = drafted.holdout_percent
        if percent and held_out(digest(drafted.campaign, "holdout", party), percent):
            return HOLDOUT
        if not drafted.arms:
            return CONTROL
        place = drawn(digest(drafted.campaign, "arm", party), [arm.weight for arm in drafted.arms])
        return drafted.arms[place].variant

    def _written(self, content: Content | None, variables: Mapping[str, str]) -> tuple[str, Slug | None]:
        if content is None:
            return "", NO_TEXT
        try:
            return copy_for(self._call, content, variables, coded=self._drafted.codes is not None), None
        except CannotRender as error:
            return "", Slug(error.reason)

    def _route(self, contact: Contact, content: Content | None, window: ReplyWindow | None) -> Route | None:
        """Return by which of the account's routes they are reached, None by none; a nameless one where it has one only."""
        way = self._ways.get((contact.channel, contact.account))
        if way is None or not way.routes:
            return Route(Slug(""), windowed=True)
        order = self._drafted.routes
        offered = [route for route in way.routes if not order or route.name in order]
        offered.sort(key=lambda route: order.index(route.name) if order else 0)
        offers = []
        with self._call.office.views.read() as connection:
            allowed = consents_left(connection, contact.id)
        for route in offered:
            form = None if content is None else getattr(content, route.by_form or "text", None)
            if not form:
                continue
            of = subscription(form.id) if route.by_balance else None
            offers.append(routes.Offer(route.name, route.windowed, of, allowed.get(of, 0) if of else 0))
        is_open = window is not None and window.messages > 0 and self._at < window.until
        chosen = routes.choose(offers, window_open=is_open, spent=lambda _of: 0)
        return next((route for route in offered if chosen is not None and route.name == chosen.route), None)

    def _facts(self, defect: Slug | None) -> Facts:
        """Return what is known of the message, and of nobody yet."""
        return Facts(
            now=self._at,
            kind=DeliveryClass.MARKETING,
            automatic=True,
            by_operator=False,
            even_at_night=False,
            to_group=False,
            unreachable=None,
            consents=False,
            withdrew=False,
            cancelled=False,
            defect=defect,
            human_until=None,
            sent=(),
            window=None,
            last_heard=None,
            reactivation=self._drafted.reactivation,
            topic=self._drafted.topic,
        )
