"""Calls of WeChat's API over HTTP: with a token, within a deadline, with every error as one of ours.

The access token is part of the address, and the AppSecret of a body: neither is in any error, and no redirect is followed with them.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final

import aiohttp

from channels.wechat import health as states
from channels.wechat.errors import (
    ACCOUNT_FROZEN,
    MISCONFIGURED_RETRY_S,
    NOT_AUTHORISED,
    NOT_LISTED,
    SECRET_WRONG,
    TOKEN_REFUSED,
    VENDOR_ERRORS,
    failure_of,
    refusal_of,
    status_failure,
)
from channels.wechat.health import Health
from channels.wechat.settings import Settings
from channels.wechat.token import AccessToken, Issued
from domain.errors import OutcomeUnknown, SendFailed, TemporaryFailure

CONNECT_TIMEOUT_S: Final = 10.0
"""Within the whole deadline, so that a connection that never came about is told from an answer that never came."""
KEPT_ALIVE_S: Final = 5.0
"""Shorter than servers do it: a connection that ends just as it is used again would leave a message of which nobody can tell."""
CONNECTIONS_MAX: Final = 100
ANSWER_BYTES_MAX: Final = 8 * 1024 * 1024
"""The longest, 10,000 openids, is 0.4 MiB."""

_ADDRESS: Final = re.compile(r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b")

Json = dict[str, Any]
Post = Callable[[], Mapping[str, Any]]
"""What aiohttp's request is given for a body: made anew for each try, since a stream can be read once."""


