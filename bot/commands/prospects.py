"""What the gate would know of each one whom a campaign means, gathered a page at a time from the views."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple, TypedDict

from bot.campaigns.variables import variables
from bot.commands.command import Call
from bot.commands.customers import called
from bot.commands.preview import NEVER_WROTE
from domain.campaigns.composing import Copy, compose
from domain.campaigns.events import CampaignDrafted
from domain.campaigns.occurrences import leaves_at
from domain.campaigns.plan import CODE_MARK, CONTROL, Cadence, Content, Meant, content_for
from domain.deliveries.events import HOLDOUT, DeliveryClass
from domain.errors import CannotRender
from domain.gate import is_held_out, known_zone
from domain.identity import Account, Channel, ContactId, CustomerId, Locale, Slug, ZoneName
from domain.message import ReplyWindow
from domain.policies.experiments import drawn, held_out
from domain.policies.frequency_cap import WEEK, Spent
from domain.policies.may_contact import Facts, Verdict, is_silent, may_contact
from domain.policies.occasions import OWN, kept
from domain.policies.routes import Offer, Sayable, offers
from domain.ports.audience import Recipient, Whom
from projections.allowances import Allowance, allowances_of
from projections.consents import standing
from projections.groups import Group, groups_by_id
from projections.people.meant import Face, faces
from projections.reservations import reserved
from projections.windows import left_of

PAGE: Final = 1_000
"""Customers read at once: what one of them is judged by costs less than to ask for them."""
JUDGED: Final = 1_000
"""Kinds of people, and texts for them, that are remembered."""
NO_TEXT: Final = Slug("no-text")
A_CODE: Final = "••••••"
"""What stands in a preview where each recipient has a code of their own."""


@dataclass(slots=True)
class Prospect:
    """One recipient, at the moment at which it may go out to them (``facts.now``).

    ``verdict``: the gate's, but for the ways. ``late``: that is after its time has passed. ``offers``: the ways it could take; none on a
    channel that has one only. ``used``: of their allowances. ``name``: who they are; ``text``: what they get, where their way says nothing
    of its own.
    """

    channel: Channel
    account: Account
    variant: Slug
    facts: Facts
    verdict: Verdict
    late: bool
    name: Callable[[], str]
    text: Callable[[], str]
    offers: tuple[Offer, ...] = ()
    used: Mapping[Slug, Allowance] = field(default_factory=dict)

    def spent(self, of: Slug) -> int:
        """Return how much of an allowance is used."""
        return self.used[of].used if of in self.used else 0


class _Kind(NamedTuple):
    """What tells people apart before the gate: most are alike in it, and are judged once. ``last_heard``: where that is too long ago."""

    now: datetime
    defect: Slug | None
    unreachable: Slug | None
    consents: bool
    withdrew: bool
    sent: tuple[Spent, ...]
    last_heard: datetime | None
    channel: Channel
    zone: ZoneName | None
    held_out: bool
    held_out_of_all: bool
    window: ReplyWindow | None


@dataclass(frozen=True, slots=True)
class _Page:
    """What the views say of some customers and of the contacts they are reached by."""

    faces: Mapping[CustomerId, Face]
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


class Prospects:
    """Those of the run that begins at ``at``, on ``day`` where each has a day of their own."""

    def __init__(self, call: Call, drafted: CampaignDrafted, at: datetime, day: date | None) -> None:
        self._call, self._office, self._drafted, self._at, self._day = call, call.office, drafted, at, day
        self._ways = {(way.channel, way.account): way for way in call.office.outreach.ways()}
        self._alike: dict[int, str | None] = {}
        self._plain: dict[tuple[int, Channel, Account, datetime], tuple[Offer, ...]] = {}
        self._of_all = _of_all(drafted)
        self._judged = lru_cache(JUDGED)(self._judge)
        self._content = lru_cache(JUDGED)(self._content_for)

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
        facts = Facts(
            now=goes_at,
            **self._of_all,
            defect=defect,
            to_group=True,
            unreachable=group.gone,
            consents=False,
            withdrew=False,
            sent=sent,
            last_heard=None,
            window=None,
            channel=group.channel,
        )
        verdict = may_contact(facts, self._office.controls)
        return Prospect(
            channel=group.channel,
            account=group.account,
            variant=variant,
            facts=facts,
            verdict=verdict,
            late=late,
            name=lambda: group.title,
            text=lambda: _shown(copy),
        )

    def _people(self) -> Iterator[Prospect]:
        """Yield those who cannot be reached too; operators not."""
        meant, after = whom(self._drafted, self._day), 0
        while page := self._office.audience.page(meant, after, PAGE):
            after = page[-1].number
            zones = {zone: known_zone(zone) for zone in {one.zone for one in page}}
            when = {zone: (known, *self._goes_at(known)) for zone, known in zones.items()}
            known = self._known(page, {one.contact: when[one.zone][1] for one in page})
            for one in page:
                face = known.faces.get(one.customer)
                if face is not None:  # else their contact went to somebody else just now
                    yield self._person(one, face, known, *when[one.zone])

    def _known(self, page: Sequence[Recipient], times: Mapping[ContactId, datetime]) -> _Page:
        with self._office.views.snapshot() as connection:
            return _Page(
                faces=faces(connection, {one.customer: one.contact for one in page}),
                spent=reserved(connection, [one.customer for one in page], self._at - WEEK),
                stands=standing(connection, times, self._drafted.topic),
                windows=left_of(connection, times),
                allowances=allowances_of(connection, times),
            )

    def _person(
        self,
        one: Recipient,
        face: Face,
        known: _Page,
        zone: ZoneName | None,
        goes_at: datetime,
        late: bool,  # noqa: FBT001  # as _goes_at gives it
    ) -> Prospect:
        variant = self._variant(one.customer)
        content = self._content(self._text_of(variant), one.channel, one.locale)
        given = variables(self._office.brand, name=face.known_as, username=face.username, number=face.number)
        copy, defect = self._copy(content, given)
        agrees, ended = known.stands.get(one.contact, (False, False))
        allowances = known.allowances.get(one.contact, {})
        kind = _Kind(
            now=goes_at,
            defect=defect,
            unreachable=face.blocked or (None if face.private else NEVER_WROTE),
            consents=agrees,
            withdrew=ended,
            sent=tuple(known.spent.get(one.customer, ())),
            last_heard=face.last_in
            if face.last_in is not None and is_silent(face.last_in, goes_at)
            else None,
            channel=one.channel,
            zone=zone,
            held_out=variant == HOLDOUT,
            held_out_of_all=is_held_out(
                one.customer, self._office.controls.holdout_percent, self._office.digest
            ),
            window=known.windows.get(one.contact),
        )
        facts, verdict = self._judged(kind)
        return Prospect(
            one.channel,
            face.account,
            variant,
            facts,
            verdict,
            late,
            lambda: called(face),
            lambda: _shown(copy),
            self._offers(one.channel, face.account, content, given, allowances, goes_at) if copy else (),
            allowances,
        )

    def _judge(self, kind: _Kind) -> tuple[Facts, Verdict]:
        facts = Facts(to_group=False, **kind._asdict(), **self._of_all)
        return facts, may_contact(facts, self._office.controls)

    # --- when ---------------------------------------------------------------------------------------------------

    def _goes_at(self, zone: ZoneName | None) -> tuple[datetime, bool]:
        """Return when it may go out to somebody of a zone, and whether its time has passed by then."""
        timing, controls = self._drafted.timing, self._office.controls
        leaves = leaves_at(timing, self._at, zone, 0.0)
        goes_at = controls.quiet.end_after(max(leaves, self._call.now), zone or controls.zone)
        return goes_at, goes_at >= leaves + timedelta(seconds=timing.lives_s)

    # --- what ---------------------------------------------------------------------------------------------------

    def _content_for(self, variant: Slug, channel: Channel, locale: Locale | None) -> Content | None:
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
        channel: Channel,
        account: Account,
        content: Content | None,
        variables: Mapping[str, str],
        allowances: Mapping[Slug, Allowance],
        goes_at: datetime,
    ) -> tuple[Offer, ...]:
        way = self._ways.get((channel, account))
        if way is None or not way.routes or content is None:
            return ()
        same_for_all = content.template is None and content.subscription is None
        key = (id(content), channel, account, goes_at)
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


class _OfAll(TypedDict):
    """Facts of the message, the same for all. What is not looked at: whether people are talking with somebody, and rivals for a cap."""

    kind: DeliveryClass
    automatic: bool
    by_operator: bool
    even_at_night: bool
    cancelled: bool
    human_until: None
    reactivation: bool
    topic: Slug


def _of_all(drafted: CampaignDrafted) -> _OfAll:
    return _OfAll(
        kind=DeliveryClass.MARKETING,
        automatic=True,
        by_operator=False,
        even_at_night=False,
        cancelled=False,
        human_until=None,
        reactivation=drafted.reactivation,
        topic=drafted.topic,
    )


def _shown(copy: Copy | None) -> str:
    return "" if copy is None else copy.in_words.replace(CODE_MARK, A_CODE)
