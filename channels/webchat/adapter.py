"""The web chat as a channel."""

import asyncio
from collections.abc import Mapping, Sequence

from starlette.routing import BaseRoute, WebSocketRoute

from channels.channel import Adapter, Buttons, Desk, Limits, MediaSource, Menus, SourceCodes
from channels.webchat.client import OpenSockets, WebChatMessenger
from channels.webchat.connection import SERVICE_RESTART
from channels.webchat.limits import DATED, SHOP_TEXT_UNITS, SOURCE, STOP_TIMEOUT_S
from channels.webchat.media import UploadPoint, VisitorsFiles
from channels.webchat.page import Page
from channels.webchat.parse import CHANNEL
from channels.webchat.settings import Settings, read
from channels.webchat.socket import ChatSocket
from domain.identity import Account
from domain.ports.messenger import Messenger
from domain.ports.profiles import Profiles
from domain.ports.recalls import Recalls
from domain.ports.tag_mirror import TagMirror


class WebChat:
    """One web chat. Its account is what it is called in the settings: there is no provider who would name it."""

    def __init__(self, name: str, settings: Settings, desk: Desk) -> None:
        self.channel = CHANNEL
        self.account = Account(name)
        self.limits = Limits(
            source=SOURCE,
            dated=DATED,
            text_units=SHOP_TEXT_UNITS,
            rate_per_s=settings.rate_per_s,
            chat_rate_per_s=settings.chat_rate_per_s,
            group_rate_per_min=settings.group_rate_per_min,
        )
        self._desk = desk
        self._path = "/chat" if name == "main" else f"/chat/{name}"
        self._sockets = OpenSockets(settings.sockets)
        self._socket = ChatSocket(self.account, desk, self._sockets)
        self._page = Page(self._path, desk, settings.frame_ancestors)
        self._uploads = UploadPoint(self._path, desk)
        self.media: MediaSource | None = VisitorsFiles(desk.uploads)
        self.menus: Menus | None = None
        self.tags: TagMirror | None = None
        self.codes: SourceCodes | None = None
        self.buttons: Buttons | None = None
        self.profiles: Profiles | None = None
        messenger = WebChatMessenger(self._sockets, desk.contact_of, desk.clock, desk.link, desk.neighbours)
        self.messenger: Messenger = messenger
        self.recalls: Recalls | None = messenger

    def routes(self) -> Sequence[BaseRoute]:
        """See Adapter."""
        return [
            *self._page.routes(),
            self._uploads.route(),
            WebSocketRoute(f"{self._path}/ws", self._socket.serve),
        ]

    async def start(self) -> None:
        """See Adapter: sockets are let in from now on."""
        if self._desk.neighbours is not None:
            self._desk.neighbours.hear(self._socket.show)
        self._socket.open = self._uploads.open = True

    async def stop(self) -> None:
        """See Adapter: no new sockets, and the open ones are closed, which tells the page to come again."""
        self._socket.open = self._uploads.open = False
        self._sockets.close(SERVICE_RESTART)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._sockets.closed_all()
        except TimeoutError:
            return  # a client that does not read: the server drops it


def open_channel(name: str, settings: Mapping[str, str], desk: Desk) -> Adapter:
    """See OpenChannel."""
    return WebChat(name, read(name, settings), desk)
