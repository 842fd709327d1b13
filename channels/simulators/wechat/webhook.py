"""WeChat's client: it posts callbacks to the account's server and repeats what was not answered.

WeChat says: no answer within 5 s, the connection is closed and the callback posted again, three times in all. What it
says of other failures is chosen here: no connection and a status other than 200 are no answer, so they are repeated;
200 with neither `success`, nothing nor a good passive reply is a wrong answer, which is not.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Final, Self
from urllib.parse import urlencode, urlsplit

import aiohttp

from channels.simulators.wechat.callback_faults import (
    FORGERIES,
    NETWORK_FAULTS,
    TRY_FAULTS,
    CallbackFault,
    CallbackFaultKind,
    CallbackFaults,
    Letter,
    letter,
)
from channels.simulators.wechat.crypto import signed
from channels.simulators.wechat.notices import Fields, xml_of
from channels.simulators.wechat.replies import Reply, WrongAnswer, read_answer
from channels.simulators.wechat.settings import OfficialAccount

TRIES_MAX: Final = 3
_CONNECTIONS_MAX: Final = 500
_KEPT_ALIVE_S: Final = 2.0
_HEADERS: Final = {"User-Agent": "Mozilla/4.0", "Content-Type": "text/xml", "Pragma": "no-cache"}


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    """`success`, or 200 and nothing."""
    REPLIED = "replied"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    """No connection, or one that ended without an answer."""
    REFUSED = "refused"
    """A status other than 200."""
    WRONG = "wrong"
    """200 with something else."""
    DROPPED = "dropped"
    """A fault's doing: the answer was not read."""


_ENDS: Final = frozenset({Outcome.ACCEPTED, Outcome.REPLIED, Outcome.WRONG})


@dataclass(frozen=True, slots=True)
class Try:
    """One POST and what came of it; `answer` is the body as it came, `reply` what it says, `problem` why it is wrong."""

    query: Mapping[str, str]
    body: bytes
    outcome: Outcome
    status: int | None = None
    answer: bytes = b""
    reply: Reply | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class EchoCheck:
    """The check that WeChat makes when a URL is saved: `accepted` if 200 brought the echostr and nothing else."""

    status: int | None
    body: bytes
    accepted: bool


