"""One bot's side of Telegram: its world, its queue of updates, its webhook, its commands."""

from collections.abc import Callable

from channels.simulators.telegram.errors import conflict
from channels.simulators.telegram.shapes import Json
from channels.simulators.telegram.updates import UpdateQueue
from channels.simulators.telegram.webhook import Webhook, WebhookDelivery, WebhookRetry
from channels.simulators.telegram.world import World

_FIRST_UPDATE_ID = 100_000_001


class Account:
    """`delivery` is the running webhook delivery, None while the bot polls."""

    def __init__(
        self,
        *,
        bot_id: int,
        username: str,
        privacy_mode: bool,
        webhook_retry: WebhookRetry,
        clock: Callable[[], float],
    ) -> None:
        bot = {"id": bot_id, "is_bot": True, "first_name": "Siyu", "username": username}
        self.clock = clock
        self.queue = UpdateQueue(clock, _FIRST_UPDATE_ID)
        self.world = World(bot, self.queue, clock, privacy_mode=privacy_mode)
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self.privacy_mode = privacy_mode
        self.delivery: WebhookDelivery | None = None
        self._webhook_retry = webhook_retry

    async def open_webhook(self, webhook: Webhook) -> None:
        """Deliver to `webhook` from now on, in place of the one before; a long poll ends with 409."""
        self.queue.end_poll(conflict("terminated by setWebhook request"))
        await self.close_webhook()
        self.delivery = WebhookDelivery(webhook, self.queue, self._webhook_retry, self.clock)

    async def close_webhook(self) -> None:
        """What is not delivered stays in the queue, for the next webhook or for polling."""
        if self.delivery is not None:
            delivery, self.delivery = self.delivery, None
            await delivery.close()
