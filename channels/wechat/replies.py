"""Passive replies: an answer that is ready in time goes back in the very request that brought the message.

It costs nothing of the reply window, and an account that may not send customer-service messages has no other. Who may be answered is
decided by the gate before a reply comes here, and that WeChat got it is told to the log only once it is proven: WeChat posts a callback
again whose answer it did not get, three times in all, so silence after the first or second answer is proof. Silence after the third is
none: then the outcome stays Unknown, and the gate decides (shared/design/delivery.md).
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from channels.channel import Desk
from channels.webhook import Visit
from channels.wechat.envelope import Envelopes, read_query
from channels.wechat.limits import PASSIVE_S, PROOF_S, TRIES
from domain.conversations.commands import Reachability, Receive
from domain.errors import Overloaded, StoreUnavailable
from domain.identity import ContactId

SUCCESS: Final = b"success"
"""WeChat is content, and shows nothing."""
EXCHANGES_MAX: Final = 10_000
"""Callbacks that wait for an answer or for its proof. What comes beyond is answered by a customer-service message."""
OPEN_PER_SENDER_MAX: Final = 10
REMEMBERED: Final = 20_000
"""Callbacks that are over, or were refused for now. A repeat of one that is over opens nothing: it may be anybody's."""
SEEN_MAX: Final = 32
ACCEPT_TRIES: Final = 20
ACCEPT_RETRY_S: Final = 0.5

log = structlog.get_logger("channels.wechat")


@dataclass(frozen=True, slots=True)
class Timing:
    """``passive_s``: how long a request may wait for its answer. ``proof_s``: how long WeChat must be silent after one."""

    passive_s: float = PASSIVE_S
    proof_s: float = PROOF_S


@dataclass(slots=True, eq=False)
class _Exchange:
    """One callback. ``reply``: the XML, None for none. ``tries``: how many of WeChat's are used up. ``seen``: its requests' signatures."""

    key: str
    openid: str
    reply: asyncio.Future[str | None]
    tries: int
    delivery: str = ""
    waiting: int = 0
    answered: bool = False
    seen: set[str] = field(default_factory=set)
    said: asyncio.Task[None] | None = None
    proof: asyncio.TimerHandle | None = None


