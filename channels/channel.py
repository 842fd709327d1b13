"""What every channel is: a way in, a way out, and the limits of its provider."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from starlette.routing import BaseRoute

from domain.conversations.commands import Receive
from domain.identity import Account, Address, Channel, ContactId, Locale, MediaId, Slug
from domain.ports.history import History
from domain.ports.media import Uploads
from domain.ports.messenger import Messenger, Route
from domain.ports.profiles import Profiles
from domain.ports.recalls import Recalls
from domain.ports.tag_mirror import TagMirror


@dataclass(frozen=True, slots=True)
class Limits:
    """What a provider allows, with where and when we read it. 0 means no limit.

    ``text_units``: UTF-16 code units of one message; ``text_bytes``: the same in UTF-8, of a provider that counts so. Rates: messages a
    second for the account and for one chat, a minute for one group. ``routes``: where there are several ways out, in the order in which
    they are preferred.
    """

    source: str
    dated: date
    text_units: int
    rate_per_s: float
    chat_rate_per_s: float
    group_rate_per_min: float
    text_bytes: int = 0
    routes: tuple[Route, ...] = ()


class Intake(Protocol):
    """Hands in what came over a channel."""

    async def __call__(self, received: Sequence[Receive]) -> None:
        """Return when all of it is durable (or was before); of each chat, in its order. Raises Overloaded, StoreUnavailable: come again."""
        ...


class Cursors(Protocol):
    """Small durable values beside the log, such as a polling offset."""

    def get_cursor(self, name: str) -> str | None:
        """Return the value, None where there is none."""
        ...

    def set_cursor(self, name: str, value: str) -> None:
        """Store a value; durable when this returns."""
        ...


class AllSaid(Protocol):
    """Tells when nothing is about to be said to somebody, for providers that take the answer in their own request."""

    async def __call__(self, contact: ContactId) -> None:
        """Return once all that answers by itself has seen what was durable at the call, and no message to them is about to leave.

        The caller waits with a deadline of its own.
        """
        ...


class MediaSource(Protocol):
    """Where a channel's files are fetched."""

    def fetch(self, details: Mapping[str, Any]) -> AsyncIterator[bytes]:
        """Yield the bytes of the file that a message's details name (``file_id``). Raises TemporaryFailure, PermanentFailure.

        The caller stops when it has too many: nothing is held in memory.
        """
        ...


class Menus(Protocol):
    """Shows what may be said: a list of commands beside the place where one types."""

    async def offer(
        self, entries: Sequence[tuple[str, str]], *, language: str | None = None, to: str | None = None
    ) -> None:
        """Show these (command, what it does) instead of what was shown before; none: the list is taken away.

        ``language``: to those who use that one; None: to all for whom nothing else fits. ``to``: in this one private chat only, by external
        id. Raises TemporaryFailure, PermanentFailure, OutcomeUnknown; offering the same again does no harm.
        """
        ...


@dataclass(frozen=True, slots=True)
class SourceCode:
    """A code by which people come. ``url``: what a QR code of it says. ``image``: where the provider shows one; None where it does not.

    ``lives_s``: None for ever.
    """

    url: str
    image: str | None = None
    lives_s: int | None = None


class SourceCodes(Protocol):
    """Makes codes that tell by which of them somebody came."""

    async def make(self, source: Slug, lives_s: int | None) -> SourceCode:
        """Return a code; whoever comes by it arrives with this ``source``. ``lives_s``: None for ever. Raises SendFailed."""
        ...


@dataclass(frozen=True, slots=True)
class Button:
    """A button of an account's menu: it says ``say`` as if its presser had, opens ``url``, or has up to a few ``below`` it.

    With none of these: one that was made elsewhere, and does what we cannot tell.
    """

    name: str
    say: str = ""
    url: str = ""
    below: tuple["Button", ...] = ()


