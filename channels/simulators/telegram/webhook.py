"""Delivery of updates to the bot's webhook: in order per chat, chats in parallel, again until a 2xx."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from channels.simulators.telegram.shapes import Json
from channels.simulators.telegram.updates import UpdateQueue

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name
CONNECTIONS_DEFAULT = 40
CONNECTIONS_MAX = 100
_REQUEST_TIMEOUT_S = 60.0
_RETRY_AFTER_MAX_S = 3600
_OK = range(200, 300)


@dataclass(frozen=True, slots=True)
class WebhookRetry:
    """How long Telegram waits before it delivers again: doubling from `first_s` up to `cap_s`."""

    first_s: float = 1.0
    cap_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Webhook:
    url: str
    secret: str
    connections: int


@dataclass(frozen=True, slots=True)
class DeliveryError:
    message: str
    at: float


class WebhookDelivery:
    """Delivers what is in the queue, and added to it, until closed. Undelivered updates stay in the queue.

    `last_error` is the latest failed delivery, as getWebhookInfo tells it.
    """

    def __init__(
        self, webhook: Webhook, queue: UpdateQueue, retry: WebhookRetry, clock: Callable[[], float]
    ) -> None:
        self.webhook = webhook
        self.last_error: DeliveryError | None = None
        self._queue = queue
        self._retry = retry
        self._clock = clock
        self._lanes: dict[int, deque[Json]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(webhook.connections)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=webhook.connections),
            timeout=aiohttp.ClientTimeout(total=_REQUEST_TIMEOUT_S),
            headers={SECRET_HEADER: webhook.secret} if webhook.secret else None,
        )
        for update in queue.pending():
            self._enqueue(update)
        queue.on_added = self._enqueue

    async def close(self) -> None:
        self._queue.on_added = None
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()
        for error in ended:
            if error is not None and not isinstance(error, asyncio.CancelledError):
                raise error

    def _enqueue(self, update: Json) -> None:
        lane = _chat_of(update)
        if (waiting := self._lanes.get(lane)) is not None:
            waiting.append(update)
            return
        self._lanes[lane] = deque([update])
        task = asyncio.create_task(self._deliver_lane(lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver_lane(self, lane: int) -> None:
        waiting = self._lanes[lane]
        while waiting:
            await self._deliver(waiting[0])
            waiting.popleft()
        del self._lanes[lane]

    async def _deliver(self, update: Json) -> None:
        delay_s = self._retry.first_s
        # Dropped (drop_pending_updates) or expired updates are no longer in the queue.
        while update["update_id"] in self._queue:
            async with self._slots:
                error, retry_after_s = await self._post(update)
            if error is None:
                self._queue.remove(update["update_id"])
                return
            self.last_error = DeliveryError(error, self._clock())
            await asyncio.sleep(retry_after_s or delay_s)
            delay_s = min(delay_s * 2, self._retry.cap_s)

    async def _post(self, update: Json) -> tuple[str | None, float]:
        """(None, 0) when delivered, else what went wrong and the receiver's Retry-After in seconds."""
        try:
            async with self._session.post(self.webhook.url, json=update, allow_redirects=False) as response:
                if response.status in _OK:
                    return None, 0
                wrong = f"Wrong response from the webhook: {response.status} {response.reason}"
                after = response.headers.get("Retry-After", "")
                return wrong, min(int(after), _RETRY_AFTER_MAX_S) if after.isdecimal() else 0
        except aiohttp.ClientConnectorError:
            return "Connection refused", 0
        except TimeoutError:
            return "Read timeout expired", 0
        except aiohttp.ClientError:
            return "Webhook connection closed", 0


def _chat_of(update: Json) -> int:
    """The lane of an update: its chat, else who caused it, else its own."""
    for content in update.values():
        if not isinstance(content, dict):
            continue
        holder = content.get("message", content)
        for party in (holder.get("chat"), content.get("from"), content.get("user")):
            if isinstance(party, dict) and isinstance(party.get("id"), int):
                return int(party["id"])
    # Below every chat id there is, so that no update waits for one it has nothing to do with.
    return -(1 << 60) - int(update["update_id"])
