"""Links that start a chat with the bot and tell where somebody came from."""

from typing import Final

from channels.channel import SourceCode
from channels.telegram.client import TelegramClient
from domain.errors import PermanentFailure
from domain.identity import Slug

DEEP_LINK: Final = "https://t.me/{username}?start={source}"
"""core.telegram.org/bots/features#deep-linking (2026-11-22): 1 to 64 of A-Z, a-z, 0-9, _ and -."""


class DeepLinks:
    """See channels.channel.SourceCodes. Telegram shows no QR code of a link, and a link never ends."""

    def __init__(self, client: TelegramClient) -> None:
        self._client = client

    async def make(self, source: Slug, lives_s: int | None) -> SourceCode:
        """See SourceCodes. Raises PermanentFailure("no-username"), or ("lives-for-ever") where it shall end."""
        if lives_s is not None:
            raise PermanentFailure("lives-for-ever")
        bot = await self._client.identity()
        if not bot.username:
            raise PermanentFailure("no-username")
        return SourceCode(DEEP_LINK.format(username=bot.username, source=source))
