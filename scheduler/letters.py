"""What a delivery says, read from the log, and what of it would go out to whom."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from domain.broadcasts.broadcast import broadcasts
from domain.deliveries.delivery import deliveries
from domain.deliveries.events import DeliveryPlanned
from domain.dispatch import fold
from domain.errors import CannotRender
from domain.identity import BroadcastId, DeliveryId, MediaId, Party, ProviderMessageId, Slug, stream
from domain.ports.agenda import Agenda, DueDelivery
from domain.ports.audience import Audience, Known
from domain.ports.event_log import EventLog
from domain.ports.identities import Identities
from domain.ports.messenger import Attachment, Outbound

BROADCASTS_KEPT = 32

Render = Callable[[str, Mapping[str, str]], str]
"""Fill variables into a template. Raises CannotRender."""
Attach = Callable[[MediaId], Attachment | None]
"""Find a file of the media store; None where it is gone. Raises StoreUnavailable."""
MEDIA_GONE = Slug("media-gone")


@dataclass(frozen=True, slots=True)
class Letter:
    """Text and form of a message, before variables are filled in."""

    text: str
    verbatim: bool = False
    choices: tuple[tuple[tuple[str, str], ...], ...] = ()
    reply_to: ProviderMessageId | None = None
    thread: Slug | None = None
    media: MediaId | None = None


class Letters:
    """Reads letters, from any thread; the texts of recent broadcasts are kept, since thousands of deliveries share one."""

    def __init__(self, log: EventLog, attach: Attach = lambda _media: None) -> None:
        """``attach``: where there is no media store, no file is found."""
        self._log, self.attach = log, attach
        self._broadcasts: OrderedDict[BroadcastId, str] = OrderedDict()

    def read(self, delivery: DeliveryId) -> Letter | None:
        """Return what a delivery says; None where it was never planned. Raises UnknownEvent where its broadcast is damaged."""
        recorded = self._log.read_stream(stream(deliveries.category, delivery))
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
        )

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
    """A letter as it would go out now. ``rendered``: its text, where variables made it another one; ``defect``: why it cannot go."""

    known: Known
    outbound: Outbound | None = None
    rendered: str | None = None
    defect: Slug | None = None


def write(hint: DueDelivery, sources: Sources, render: Render) -> Written | None:
    """Return what would go out, None where nothing was ever planned. Reads the stores: to be called in a thread."""
    letter = sources.letters.read(hint.delivery)
    if letter is None:
        return None
    known = sources.audience.about(hint.contact, hint.group)
    party = Party.GROUP if hint.group is not None else Party.CONTACT
    address = sources.identities.address_of(party, hint.group or hint.contact or "")
    if address is None:
        return Written(known, defect=Slug("forgotten"))
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