@dataclass(slots=True)
class Callback:
    """One message or event on its way. `awaited`: a person looks at their screen for an answer."""

    openid: str
    xml: bytes
    awaited: bool
    tries: list[Try] = field(default_factory=list)
    first_over: asyncio.Event = field(default_factory=asyncio.Event)
    followed: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def outcome(self) -> Outcome | None:
        """That of the last try; None before the first one is over, and without a webhook."""
        return self.tries[-1].outcome if self.tries else None

    async def finished(self, timeout_s: float = 30.0) -> Self:
        """Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            await self.over.wait()
        return self


class Callbacks:
    """A person's next callback is posted when the first try of the one before is over; WeChat promises no order.

    `shows` is told of a passive reply, or of None: that the server is out of order. `before_again` is waited for before
    each repeat.
    """

    def __init__(
        self,
        account: OfficialAccount,
        clock: Callable[[], float],
        answer_wait_s: float,
        *,
        is_media: Callable[[str], bool],
        shows: Callable[[str, Reply | None], None],
        before_again: Callable[[], Awaitable[None]],
    ) -> None:
        self.faults = CallbackFaults()
        self.answer_wait_s = answer_wait_s
        self._account = account
        self._clock = clock
        self._is_media = is_media
        self._shows = shows
        self._before_again = before_again
        self._latest: dict[str, Callback] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._open_session: aiohttp.ClientSession | None = None

    @property
    def under_way(self) -> int:
        return len(self._tasks)

    async def settled(self, timeout_s: float) -> None:
        """Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while self._tasks:
                await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """What is under way is given up."""
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._open_session is not None:
            await self._open_session.close()
        for error in ended:
            if error is not None and not isinstance(error, asyncio.CancelledError):
                raise error

    def send(self, openid: str, fields: Fields, *, awaited: bool = False) -> Callback:
        """Post what happened now, as `fields` say it. Without a webhook it is lost."""
        header: Fields = [
            ("ToUserName", self._account.original_id),
            ("FromUserName", openid),
            ("CreateTime", int(self._clock())),
        ]
        callback = Callback(openid, xml_of([*header, *fields]), awaited)
        before = self._latest.get(openid)
        self._latest[openid] = callback
        if not self._account.webhook_url:
            callback.first_over.set()
            callback.over.set()
            return callback
        task = asyncio.create_task(self._deliver(callback, before))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return callback

    async def check_url(self, *, genuine: bool = True) -> EchoCheck:
        """The GET of a saved URL: signed time stamp and nonce, and an echostr in clear, in safe mode too."""
        timestamp, nonce = str(int(self._clock())), str(secrets.randbelow(1 << 31))
        echo = str(secrets.randbits(62))
        signature = signed(self._account.token, timestamp, nonce) if genuine else secrets.token_hex(20)
        query = {"signature": signature, "echostr": echo, "timestamp": timestamp, "nonce": nonce}
        try:
            async with (
                asyncio.timeout(self.answer_wait_s),
                self._session.get(self._account.webhook_url, params=query, allow_redirects=False) as response,
            ):
                body = await response.read()
                accepted = response.status == HTTPStatus.OK and body == echo.encode()
                return EchoCheck(response.status, body, accepted)
        except (aiohttp.ClientError, TimeoutError):
            return EchoCheck(None, b"", accepted=False)

    async def post(self, openid: str, letter_: Letter) -> Try:
        """One POST, whose answer is judged and shown to nobody."""
        query, body = letter_.query, letter_.body
        try:
            async with (
                asyncio.timeout(self.answer_wait_s),
                self._session.post(
                    self._account.webhook_url, params=query, data=body, allow_redirects=False
                ) as response,
            ):
                answer = await response.read()
                status = response.status
        except TimeoutError:
            return Try(query, body, Outcome.TIMED_OUT)
        except aiohttp.ClientError as error:
            return Try(query, body, Outcome.UNREACHABLE, problem=type(error).__name__)
        if status != HTTPStatus.OK:
            return Try(query, body, Outcome.REFUSED, status, answer)
        try:
            reply = read_answer(answer, self._account, openid, self._is_media)
        except WrongAnswer as error:
            return Try(query, body, Outcome.WRONG, status, answer, problem=str(error))
        return Try(query, body, Outcome.REPLIED if reply else Outcome.ACCEPTED, status, answer, reply)

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._open_session is None:
            # Kept alive shorter than servers do it, so that none of ours is closed just as it is used again.
            connector = aiohttp.TCPConnector(limit=_CONNECTIONS_MAX, keepalive_timeout=_KEPT_ALIVE_S)
            self._open_session = aiohttp.ClientSession(connector=connector, headers=_HEADERS)
        return self._open_session

    async def _deliver(self, callback: Callback, before: Callback | None) -> None:
        try:
            fault = self.faults.take(callback.openid, NETWORK_FAULTS | FORGERIES)
            await self._wait_for_turn(callback, before, fault)
            if fault is not None and fault.kind in FORGERIES:
                forged = letter(self._account, callback.openid, callback.xml, self._clock(), fault)
                callback.tries.append(await self.post(callback.openid, forged))
            elif fault is not None and fault.kind is CallbackFaultKind.TWICE:
                await asyncio.gather(self._try_until_answered(callback), self._try_until_answered(callback))
            else:
                await self._try_until_answered(callback)
        finally:
            callback.first_over.set()
            callback.over.set()
            if before is not None:
                before.followed.set()

    async def _wait_for_turn(
        self, callback: Callback, before: Callback | None, fault: CallbackFault | None
    ) -> None:
        if before is not None:
            await before.first_over.wait()
        if fault is not None and fault.kind is CallbackFaultKind.DELAY:
            await asyncio.sleep(fault.delay_s)
        if fault is not None and fault.kind is CallbackFaultKind.REORDER:
            callback.first_over.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(self.answer_wait_s):
                    await callback.followed.wait()

    async def _try_until_answered(self, callback: Callback) -> None:
        for number in range(TRIES_MAX):
            if number:
                await self._before_again()
            sealed = letter(self._account, callback.openid, callback.xml, self._clock())
            fault = self.faults.take(callback.openid, TRY_FAULTS)
            if fault is not None:
                done = await self._post_and_drop(sealed, fault.kind)
            else:
                done = await self.post(callback.openid, sealed)
            callback.tries.append(done)
            if done.reply is not None:
                self._shows(callback.openid, done.reply)
            callback.first_over.set()
            if done.outcome in _ENDS:
                break
        if callback.awaited and callback.outcome not in (Outcome.ACCEPTED, Outcome.REPLIED):
            self._shows(callback.openid, None)

    async def _post_and_drop(self, sealed: Letter, kind: CallbackFaultKind) -> Try:
        """Write the request by hand, so that the connection can be closed at exactly that moment."""
        url = urlsplit(self._account.webhook_url)
        head = "".join(
            f"{name}: {value}\r\n"
            for name, value in {**_HEADERS, "Host": url.netloc, "Content-Length": len(sealed.body)}.items()
        )
        path = f"{url.path or '/'}?{urlencode(sealed.query)}"
        try:
            async with asyncio.timeout(self.answer_wait_s):
                reader, writer = await asyncio.open_connection(url.hostname, url.port)
                try:
                    writer.write(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + sealed.body)
                    await writer.drain()
                    if kind is CallbackFaultKind.DROP_ANSWER:
                        await reader.read(1)
                finally:
                    writer.close()
                    with suppress(OSError):
                        await writer.wait_closed()
        except (OSError, TimeoutError):
            return Try(sealed.query, sealed.body, Outcome.UNREACHABLE)
        return Try(sealed.query, sealed.body, Outcome.DROPPED)