@dataclass(frozen=True, slots=True)
class ButtonLimits:
    """How many buttons a menu takes, and how many bytes of UTF-8 their parts."""

    source: str
    dated: date
    buttons: int
    below: int
    name_bytes: int
    name_below_bytes: int
    say_bytes: int
    url_bytes: int


class Buttons(Protocol):
    """An account's menu: buttons that everybody sees below the conversation."""

    limits: ButtonLimits

    async def shown(self) -> Sequence[Button]:
        """Return the menu, empty where there is none. Raises SendFailed."""
        ...

    async def show(self, buttons: Sequence[Button]) -> None:
        """Show these instead of what was shown before; none: the menu is taken away. Raises SendFailed."""
        ...


Shows = Callable[[Address, ContactId, str], Awaitable[None]]
"""Shows somebody what another process sent them: where they are, who they are, and the id of the message. Raises StoreUnavailable."""


class Neighbours(Protocol):
    """Other processes to which somebody may be connected, of a channel that sends over connections which people opened."""

    async def tell(self, contact: ContactId, what: str) -> None:
        """Let all of them know, this one included, that something was sent: by the id of the message. Never raises."""
        ...

    def hear(self, shows: Shows) -> None:
        """Have what anybody tells shown."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What a channel is given by the house.

    ``contact_of``: the contact behind (channel, account, external id), None where nobody is known.
    ``confirmed``: tell that a delivery (by its id) was seen by the recipient's side; telling it again is no error.
    ``accepted``: tell that a delivery whose outcome was unknown did go out (OutcomeUnknown.proof_follows).
    Both raise Overloaded, StoreUnavailable. ``all_said``: see AllSaid.
    ``public_url``: where providers reach us, without a slash at the end.
    ``brand`` and ``locale``: for pages that customers see; ``say``: one of our texts in a language, None: the installation's.
    ``uploads``: files that visitors hand over; ``link``: where one of the media store is found for a while, as a path of our server.
    """

    intake: Intake
    history: History
    cursors: Cursors
    contact_of: Callable[[Channel, Account, str], ContactId | None]
    confirmed: Callable[[str], Awaitable[None]]
    accepted: Callable[[str], Awaitable[None]]
    all_said: AllSaid
    clock: Callable[[], datetime]
    public_url: str | None
    brand: str
    locale: str
    say: Callable[[str, Locale | None], str]
    uploads: Uploads
    link: Callable[[MediaId], str]
    neighbours: Neighbours | None = None
    """None where this process is alone."""


class Adapter(Protocol):
    """One account of one channel, open for business."""

    channel: Channel
    account: Account
    limits: Limits
    messenger: Messenger
    media: MediaSource | None
    """None where the channel has no files."""
    menus: Menus | None
    """None where the channel shows no commands."""
    tags: TagMirror | None
    """None where the provider keeps no tags."""
    codes: SourceCodes | None
    """None where nobody can come by a code."""
    buttons: Buttons | None
    """None where the channel has no menu of buttons."""
    profiles: Profiles | None
    """None where messages tell all that there is to know of people."""
    recalls: Recalls | None
    """None where nothing can be taken back."""

    def routes(self) -> Sequence[BaseRoute]:
        """Return the addresses this channel listens at: webhooks, pages, WebSockets."""
        ...

    async def start(self) -> None:
        """Begin to receive: register the webhook, or start polling in a task of its own. Raises BadSettings, TemporaryFailure."""
        ...

    async def stop(self) -> None:
        """Stop receiving and close connections; what was taken is in the log."""
        ...


class OpenChannel(Protocol):
    """Makes an adapter: the function ``open_channel`` of a channel's package."""

    def __call__(self, name: str, settings: Mapping[str, str], desk: Desk) -> Adapter:
        """``name``: what the account is called in the settings (``main``); it is part of the webhook's path unless it is ``main``.

        Raises BadSettings, naming the setting (as ``SIYU_TELEGRAM__TOKEN``), never its value.
        """
        ...
