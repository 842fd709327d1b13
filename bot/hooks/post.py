"""One request to a hook's address: never into our own network unless its owner says so, never on to where an answer points."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver

from bot.hooks.settings import HookSettings
from channels.download import Guard, failure
from domain.errors import PermanentFailure, TemporaryFailure

TIMEOUT_S: Final = 10.0
GONE: Final = "gone"


class Post:
    """Sends to one hook."""

    def __init__(
        self, hook: HookSettings, *, timeout_s: float = TIMEOUT_S, resolver: AbstractResolver | None = None
    ) -> None:
        """``timeout_s``: from the look-up of the name to the head of the answer; of its body nothing is read."""
        self._hook, self._resolver = hook, resolver
        # aiohttp rounds a time-out beyond its threshold up to a full second.
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, ceil_threshold=timeout_s)

    async def deliver(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Return when it was accepted (2xx).

        Raises PermanentFailure: ``gone`` (410), ``not-allowed`` (where it leads); TemporaryFailure: ``unreachable``, ``timeout``,
        ``connection-lost``, ``redirected``, and ``status-500`` or whatever else was answered.
        """
        guard = Guard(open_to_all=self._hook.private)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=guard.connector(self._resolver),
                    timeout=self._timeout,
                    auto_decompress=False,
                    cookie_jar=aiohttp.DummyCookieJar(),
                ) as session,
                session.post(self._hook.url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                _judge(response)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            found = failure(error, refused=guard.refused)
            raise type(found)(found.reason) from None  # when to try again is the hook's, not a download's


def _judge(response: aiohttp.ClientResponse) -> None:
    status = response.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if status == HTTPStatus.GONE:
        raise PermanentFailure(GONE)
    told = response.headers.get("Retry-After", "")
    after_s = float(told) if told.isascii() and told.isdigit() else 0.0
    moved = status < HTTPStatus.BAD_REQUEST
    raise TemporaryFailure("redirected" if moved else f"status-{status}", retry_after_s=after_s)
