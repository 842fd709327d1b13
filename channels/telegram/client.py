"""Calls of the Bot API, with every error as one of ours."""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from aiogram import Bot
from aiogram.exceptions import TelegramMigrateToChat
from aiogram.methods import (
    AnswerCallbackQuery,
    DeleteMessage,
    DeleteWebhook,
    GetFile,
    GetMe,
    GetUpdates,
    SetWebhook,
    TelegramMethod,
)

from channels.channel import Intake
from channels.download import Arriving, arriving
from channels.telegram.errors import VENDOR_ERRORS, failure_of
from channels.telegram.identity import TELEGRAM_CHANNEL, BotIdentity
from channels.telegram.limits import ALLOWED_UPDATES
from channels.telegram.menu import menu
from channels.telegram.render import call, file_of
from channels.telegram.session import TelegramSession
from channels.telegram.settings import Settings
from domain.conversations.commands import Chat, GroupChange, Receive
from domain.errors import OutcomeUnknown, PermanentFailure, SiyuError, TemporaryFailure
from domain.identity import Address, ProviderMessageId, Slug
from domain.ports.messenger import Outbound

LONG_POLL_SPARE_S: Final = 10.0
"""How much longer than Telegram may hold a getUpdates its answer is waited for."""
DOWNLOAD_S: Final = 100.0
DOWNLOAD_BYTES: Final = 2 * 1024**3
"""What a Bot API server of one's own hands out (core.telegram.org/bots/api#using-a-local-bot-api-server); Telegram's stops at 20 MB."""
_FILE_PATH: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")
"""Below the API's own root: an absolute path is on another machine's disk (local mode), and dots lead away."""


class TelegramClient:
    """One account's way out (a Messenger), and the calls that receiving needs. Each raises the errors under SendFailed."""

    def __init__(
        self, settings: Settings, intake: Intake, clock: Callable[[], datetime], deadline_s: float
    ) -> None:
        """``intake`` and ``clock`` are for the one thing that a send can learn: that a group has a new id."""
        self._session = TelegramSession(settings, deadline_s)
        self._bot = Bot(settings.token.get_secret_value(), session=self._session)
        self._id = settings.bot_id
        self._intake, self._clock = intake, clock

    async def send(self, outbound: Outbound) -> ProviderMessageId | None:
        """See Messenger. That a group became a supergroup is handed in, so that the next try goes to its new id."""
        method = call(outbound)
        try:
            message = await self._session.result(self._bot, method)
        except TelegramMigrateToChat as error:
            await self._report_migration(outbound.to, error.migrate_to_chat_id)
            raise failure_of(error) from None
        except VENDOR_ERRORS as error:
            file = file_of(method)
            if file is not None and file.broken:
                raise PermanentFailure("media-gone") from None
            raise failure_of(error) from None
        number = message.get("message_id") if isinstance(message, dict) else None
        return None if number is None else ProviderMessageId(str(number))

    async def take_back(self, to: Address, message: ProviderMessageId) -> None:
        """See domain.ports.recalls.Recalls. Telegram lets a bot do so for 48 hours (core.telegram.org/bots/api#deletemessage)."""
        try:
            await self._call(DeleteMessage(chat_id=int(to.external_id), message_id=int(message)))
        except PermanentFailure as failure:
            if failure.reason != "message-gone":
                raise

    async def identity(self) -> BotIdentity:
        """Return who we are, with our name."""
        me = await self._call(GetMe())
        if not isinstance(me, dict):
            raise OutcomeUnknown("garbage")
        return BotIdentity(self._id, str(me.get("username") or ""))

    async def set_webhook(self, url: str, secret: str) -> None:
        """Let updates come to ``url``, with the secret in a header."""
        await self._call(SetWebhook(url=url, secret_token=secret, allowed_updates=list(ALLOWED_UPDATES)))

    async def delete_webhook(self) -> None:
        """Let updates wait for getUpdates; those that wait already are kept."""
        await self._call(DeleteWebhook(drop_pending_updates=False))

    async def updates(self, offset: int | None, limit: int, hold_s: int) -> bytes:
        """Return the answer of getUpdates as it came; what is below ``offset`` is forgotten by Telegram."""
        method = GetUpdates(offset=offset, limit=limit, timeout=hold_s, allowed_updates=list(ALLOWED_UPDATES))
        try:
            status, body = await self._session.answer(self._bot, method, hold_s + LONG_POLL_SPARE_S)
            if status != HTTPStatus.OK:
                self._session.check_response(self._bot, method, status, body.decode("utf-8", "replace"))
        except VENDOR_ERRORS as error:
            raise failure_of(error) from None
        return body

    async def acknowledge(self, query: str) -> None:
        """Let a pressed button stop turning."""
        await self._call(AnswerCallbackQuery(callback_query_id=query))

    async def offer(
        self, entries: Sequence[tuple[str, str]], *, language: str | None = None, to: str | None = None
    ) -> None:
        """See channels.channel.Menus."""
        await self._call(menu(entries, language, to))

    async def file_path(self, file_id: str) -> str:
        """Return where a file lies below the API's root. Raises PermanentFailure("gone"), ("too-large")."""
        file = await self._call(GetFile(file_id=file_id))
        path = file.get("file_path") if isinstance(file, dict) else None
        if not isinstance(path, str) or not _FILE_PATH.fullmatch(path):
            raise PermanentFailure("gone")
        return path

    @asynccontextmanager
    async def opened(self, path: str) -> AsyncIterator[Arriving]:
        """Ask for a file. Raises as channels.download.arriving; what the connection meets is temporary."""
        try:
            async with self._session.file(self._bot, path, DOWNLOAD_S) as response:
                yield arriving(response, DOWNLOAD_BYTES)
        except VENDOR_ERRORS as error:
            raise TemporaryFailure(failure_of(error).reason) from None

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def _call(self, method: TelegramMethod[Any]) -> object:
        try:
            return await self._session.result(self._bot, method)
        except VENDOR_ERRORS as error:
            raise failure_of(error) from None

    async def _report_migration(self, group: Address, new_id: int) -> None:
        change = Receive(
            channel=TELEGRAM_CHANNEL,
            account=BotIdentity(self._id).account,
            key=f"migration:{group.external_id}:{new_id}",
            occurred_at=self._clock(),
            content=GroupChange(change=Slug("migrated"), new_external_id=str(new_id)),
            chat=Chat(external_id=group.external_id),
        )
        try:
            await self._intake((change,))
        except SiyuError:
            # The next try learns of it again.
            raise TemporaryFailure("migrated") from None
