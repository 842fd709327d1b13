"""One account in memory."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from starlette.routing import BaseRoute

from channels.channel import Buttons, Desk, Limits, MediaSource, Menus, SourceCodes
from domain.conversations.commands import Chat, Content, Message, Receive, Sender
from domain.identity import Account, Channel
from domain.ports.messenger import MemoryMessenger, Messenger
from domain.ports.profiles import Profiles
from domain.ports.recalls import MemoryRecalls, Recalls
from domain.ports.tag_mirror import TagMirror

LIMITS: Final = Limits(
    source="memory has none",
    dated=date(2026, 11, 21),
    text_units=0,
    rate_per_s=0,
    chat_rate_per_s=0,
    group_rate_per_min=0,
)


class MemoryAdapter:
    """See channels.channel.Adapter. ``outbox`` has what was sent, and what sends shall fail."""

    def __init__(self, name: str, desk: Desk) -> None:
        self._desk = desk
        self.outbox = MemoryMessenger()
        self.channel = Channel("memory")
        self.account = Account(name)
        self.limits = LIMITS
        self.messenger: Messenger = self.outbox
        self.media: MediaSource | None = None
        self.menus: Menus | None = None
        self.tags: TagMirror | None = None
        self.codes: SourceCodes | None = None
        self.buttons: Buttons | None = None
        self.profiles: Profiles | None = None
        self.recalls: Recalls | None = MemoryRecalls()

    def routes(self) -> Sequence[BaseRoute]:
        """Return none: nobody comes over the network."""
        return ()

    async def start(self) -> None:
        """See Adapter; there is nothing to begin."""

    async def stop(self) -> None:
        """See Adapter; there is nothing to end."""

    async def says(self, who: str, text: str, *, key: str, group: str | None = None) -> None:
        """Hand in a text, as ``hands_in`` does. ``who`` and ``group`` are external ids."""
        chat = None if group is None else Chat(external_id=group)
        await self.hands_in(Message(text=text), key=key, sender=Sender(external_id=who), chat=chat)

    async def hands_in(
        self, content: Content, *, key: str, sender: Sender | None = None, chat: Chat | None = None
    ) -> None:
        """Return when ``content`` is durable; the same ``key`` again is the same thing again. Raises Overloaded, StoreUnavailable."""
        received = Receive(
            channel=self.channel,
            account=self.account,
            key=key,
            occurred_at=self._desk.clock(),
            content=content,
            sender=sender,
            chat=chat,
        )
        await self._desk.intake((received,))