class Replies:
    """One account's requests that wait. ``patient``: a callback whose connection was lost stays open for its repeat."""

    def __init__(self, envelopes: Envelopes, desk: Desk, timing: Timing, *, patient: bool) -> None:
        self._envelopes, self._desk, self._timing, self._patient = envelopes, desk, timing, patient
        self._exchanges: dict[str, _Exchange] = {}
        self._open: dict[str, deque[_Exchange]] = {}
        self._over: OrderedDict[str, None] = OrderedDict()
        self._in_vain: OrderedDict[str, int] = OrderedDict()
        self._accepting: set[asyncio.Task[None]] = set()
        self._closed = False

    def in_vain(self, received: Receive) -> None:
        """Take in that a callback was refused for now: one of WeChat's tries is used up."""
        self._in_vain[received.key] = self._in_vain.pop(received.key, 0) + 1
        if len(self._in_vain) > REMEMBERED:
            self._in_vain.popitem(last=False)

    async def answer(self, visit: Visit) -> bytes:
        """Return what a callback is answered: the encrypted reply if one is ready in time, otherwise ``success``."""
        received = visit.received[0]
        exchange = self._exchanges.get(received.key) or self._opened(received, visit.came_at)
        if exchange is None:
            return SUCCESS
        signature = read_query(visit.query).get("msg_signature", "")
        first = signature not in exchange.seen
        if len(exchange.seen) < SEEN_MAX:
            exchange.seen.add(signature)
        if exchange.reply.done():
            # WeChat did not get the answer. The same bytes again are no try of WeChat's.
            exchange.tries += first
            return self._answered(exchange, anew=first)
        await self._wait(exchange, visit)
        return self._answered(exchange, anew=True)

    def put(self, openid: str, delivery: str, reply: Callable[[], str]) -> bool:
        """Answer the oldest request of this person that waits with ``reply``. Returns False where none waits."""
        waiting = self._open.get(openid)
        if not waiting:
            return False
        exchange = waiting[0]
        exchange.reply.set_result(reply())
        exchange.delivery = delivery
        exchange.tries += exchange.waiting > 0
        self._shut(exchange)
        self._arm(exchange)
        return True

    async def close(self) -> None:
        """Let every request go; what is not proven stays Unknown."""
        self._closed = True
        for exchange in list(self._exchanges.values()):
            if exchange.proof is not None:
                exchange.proof.cancel()
            self._end(exchange)
        for task in self._accepting:
            task.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)

    # --- one callback ---------------------------------------------------------------------------------------------

    def _opened(self, received: Receive, came_at: float) -> _Exchange | None:
        """Return a new exchange, None where there is nothing to wait for."""
        sender = received.sender
        if sender is None or self._closed or received.key in self._over:
            return None
        leaving = isinstance(received.content, Reachability) and not received.content.reachable
        contact = self._desk.contact_of(received.channel, received.account, sender.external_id)
        loop = asyncio.get_running_loop()
        waiting = self._open.get(sender.external_id, ())
        full = len(self._exchanges) >= EXCHANGES_MAX or len(waiting) >= OPEN_PER_SENDER_MAX
        if leaving or contact is None or full or loop.time() >= came_at + self._timing.passive_s:
            self._remember(received.key)
            return None
        tries = self._in_vain.pop(received.key, 0)
        exchange = _Exchange(received.key, sender.external_id, loop.create_future(), tries)
        self._exchanges[received.key] = exchange
        self._open.setdefault(exchange.openid, deque()).append(exchange)
        exchange.said = loop.create_task(self._until_said(exchange, contact))
        return exchange

    async def _until_said(self, exchange: _Exchange, contact: ContactId) -> None:
        await self._desk.all_said(contact)
        self._give_up(exchange)

    async def _wait(self, exchange: _Exchange, visit: Visit) -> None:
        """Wait for the reply, for the end of the request's time, or until the client is gone."""
        gone = asyncio.ensure_future(visit.gone())
        exchange.waiting += 1
        left = visit.came_at + self._timing.passive_s - asyncio.get_running_loop().time()
        try:
            await asyncio.wait((exchange.reply, gone), timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            exchange.waiting -= 1
            hung_up = gone.done()
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
        if exchange.reply.done():
            return
        exchange.tries += hung_up
        if exchange.waiting:
            return
        if hung_up and self._patient:
            if exchange.proof is None:
                self._arm(exchange)  # for a repeat that never comes
        else:
            self._give_up(exchange)

    def _answered(self, exchange: _Exchange, *, anew: bool) -> bytes:
        reply = exchange.reply.result() if exchange.reply.done() else None
        if reply is None:
            return SUCCESS
        exchange.answered = True
        if anew and not self._closed:
            self._arm(exchange)
        return self._envelopes.seal(reply, self._desk.clock())

    def _give_up(self, exchange: _Exchange) -> None:
        if not exchange.reply.done():
            self._end(exchange)

    def _end(self, exchange: _Exchange) -> None:
        """Let the exchange go: a request that still waits is answered ``success``."""
        if not exchange.reply.done():
            exchange.reply.set_result(None)
        self._shut(exchange)
        self._exchanges.pop(exchange.key, None)
        self._remember(exchange.key)

    def _shut(self, exchange: _Exchange) -> None:
        """Put nothing into it any more."""
        waiting = self._open.get(exchange.openid)
        if waiting is not None and exchange in waiting:
            waiting.remove(exchange)
            if not waiting:
                del self._open[exchange.openid]
        said, exchange.said = exchange.said, None
        if said is not None and said is not asyncio.current_task():
            said.cancel()

    def _remember(self, key: str) -> None:
        self._in_vain.pop(key, None)
        self._over[key] = None
        if len(self._over) > REMEMBERED:
            self._over.popitem(last=False)

    # --- the proof ------------------------------------------------------------------------------------------------

    def _arm(self, exchange: _Exchange) -> None:
        if exchange.proof is not None:
            exchange.proof.cancel()
        loop = asyncio.get_running_loop()
        exchange.proof = loop.call_later(self._timing.proof_s, self._silent, exchange)

    def _silent(self, exchange: _Exchange) -> None:
        """WeChat has not asked again."""
        self._end(exchange)
        if not exchange.answered:
            return
        if exchange.tries >= TRIES:
            log.warning("passive reply not proven: wechat had no try left", delivery=exchange.delivery)
            return
        task = asyncio.get_running_loop().create_task(self._accept(exchange.delivery))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)

    async def _accept(self, delivery: str) -> None:
        for _ in range(ACCEPT_TRIES):
            try:
                await self._desk.accepted(delivery)
            except (Overloaded, StoreUnavailable):
                await asyncio.sleep(ACCEPT_RETRY_S)
            else:
                return
        log.warning("passive reply not recorded as accepted: the log was away", delivery=delivery)
