"""One WeChat Official Account, open for business."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

import structlog
from starlette.routing import BaseRoute

from channels.channel import Buttons, Desk, Limits, MediaSource, Menus, SourceCodes
from channels.download import Downloads
from channels.webhook import Visit, webhook
from channels.wechat.buttons import WeChatButtons
from channels.wechat.client import WeChatClient
from channels.wechat.codes import WeChatCodes
from channels.wechat.envelope import Envelopes
from channels.wechat.health import Health, HealthState
from channels.wechat.identity import WECHAT_CHANNEL
from channels.wechat.judge import Heard, Judge, place_of
from channels.wechat.limits import LIMITS, SERVICE_ROUTES, SUBSCRIPTION_ROUTES
from channels.wechat.mass import MassMail
from channels.wechat.media import WeChatMedia
from channels.wechat.messenger import WeChatMessenger
from channels.wechat.profiles import WeChatProfiles
from channels.wechat.reception import Reception
from channels.wechat.replies import SUCCESS, Replies, Timing
from channels.wechat.settings import Settings
from channels.wechat.tags import WeChatTags
from domain.errors import SendFailed
from domain.identity import Account
from domain.ports.messenger import REQUEST_TIMEOUT_S, Messenger
from domain.ports.profiles import Profiles
from domain.ports.recalls import Recalls
from domain.ports.tag_mirror import TagMirror

XML: Final = frozenset({"text/xml", "application/xml"})
DEADLINE_S: Final = REQUEST_TIMEOUT_S - 5.0
"""For a send, its upload, tokens and second try included: over before the courier gives up."""
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 600.0

log = structlog.get_logger("channels.wechat")


class WeChatAdapter:
    """See channels.channel.Adapter."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        desk: Desk,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        timing: Timing | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """``name``: what the account is called in the settings; it is part of the webhook's path unless it is ``main``.

        ``pause``: waits between two looks at a token that does not work. ``deadline_s``: for each call.
        """
        self._settings, self._pause = settings, pause
        self._path = "/webhooks/wechat" if name == "main" else f"/webhooks/wechat/{name}"
        self.channel, self.account = WECHAT_CHANNEL, Account(settings.app_id)
        envelopes = Envelopes(settings)
        self._judge = Judge(self.account, envelopes, desk.clock)
        self._replies = Replies(envelopes, desk, timing or Timing(), patient=settings.reply == "passive")
        self._reception = Reception(desk.intake, self._replies.in_vain)
        self._checking: asyncio.Task[None] | None = None
        self.client = WeChatClient(settings, Health(self.account, desk.clock), deadline_s)
        self.messenger: Messenger = WeChatMessenger(
            self.client,
            self._replies,
            MassMail(self.client, desk.clock, desk.say),
            settings.reply,
            desk.clock,
            lambda: self._judge.called,
            desk.say,
        )
        self.media: MediaSource | None = WeChatMedia(self.client, Downloads(trusted=(settings.api_base,)))
        self.menus: Menus | None = None
        self.tags: TagMirror | None = WeChatTags(self.client)
        self.codes: SourceCodes | None = WeChatCodes(self.client, settings.api_base)
        self.buttons: Buttons | None = WeChatButtons(self.client)
        self.profiles: Profiles | None = WeChatProfiles(self.client)
        self.recalls: Recalls | None = None
        """WeChat takes back mass messages of articles and videos only, which we do not send."""
        self.limits: Limits = replace(
            LIMITS,
            rate_per_s=settings.rate_per_s,
            chat_rate_per_s=settings.chat_rate_per_s,
            group_rate_per_min=settings.group_rate_per_min,
            routes=SERVICE_ROUTES if settings.kind == "service" else SUBSCRIPTION_ROUTES,
        )

    @property
    def health(self) -> HealthState:
        """How the account's API is, for doctor and metrics."""
        return self.client.health

    @property
    def heard(self) -> Heard:
        """What of WeChat's was heard since the start, for who connects the account."""
        return self._judge.heard

    def routes(self) -> Sequence[BaseRoute]:
        """Return the webhook."""
        judge = self._judge
        return (
            webhook(
                self._path,
                judge.admit,
                judge.judge,
                self._reception,
                content_types=XML,
                echo=judge.echo,
                answer=_success if self._settings.reply == "service" else self._replies.answer,
            ),
        )

    async def start(self) -> None:
        """Look in a task whether WeChat knows us; callbacks come in meanwhile."""
        self._checking = asyncio.create_task(self._keep_checking(), name=f"wechat-{self.account}")

    async def stop(self) -> None:
        """Answer what waits, and close connections. What WeChat posts meanwhile it posts again."""
        if self._checking is not None:
            self._checking.cancel()
            await asyncio.wait((self._checking,))
        await self._replies.close()
        await self.client.close()

    async def _keep_checking(self) -> None:
        """Ask until it works once: from then on each call tells how the account is."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                await self.client.check_token()
            except SendFailed as failure:
                log.warning("wechat cannot be asked yet", account=self.account, reason=failure.reason)
            except Exception as bug:  # noqa: BLE001 - whatever it is, it must not end the channel
                # Not log.exception: a traceback may show the token.
                log.critical("wechat cannot be asked: this is a bug", where=place_of(bug))
            else:
                return
            await self._pause(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


async def _success(_visit: Visit) -> bytes:
    return SUCCESS