class Calls:
    """One account's connections, token and health. ``deadline_s``: for a call, a second try and its tokens included."""

    def __init__(
        self,
        settings: Settings,
        health: Health,
        deadline_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self.health, self._deadline_s = settings, health, deadline_s
        self.token = AccessToken(self._fetch_token, clock)
        self._opened: aiohttp.ClientSession | None = None

    @property
    def base(self) -> str:
        """Before ``/cgi-bin/``."""
        return self._settings.api_base

    def ends_at(self) -> float:
        """When a call that begins now has to be over, by the loop's clock."""
        return asyncio.get_running_loop().time() + self._deadline_s

    async def get(
        self, api: str, query: Mapping[str, str] | None = None, *, but: Collection[int] = ()
    ) -> Json:
        """Return what a GET is answered. ``but``: errcodes that are no failure. Raises what is under SendFailed."""
        return await self._call("GET", api, query or {}, dict, but, self.ends_at())

    async def post(
        self, api: str, body: Json, *, but: Collection[int] = (), ends_at: float | None = None
    ) -> Json:
        """Return what a POST of JSON is answered; as ``get``."""
        # WeChat shows what is escaped as it is written.
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        return await self._call(
            "POST", api, {}, lambda: {"data": text, "headers": headers}, but, ends_at or self.ends_at()
        )

    async def upload(self, api: str, query: Mapping[str, str], post: Post, ends_at: float) -> Json:
        """Return what a POST of a file is answered; as ``get``."""
        return await self._call("POST", api, query, post, (), ends_at)

    @asynccontextmanager
    async def opened(
        self, api: str, query: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse | Json]:
        """Yield an answer that is a file, its body unread, or what WeChat says instead. Raises as ``get``; the body VENDOR_ERRORS."""
        token = await self._token(self.ends_at())
        for last in (False, True):
            async with self._request("GET", api, {**query, "access_token": token}, {}, self.ends_at()) as got:
                if _is_file(got):
                    self._went_well(api)
                    yield got
                    return
                answer = await _answer_of(got)
                if last or _code_of(answer) not in TOKEN_REFUSED:
                    self._judge(api, answer, ())
                    yield answer
                    return
            token = await self._instead_of(token, self.ends_at())

    async def close(self) -> None:
        """Close the connections."""
        await self.token.close()
        if self._opened is not None:
            await self._opened.close()

    async def _call(
        self,
        verb: str,
        api: str,
        query: Mapping[str, str],
        post: Post,
        but: Collection[int],
        ends_at: float,
    ) -> Json:
        token = await self._token(ends_at)
        answer = await self._asked(verb, api, {**query, "access_token": token}, post(), ends_at)
        if _code_of(answer) in TOKEN_REFUSED:
            token = await self._instead_of(token, ends_at)
            answer = await self._asked(verb, api, {**query, "access_token": token}, post(), ends_at)
        self._judge(api, answer, but)
        return answer

    def _judge(self, api: str, answer: Json, but: Collection[int]) -> None:
        """Take in what an answer tells of the account. Raises what a refusal means."""
        code = _code_of(answer)
        if code == 0 or code in but:
            self._went_well(api)
            return
        if code in TOKEN_REFUSED:
            self.health.is_now(states.TOKEN_REFUSED)
        elif code in NOT_LISTED:
            self.health.is_now(states.ADDRESS_NOT_LISTED, _address_in(answer))
        elif code in ACCOUNT_FROZEN:
            self.health.is_now(states.ACCOUNT_FROZEN)
        elif code in NOT_AUTHORISED:
            self.health.not_authorised(api)
        raise refusal_of(code)

    def _went_well(self, api: str) -> None:
        self.token.worked()
        self.health.well(api)

    # --- the token ------------------------------------------------------------------------------------------------

    async def _token(self, ends_at: float) -> str:
        return await self._before(ends_at, self.token.get())

    async def _instead_of(self, refused: str, ends_at: float) -> str:
        try:
            return await self._before(ends_at, self.token.instead_of(refused))
        except TemporaryFailure as failure:
            if failure.reason == states.TOKEN_REFUSED:
                self.health.is_now(states.TOKEN_REFUSED)
            raise

    async def _before(self, ends_at: float, token: Awaitable[str]) -> str:
        """Raises TemporaryFailure in any case: what waits for a token was not sent."""
        try:
            async with asyncio.timeout_at(ends_at):
                return await token
        except TimeoutError:
            raise TemporaryFailure("token-timeout") from None

    async def _fetch_token(self, force: bool) -> Issued:  # noqa: FBT001 - see channels.wechat.token.Fetch
        body = {
            "grant_type": "client_credential",
            "appid": self._settings.app_id,
            "secret": self._settings.app_secret.get_secret_value(),
            "force_refresh": force,
        }
        try:
            answer = await self._asked("POST", "stable_token", {}, {"json": body}, self.ends_at())
        except TemporaryFailure:
            raise
        except SendFailed as failure:
            raise TemporaryFailure(failure.reason) from None
        if code := _code_of(answer):
            raise self._no_token(code, answer)
        value, lives_s = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(value, str) or not value or not isinstance(lives_s, int):
            raise TemporaryFailure("garbage")
        return Issued(value, float(lives_s))

    def _no_token(self, code: int, answer: Json) -> TemporaryFailure:
        if code in SECRET_WRONG:
            self.health.is_now(states.SECRET_WRONG)
            return TemporaryFailure("secret-wrong", retry_after_s=MISCONFIGURED_RETRY_S, whole_account=True)
        if code in NOT_LISTED:
            self.health.is_now(states.ADDRESS_NOT_LISTED, _address_in(answer))
        elif code in ACCOUNT_FROZEN:
            self.health.is_now(states.ACCOUNT_FROZEN)
        refusal = refusal_of(code)
        if isinstance(refusal, TemporaryFailure):
            return refusal
        return TemporaryFailure(refusal.reason, retry_after_s=MISCONFIGURED_RETRY_S, whole_account=True)

    # --- HTTP -----------------------------------------------------------------------------------------------------

    async def _asked(
        self, verb: str, api: str, query: Mapping[str, str], post: Mapping[str, Any], ends_at: float
    ) -> Json:
        async with self._request(verb, api, query, post, ends_at) as response:
            return await _answer_of(response)

    @asynccontextmanager
    async def _request(
        self, verb: str, api: str, query: Mapping[str, str], post: Mapping[str, Any], ends_at: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        left = max(ends_at - asyncio.get_running_loop().time(), 0.001)
        # aiohttp rounds a time-out beyond its threshold up to a full second.
        deadline = aiohttp.ClientTimeout(total=left, connect=CONNECT_TIMEOUT_S, ceil_threshold=left)
        try:
            response = await self._session.request(
                verb,
                f"{self.base}/cgi-bin/{api}",
                params=query,
                timeout=deadline,
                allow_redirects=False,
                **post,
            )
        except VENDOR_ERRORS as error:
            raise failure_of(error) from None
        async with response:
            if response.status != HTTPStatus.OK:
                raise status_failure(response.status)
            yield response

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=KEPT_ALIVE_S)
            self._opened = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._opened


def _is_file(response: aiohttp.ClientResponse) -> bool:
    """Whether an answer is a file: errors, and where a video is, come as JSON or plain text."""
    told = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return told not in ("application/json", "text/plain", "text/json", "text/html", "")


async def _answer_of(response: aiohttp.ClientResponse) -> Json:
    """Return the JSON object of an answer. Raises OutcomeUnknown."""
    body = bytearray()
    try:
        async for chunk in response.content.iter_chunked(64 * 1024):
            body += chunk
            if len(body) > ANSWER_BYTES_MAX:
                raise OutcomeUnknown("garbage")
        answer = json.loads(bytes(body))
    except VENDOR_ERRORS as error:
        raise failure_of(error) from None
    except (ValueError, RecursionError):
        raise OutcomeUnknown("garbage") from None
    if not isinstance(answer, dict) or not isinstance(answer.get("errcode", 0), int):
        raise OutcomeUnknown("garbage")
    return answer


def _code_of(answer: Json) -> int:
    return int(answer.get("errcode", 0))


def _address_in(answer: Json) -> str:
    """Return our own address out of what 40164 says ("invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist")."""
    found = _ADDRESS.search(str(answer.get("errmsg", "")))
    return found[0] if found else ""
