"""What a delivery says, read from the log, and what of it would go out to whom."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from domain.broadcasts.broadcast import broadcasts
from domain.campaigns.campaign import campaigns
from domain.campaigns.composing import Render, compose
from domain.campaigns.events import CampaignDrafted
from domain.campaigns.plan import CODE_MARK, CONTROL, Content, addresses, content_for
from domain.deliveries.delivery import deliveries
from domain.deliveries.events import HOLDOUT, DeliveryPlanned
from domain.dispatch import fold
from domain.errors import CannotRender
from domain.identity import (
    Account,
    BroadcastId,
    CampaignId,
    Channel,
    ContactId,
    DeliveryId,
    GroupId,
    Locale,
    MediaId,
    Party,
    ProviderMessageId,
    Slug,
    stream,
)
from domain.message import Recorded
from domain.ports.agenda import Agenda, DueDelivery
from domain.ports.audience import Audience, Known
from domain.ports.event_log import EventLog
from domain.ports.identities import Identities
from domain.ports.messenger import Attachment, Card, Form, Outbound

BROADCASTS_KEPT = 32
CAMPAIGNS_KEPT = 32
CODE, BRAND = "code", "brand"
NO_LOCALE = Locale("")

__all__ = ["Attach", "Letter", "Letters", "Links", "Render", "Sources", "Written", "write"]

Attach = Callable[[MediaId], Attachment | None]
"""Find a file of the media store; None where it is gone. Raises StoreUnavailable."""
Links = Callable[[DeliveryId, Channel, Account, Sequence[str]], Mapping[str, str]]
"""Return the short link of each of a campaign's addresses for one delivery; none where none may go out."""
MEDIA_GONE = Slug("media-gone")
NO_TEXT = Slug("no-text")
"""Its campaign says nothing on this channel, in this language and variant."""


@dataclass(frozen=True, slots=True)
class Letter:
    """Text and form of a message, before variables are filled in. ``campaign``: of which it is, where it is of one."""

    text: str
    verbatim: bool = False
    choices: tuple[tuple[tuple[str, str], ...], ...] = ()
    reply_to: ProviderMessageId | None = None
    thread: Slug | None = None
    media: MediaId | None = None
    campaign: CampaignDrafted | None = None
    variant: Slug = CONTROL

    def content(self, channel: Channel, locale: Locale) -> Content | None:
        """Return what its campaign says there and in this language; None where it says nothing."""
        contents = [] if self.campaign is None else self.campaign.contents.value
        return content_for(contents, self.variant, channel, locale)


