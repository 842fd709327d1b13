"""What the gate would know of each one whom a campaign means, gathered a page at a time from the views."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final

from bot.campaigns.variables import said_of
from bot.commands.command import Call
from bot.commands.customers import called
from bot.commands.preview import NEVER_WROTE, PAGE
from domain.campaigns.composing import Copy, compose
from domain.campaigns.events import CampaignDrafted
from domain.campaigns.occurrences import leaves_at
from domain.campaigns.plan import CODE_MARK, CONTROL, Cadence, Content, Meant, content_for
from domain.deliveries.events import HOLDOUT, DeliveryClass
from domain.errors import CannotRender
from domain.gate import is_held_out, known_zone
from domain.identity import Account, Channel, ContactId, Locale, Slug, ZoneName
from domain.message import ReplyWindow
from domain.policies.experiments import drawn, held_out
from domain.policies.frequency_cap import WEEK, Spent
from domain.policies.may_contact import Facts
from domain.policies.occasions import OWN, kept
from domain.policies.routes import Offer, Sayable, offers
from domain.ports.audience import Recipient, Whom
from projections.allowances import Allowance, allowances_of
from projections.consents import standing
from projections.groups import Group, groups_by_id
from projections.people.contacts import Contact
from projections.people.customers import Customer, customers_by_id
from projections.reservations import reserved
from projections.windows import left_of

NO_TEXT: Final = Slug("no-text")
A_CODE: Final = "••••••"
"""What stands in a preview where each recipient has a code of their own."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """One recipient, at the moment at which it may go out to them (``facts.now``).

    ``late``: that is after its time has passed. ``offers``: the ways it could take; none on a channel that has one only. ``used``: of
    their allowances. ``name``: who they are; ``text``: what they get, where their way says nothing of its own.
    """

    channel: Channel
    account: Account
    variant: Slug
    facts: Facts
    late: bool
    name: Callable[[], str]
    text: str
    offers: tuple[Offer, ...] = ()
    used: Mapping[Slug, Allowance] = field(default_factory=dict)

    def spent(self, of: Slug) -> int:
        """Return how much of an allowance is used."""
        return self.used[of].used if of in self.used else 0


@dataclass(frozen=True, slots=True)
class _Page:
    """What the views say of some customers and of the contacts they are reached by."""

    spent: Mapping[str, Sequence[Spent]]
    stands: Mapping[ContactId, tuple[bool, bool]]
    windows: Mapping[ContactId, ReplyWindow]
    allowances: Mapping[ContactId, Mapping[Slug, Allowance]]


def whom(drafted: CampaignDrafted, day: date | None = None) -> Whom:
    """Return which customers a campaign means, as the fan-out asks for them; ``day``: of its run, where each has a day of their own."""
    timing = drafted.timing
    own = (
        timing.date if timing.cadence is Cadence.BY_DATE and timing.date in OWN and day is not None else None
    )
    return Whom(
        tags=drafted.selection.tags,
        without=drafted.selection.without,
        listed_for=drafted.campaign if drafted.selection.meant is Meant.LIST else None,
        occasion=own,
        day=kept(day, timing.offset_days) if own is not None and day is not None else None,
        topic=drafted.topic,
    )


def crowd(
    call: Call, drafted: CampaignDrafted, day: date | None = None
) -> Iterator[list[tuple[Recipient, Customer]]]:
    """Yield those whom a campaign means, in pages by number; those who cannot be reached too, operators not."""
    meant, after = whom(drafted, day), 0
    while page := call.office.audience.page(meant, after, PAGE):
        after = page[-1].number
        with call.office.views.snapshot() as connection:
            known = {one.id: one for one in customers_by_id(connection, [one.customer for one in page])}
        yield [(one, known[one.customer]) for one in page if one.customer in known]


def contact_of(recipient: Recipient, customer: Customer) -> Contact | None:
    """Return the contact by which somebody is reached; None where it went to somebody else just now."""
    return next((contact for contact in customer.contacts if contact.id == recipient.contact), None)


class Prospects:
    """Those of the run that begins at ``at``, on ``day`` where each has a day of their own."""

    def __init__(self, call: Call, drafted: CampaignDrafted, at: datetime, day: date | None) -> None:
        self._call, self._office, self._drafted, self._at, self._day = call, call.office, drafted, at, day
        self._ways = {(way.channel, way.account): way for way in call.office.outreach.ways()}
        self._alike: dict[int, str | None] = {}
        self._plain: dict[tuple[int, Channel, Account, datetime], tuple[Offer, ...]] = {}
        self._nobody = self._facts(at, None)

    def __iter__(self) -> Iterator[Prospect]:
        return self._groups() if self._drafted.selection.groups else self._people()

    def _groups(self) -> Iterator[Prospect]:
        goes_at, late = self._goes_at(None)
        with self._office.views.snapshot() as connection:
            groups = groups_by_id(connection, self._drafted.selection.groups)
            sent = reserved(connection, [group.id for group in groups], goes_at - WEEK)
        for group in groups:
            yield self._group(group, sent.get(group.id, ()), goes_at, late=late)

    def _group(self, group: Group, sent: Sequence[Spent], goes_at: datetime, *, late: bool) -> Prospect:
        variant = self._variant(group.id)
        content = self._content(variant, group.channel, None)
        copy, defect = self._copy(content, {"brand": self._office.brand})
        facts = replace(
            self._facts(goes_at, defect),
            to_group=True,
            unreachable=group.gone,
            sent=tuple(sent),
            channel=group.channel,
        )
        return Prospect(group.channel, group.account, variant, facts, late, lambda: group.title, _shown(copy))

    def _people(self) -> Iterator[Prospect]:
        for page in crowd(self._call, self._drafted, self._day):
            found = [(one, customer, contact_of(one, customer)) for one, customer in page]
            there = [(one, customer, contact) for one, customer, contact in found if contact is not None]
            zones = {one.zone: known_zone(one.zone) for one, _, _ in there}
            when = {zone: self._goes_at(zone) for zone in zones.values()}
            times = {one.contact: when[zones[one.zone]] for one, _, _ in there}
            with self._office.views.snapshot() as connection:
                known = _Page(
                    spent=reserved(connection, [one.customer for one, _, _ in there], self._at - WEEK),
                    stands=standing(connection, times, self._drafted.topic),
                    windows=left_of(connection, {contact: at for contact, (at, _) in times.items()}),
                    allowances=allowances_of(connection, times),
                )
            for one, customer, contact in there:
                yield self._person(one, customer, contact, known, *times[one.contact])

    def _person(
        self,
        one: Recipient,
        customer: Customer,
        contact: Contact,
        known: _Page,
        goes_at: datetime,
        late: bool,  # noqa: FBT001  # as _goes_at gives it
    ) -> Prospect:
        variant = self._variant(customer.id)
        content = self._content(self._text_of(variant), contact.channel, one.locale)
        variables = said_of(self._office.brand, customer, contact)
        copy, defect = self._copy(content, variables)
        agrees, ended = known.stands.get(contact.id, (False, False))
        allowances = known.allowances.get(contact.id, {})
        facts = replace(
            self._nobody,
            now=goes_at,
            defect=defect,
            unreachable=contact.blocked or (None if contact.private else NEVER_WROTE),
            consents=agrees,
            withdrew=ended,
            sent=tuple(known.spent.get(customer.id, ())),
            last_heard=contact.last_in,
            channel=contact.channel,
            zone=known_zone(one.zone),
            held_out=variant == HOLDOUT,
            held_out_of_all=is_held_out(
                customer.id, self._office.controls.holdout_percent, self._office.digest
            ),
            window=known.windows.get(contact.id),
        )
        return Prospect(
            contact.channel,
            contact.account,
            variant,
            facts,
            late,
            lambda: called(customer),
            _shown(copy),
            self._offers(contact, content, variables, allowances, goes_at) if copy is not None else (),
            allowances,
        )

    # --- when ---------------------------------------------------------------------------------------------------

    def _goes_at(self, zone: ZoneName | None) -> tuple[datetime, bool]:
        """Return when it may go out to somebody of a zone, and whether its time has passed by then."""
        timing, controls = self._drafted.timing, self._office.controls
        leaves = leaves_at(timing, self._at, zone, 0.0)
        goes_at = controls.quiet.end_after(max(leaves, self._call.now), zone or controls.zone)
        return goes_at, goes_at >= leaves + timedelta(seconds=timing.lives_s)

    # --- what ---------------------------------------------------------------------------------------------------

    def _content(self, variant: Slug, channel: Channel, locale: Locale | None) -> Content | None:
        return content_for(self._drafted.contents.value, variant, channel, locale or Locale(""))

    def _text_of(self, variant: Slug) -> Slug:
        """Whoever gets nothing is judged by the first text."""
        if variant != HOLDOUT:
            return variant
        return self._drafted.arms[0].variant if self._drafted.arms else CONTROL

    def _variant(self, party: str) -> Slug:
        """Return what the fan-out will draw for somebody (scheduler/recipients.py)."""
        drafted, digest = self._drafted, self._office.digest
        percent = drafted.holdout_percent
        if percent and held_out(digest(drafted.campaign, "holdout", party), percent):
            return HOLDOUT
        if not drafted.arms:
            return CONTROL
        place = drawn(digest(drafted.campaign, "arm", party), [arm.weight for arm in drafted.arms])
        return drafted.arms[place].variant

    def _given(self, variables: Mapping[str, str]) -> Mapping[str, str]:
        return variables if self._drafted.codes is None else {**variables, "code": CODE_MARK}

    def _copy(self, content: Content | None, variables: Mapping[str, str]) -> tuple[Copy | None, Slug | None]:
        if content is None:
            return None, NO_TEXT
        try:
            return compose(content, self._given(variables), self._office.outreach.render, {}), None
        except CannotRender as error:
            return None, Slug(error.reason)

    # --- by which way -------------------------------------------------------------------------------------------

    def _offers(
        self,
        contact: Contact,
        content: Content | None,
        variables: Mapping[str, str],
        allowances: Mapping[Slug, Allowance],
        goes_at: datetime,
    ) -> tuple[Offer, ...]:
        way = self._ways.get((contact.channel, contact.account))
        if way is None or not way.routes or content is None:
            return ()
        same_for_all = content.template is None and content.subscription is None
        key = (id(content), contact.channel, contact.account, goes_at)
        if same_for_all and key in self._plain:
            return self._plain[key]
        sayable = Sayable(
            forms=self._forms(content, variables),
            to_many=self._to_many(content),
            wanted=self._drafted.routes,
            given={} if same_for_all else {of: allowance.given for of, allowance in allowances.items()},
        )
        found = offers(way.routes, sayable, goes_at)
        if same_for_all:
            self._plain[key] = found
        return found

    def _forms(self, content: Content, variables: Mapping[str, str]) -> dict[Slug, tuple[str, str]]:
        """Return the provider's templates, filled in; those with a variable that is empty for this recipient are no way to reach them."""
        found = {}
        render, given = self._office.outreach.render, self._given(variables)
        for name, form in (("template", content.template), ("subscription", content.subscription)):
            if form is not None:
                try:
                    said = "\n".join(render(text, given) for text in form.fields.values())
                except CannotRender:
                    continue
                found[Slug(name)] = (form.id, said)
        return found

    def _to_many(self, content: Content) -> str | None:
        """Return what everybody can be sent alike; None where the text cannot do without a variable, or asks something back."""
        if id(content) not in self._alike:
            try:
                copy = compose(content, {"brand": self._office.brand}, self._office.outreach.render, {})
            except CannotRender:
                copy = None
            self._alike[id(content)] = None if copy is None or copy.choices else copy.in_words
        return self._alike[id(content)]

    def _facts(self, goes_at: datetime, defect: Slug | None) -> Facts:
        """Return what is known of the message, and of nobody yet."""
        return Facts(
            now=goes_at,
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


def _shown(copy: Copy | None) -> str:
    return "" if copy is None else copy.in_words.replace(CODE_MARK, A_CODE)
