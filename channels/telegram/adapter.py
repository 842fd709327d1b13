"""One Telegram account, open for business."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import structlog
from starlette.datastructures import Headers
from starlette.routing import BaseRoute

from channels.channel import Buttons, Desk, Limits, MediaSource, Menus, SourceCodes
from channels.telegram.backoff import Backoff
from channels.telegram.client import TelegramClient
from channels.telegram.deep_links import DeepLinks
from channels.telegram.files import TelegramFiles
from channels.telegram.identity import TELEGRAM_CHANNEL, BotIdentity
from channels.telegram.judge import judge, place_of
from channels.telegram.limits import LIMITS
from channels.telegram.polling import Polling
from channels.telegram.reception import Reception
from channels.telegram.settings import Settings, setting
from channels.webhook import webhook
from domain.conversations.commands import Receive
from domain.errors import BadSignature, SendFailed, TemporaryFailure
from domain.ports.messenger import REQUEST_TIMEOUT_S, Messenger
from domain.ports.profiles import Profiles
from domain.ports.recalls import Recalls
from domain.ports.tag_mirror import TagMirror

T = TypeVar("T")

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name

log = structlog.get_logger("channels.telegram")


class TelegramAdapter:
    """See channels.channel.Adapter."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        desk: Desk,
        backoff: Backoff,
        deadline_s: float = REQUEST_TIMEOUT_S,
    ) -> None:
        """``name``: what the account is called in the settings; it is part of the webhook's path unless it is ``main``.

        ``deadline_s``: for each call but a long poll.
        """
        self._settings, self._desk, self._backoff = settings, desk, backoff
        self._name = name
        self._path = "/webhooks/telegram" if name == "main" else f"/webhooks/telegram/{name}"
        self._client = TelegramClient(settings, desk.intake, desk.clock, deadline_s)
        self._reception = Reception(desk.intake, self._client.acknowledge)
        self._bot = BotIdentity(settings.bot_id)
        self._receiving: asyncio.Task[None] | None = None
        self.trouble: str | None = None
        """Why Telegram gives nothing now, as a slug; None while all is well."""
        self.channel = TELEGRAM_CHANNEL
        self.account = self._bot.account
        self.messenger: Messenger = self._client
        self.media: MediaSource | None = TelegramFiles(self._client)
        self.menus: Menus | None = self._client
        self.tags: TagMirror | None = None
        self.codes: SourceCodes | None = DeepLinks(self._client)
        self.buttons: Buttons | None = None
        self.profiles: Profiles | None = None
        self.recalls: Recalls | None = self._client
        self.limits: Limits = replace(
            LIMITS,
            rate_per_s=settings.rate_per_s,
            chat_rate_per_s=settings.chat_rate_per_s,
            group_rate_per_min=settings.group_rate_per_min,
        )

    def routes(self) -> Sequence[BaseRoute]:
        """Return the webhook, in webhook mode."""
        if self._settings.mode == "polling":
            return ()
        return (webhook(self._path, self._admit, self._judge, self._reception),)

    async def start(self) -> None:
        """Begin to receive in a task, which goes on trying while Telegram is away or does not know the token."""
        self._receiving = asyncio.create_task(self._keep_receiving(), name=f"telegram-{self.account}")

    async def stop(self) -> None:
        """Stop receiving and close connections. A webhook stays registered: Telegram keeps what comes meanwhile."""
        if self._receiving is not None:
            self._receiving.cancel()
            await asyncio.wait((self._receiving,))
        await self._reception.close()
        await self._client.close()

    def _admit(self, headers: Headers, _query: bytes) -> None:
        expected = self._settings.webhook_secret
        given = headers.get(SECRET_HEADER, "")
        if expected is None or not hmac.compare_digest(given.encode(), expected.get_secret_value().encode()):
            raise BadSignature("the secret token is missing or wrong")

    def _judge(self, _query: bytes, body: bytes) -> Sequence[Receive]:
        return judge(body, self._bot, self._desk.clock())

    async def _keep_receiving(self) -> None:
        while True:
            try:
                await self._receive()
            except Exception as bug:  # noqa: BLE001 - whatever it is, it must not make the bot deaf until somebody restarts it
                # Not log.exception: a traceback may show the token.
                log.critical("telegram stops receiving and begins anew: this is a bug", where=place_of(bug))
                await self._backoff.wait()
            else:
                return

    async def _receive(self) -> None:
        self._bot = await self._until_done("getMe", self._client.identity)
        if self._settings.mode == "webhook":
            await self._until_done("setWebhook", self._register_webhook)
            return
        await self._until_done("deleteWebhook", self._client.delete_webhook)
        desk = self._desk
        await Polling(
            self._client,
            self._bot,
            self._reception,
            desk.cursors,
            desk.clock,
            self._backoff,
            self._note_trouble,
        ).run()

    def _note_trouble(self, reason: str | None) -> None:
        self.trouble = reason

    async def _register_webhook(self) -> None:
        secret = self._settings.webhook_secret
        if secret is not None:
            await self._client.set_webhook(f"{self._desk.public_url}{self._path}", secret.get_secret_value())

    async def _until_done(self, call: str, do: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                result = await do()
            except SendFailed as failure:
                self._tell(call, failure.reason)
                self.trouble = failure.reason
                asked = failure.retry_after_s if isinstance(failure, TemporaryFailure) else 0.0
                await self._backoff.wait(asked)
            else:
                self._backoff.reset()
                self.trouble = None
                return result

    def _tell(self, call: str, reason: str) -> None:
        """Log why a call at the start failed; what only a person can set right is an error that names the setting."""
        match call, reason:
            case _, "unauthorized":
                advice = f"telegram does not know the token: check {setting(self._name, 'TOKEN')}"
            case _, "not-found":
                advice = f"there is no Bot API: check {setting(self._name, 'API_BASE')}"
            case "setWebhook", "bad-request":
                advice = "telegram refuses the webhook's address: check SIYU_PUBLIC_URL"
            case _:
                log.warning("telegram cannot be reached yet", account=self.account, call=call, reason=reason)
                return
        log.error(advice, account=self.account, call=call)