class Letters:
    """Reads letters, from any thread; the texts of recent broadcasts are kept, since thousands of deliveries share one."""

    def __init__(
        self,
        log: EventLog,
        attach: Attach = lambda _media: None,
        links: Links = lambda _delivery, _channel, _account, _addresses: {},
    ) -> None:
        """``attach``: where there is no media store, no file is found. ``links``: without it addresses go out as they are."""
        self._log, self.attach, self.links = log, attach, links
        self._broadcasts: OrderedDict[BroadcastId, str] = OrderedDict()
        self._campaigns: OrderedDict[CampaignId, CampaignDrafted | None] = OrderedDict()

    def planned(self, wanted: Iterable[DeliveryId]) -> Mapping[DeliveryId, Sequence[Recorded]]:
        """Return what the log holds of some deliveries, in one question."""
        names = {stream(deliveries.category, delivery): delivery for delivery in wanted}
        return {names[name]: recorded for name, recorded in self._log.read_streams(list(names)).items()}

    def read(self, recorded: Sequence[Recorded]) -> Letter | None:
        """Return what a delivery says; None where it was never planned. ``recorded``: what the log holds of it.

        Raises UnknownEvent where its broadcast or campaign is damaged.
        """
        planned = recorded[0].event if recorded else None
        if not isinstance(planned, DeliveryPlanned):
            return None
        text = planned.text.value if planned.text is not None else ""
        if planned.broadcast is not None:
            text = self._broadcast(planned.broadcast)
        rows = planned.choices.value if planned.choices is not None else []
        return Letter(
            text=text,
            verbatim=planned.verbatim,
            choices=tuple(tuple((row[i], row[i + 1]) for i in range(0, len(row), 2)) for row in rows),
            reply_to=planned.reply_to,
            thread=planned.thread,
            media=planned.media,
            campaign=None if planned.campaign is None else self._campaign(planned.campaign),
            variant=planned.variant or CONTROL,
        )

    def _campaign(self, campaign: CampaignId) -> CampaignDrafted | None:
        """Return what a campaign says. It is launched, or nothing of it would be planned: no correction can follow."""
        drafted = self._campaigns.get(campaign)
        if drafted is None:
            state = fold(campaigns, self._log.read_stream(stream(campaigns.category, campaign)))
            drafted = self._campaigns[campaign] = state.drafted
            if len(self._campaigns) > CAMPAIGNS_KEPT:
                self._campaigns.popitem(last=False)
        return drafted

    def _broadcast(self, broadcast: BroadcastId) -> str:
        text = self._broadcasts.get(broadcast)
        if text is None:
            state = fold(broadcasts, self._log.read_stream(stream(broadcasts.category, broadcast)))
            text = self._broadcasts[broadcast] = state.text.value if state.text is not None else ""
            if len(self._broadcasts) > BROADCASTS_KEPT:
                self._broadcasts.popitem(last=False)
        return text


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the courier reads: what is due, to whom, what it says, and their address."""

    agenda: Agenda
    audience: Audience
    letters: Letters
    identities: Identities


@dataclass(frozen=True, slots=True)
class Written:
    """A letter as it would go out now. ``rendered``: its text, where variables made it another one; ``defect``: why it cannot go.

    ``to_many``: the same for everybody, without variables, short links and codes; None where that cannot be said. ``forms``: the provider's
    templates that may go instead of the text, by what a route calls them (Route.by_form). ``routes``: those its
    campaign may take, the preferred one first; empty: the channel's own order; None: it is of no campaign.
    """

    known: Known
    outbound: Outbound | None = None
    rendered: str | None = None
    defect: Slug | None = None
    forms: Mapping[Slug, Form] = field(default_factory=dict)
    to_many: Outbound | None = None
    routes: tuple[Slug, ...] | None = None


def recipient(hint: DueDelivery) -> ContactId | GroupId:
    """Return whom it is for."""
    return hint.group or hint.contact or ContactId("")


def write(
    hint: DueDelivery, sources: Sources, render: Render, recorded: Sequence[Recorded], known: Known
) -> Written | None:
    """Return what would go out, None where nothing was ever planned. Reads the stores: to be called in a thread.

    ``recorded``: what the log holds of it. ``known``: what is known of whom it is for.
    """
    letter = sources.letters.read(recorded)
    if letter is None:
        return None
    party = Party.GROUP if hint.group is not None else Party.CONTACT
    address = sources.identities.address_of(party, recipient(hint))
    if address is None:
        return Written(known, defect=Slug("forgotten"))
    if letter.campaign is not None:
        return _of_campaign(
            hint, letter, known, Outbound(hint.delivery, address, ""), sources.letters, render
        )
    text = letter.text
    try:
        if not letter.verbatim:
            text = render(letter.text, known.variables)
    except CannotRender as error:
        return Written(known, defect=Slug(error.reason))
    attachment = None if letter.media is None else sources.letters.attach(letter.media)
    if letter.media is not None and attachment is None:
        return Written(known, defect=MEDIA_GONE)
    outbound = Outbound(
        key=hint.delivery,
        to=address,
        text=text,
        choices=letter.choices,
        reply_to=letter.reply_to,
        thread=letter.thread,
        attachment=attachment,
    )
    return Written(known, outbound, text if text != letter.text else None)


def _of_campaign(
    hint: DueDelivery, letter: Letter, known: Known, bare: Outbound, letters: Letters, render: Render
) -> Written:
    """Return one recipient's message of a campaign: its text for them, with its buttons, card and picture."""
    content, campaign = letter.content(hint.channel, known.locale or NO_LOCALE), letter.campaign
    if letter.variant == HOLDOUT:  # the gate says so: it is no text that is missing
        return Written(known)
    if content is None or campaign is None:
        return Written(known, defect=NO_TEXT)
    variables = {name: value.replace(CODE_MARK, "") for name, value in known.variables.items()}
    if campaign.codes is not None:
        variables[CODE] = CODE_MARK
    instead = letters.links(hint.delivery, hint.channel, hint.account, addresses(campaign.contents.value))
    try:
        copy = compose(content, variables, render, instead)
    except CannotRender as error:
        return Written(known, defect=Slug(error.reason))
    files: dict[MediaId, Attachment] = {}
    for media in filter(None, (content.media, content.card.picture if content.card is not None else None)):
        found = letters.attach(media)
        if found is None:
            return Written(known, defect=MEDIA_GONE)
        files[media] = found
    card = None
    if copy.card is not None:
        picture = files.get(copy.card.picture) if copy.card.picture is not None else None
        card = Card(copy.card.title, copy.card.url, copy.card.description, picture)
    outbound = replace(
        bare,
        text=copy.text,
        choices=copy.choices,
        links=copy.links,
        attachment=files[content.media] if content.media is not None else None,
        card=card,
    )
    return Written(
        known,
        outbound,
        copy.in_words,
        forms=_forms(content, variables, render, instead),
        to_many=_to_many(content, known, render, outbound),
        routes=campaign.routes,
    )


def _to_many(content: Content, known: Known, render: Render, outbound: Outbound) -> Outbound | None:
    """Return what everybody can be sent alike: with nothing of this recipient in it. None where the text cannot do without."""
    try:
        copy = compose(content, {BRAND: known.variables.get(BRAND, "")}, render, {})
    except CannotRender:
        return None
    card = outbound.card
    if card is not None and copy.card is not None:
        card = replace(card, title=copy.card.title, url=copy.card.url, description=copy.card.description)
    return replace(outbound, text=copy.text, choices=copy.choices, links=copy.links, card=card)


def _forms(
    content: Content, variables: Mapping[str, str], render: Render, instead: Mapping[str, str]
) -> Mapping[Slug, Form]:
    """Return the provider's templates, filled in; one with a variable that is empty for this recipient is no way to reach them."""
    found: dict[Slug, Form] = {}
    for name, form in (("template", content.template), ("subscription", content.subscription)):
        if form is None:
            continue
        try:
            fields = tuple((key, render(text, variables)) for key, text in form.fields.items())
        except CannotRender:
            continue
        found[Slug(name)] = Form(form.id, fields, instead.get(form.url, form.url) if form.url else "")
    return found
