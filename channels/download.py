"""Downloads that others named: streamed, capped, and never from inside our own network.

An address is checked when its socket is made, after every name was resolved: a filter of names or a resolver of ours would be passed by
literals, by odd spellings of numbers, and by a name that leads elsewhere the second time (shared/design/findings.md, "Security").
Whatever goes wrong is told by a slug: a URL may hold a token.
"""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from domain.errors import PermanentFailure, SendFailed, TemporaryFailure

MAX_REDIRECTS: Final = 3
TOTAL_S: Final = 60.0
"""From the first look-up of a name to the last byte, redirects included."""
CONNECT_S: Final = 10.0
CHUNK_BYTES: Final = 64 * 1024
AWAY_RETRY_S: Final = 5.0

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address, whatever that may be."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})
_MOVED: Final = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)


@dataclass(frozen=True, slots=True)
class Arriving:
    """An answer whose body has not been read. ``content_type``: what the server says it is, in lower case; empty where it says nothing.

    ``size``: in bytes, as the server says; None where it does not. ``chunks``: the body, once. It raises PermanentFailure("too-large")
    beyond the limit, TemporaryFailure where the connection or the time ends.
    """

    content_type: str
    size: int | None
    chunks: AsyncIterator[bytes]


class Downloads:
    """Opens URLs. Only http and https, only addresses of the public Internet, except at a ``trusted`` origin."""

    def __init__(
        self,
        *,
        trusted: tuple[str, ...] = (),
        total_s: float = TOTAL_S,
        resolver: AbstractResolver | None = None,
    ) -> None:
        """``trusted``: roots such as the API_BASE of a channel's settings; scheme, host and port of each count, its path does not."""
        self._trusted = frozenset(_origin(URL(root)) for root in trusted)
        self._total_s, self._resolver = total_s, resolver

    @asynccontextmanager
    async def open(self, url: str, limit_bytes: int) -> AsyncIterator[Arriving]:
        """Ask for a URL, following at most MAX_REDIRECTS, each checked as the first.

        Raises PermanentFailure: ``not-allowed`` (where it leads, or how it is written), ``too-large``, ``gone``, ``refused``,
        ``too-many-redirects``, ``encoded``; TemporaryFailure: ``unreachable``, ``timeout``, ``connection-lost``, ``rate-limited``,
        ``server-error``.
        """
        ends = asyncio.get_running_loop().time() + self._total_s
        place = _checked(url)
        for _ in range(1 + MAX_REDIRECTS):
            guard = Guard(open_to_all=_origin(place) in self._trusted)
            async with self._session(guard, ends) as session:
                try:
                    response = await session.get(place, allow_redirects=False)
                except (aiohttp.ClientError, OSError, ValueError) as error:
                    raise failure(error, refused=guard.refused) from None
                async with response:
                    moved = _location(response, place)
                    if moved is None:
                        yield arriving(response, limit_bytes)
                        return
                    place = moved
        raise PermanentFailure("too-many-redirects")

    def _session(self, guard: "Guard", ends: float) -> aiohttp.ClientSession:
        left = max(ends - asyncio.get_running_loop().time(), 0.001)
        # aiohttp rounds a time-out beyond its threshold up to a full second.
        timeout = aiohttp.ClientTimeout(total=left, connect=CONNECT_S, ceil_threshold=left)
        return aiohttp.ClientSession(
            connector=guard.connector(self._resolver),
            connector_owner=True,
            timeout=timeout,
            auto_decompress=False,  # a small body must not become a large one
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity"},
        )


class Guard:
    """Makes the sockets of one request, to public addresses only unless ``open_to_all``."""

    def __init__(self, *, open_to_all: bool) -> None:
        self._open_to_all, self.refused = open_to_all, False

    def connector(self, resolver: AbstractResolver | None = None) -> aiohttp.TCPConnector:
        """Return what makes no connection but through here; names are looked up anew for each. ``resolver``: the system's where none."""
        return aiohttp.TCPConnector(
            socket_factory=self.socket, resolver=resolver, force_close=True, use_dns_cache=False
        )

    def socket(self, place: tuple[int, int, int, str, tuple[object, ...]]) -> socket.socket:
        """See aiohttp's ``socket_factory``. What it raises ends the try of this one address."""
        family, kind, protocol, _, address = place
        if not self._open_to_all and not is_public(str(address[0])):
            self.refused = True
            raise OSError("this address is not public")
        return socket.socket(family, kind, protocol)


def is_public(address: str) -> bool:
    """Whether an IP address lies in the public Internet, and whatever it wraps (mapped, 6to4, Teredo, NAT64) as well."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(map(_is_plainly_public, (parsed, *_wrapped(parsed))))


def _is_plainly_public(address: _Address) -> bool:
    wraps = isinstance(address, ipaddress.IPv6Address) and (
        address.ipv4_mapped or address.sixtofour or address in _NAT64
    )
    if wraps:
        return True  # what it wraps is judged; of 6to4, Python 3.13 says no more that it is global
    local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not (address.is_multicast or address.is_reserved or local)


def _wrapped(address: _Address) -> tuple[_Address, ...]:
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    nat64 = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
    teredo = address.teredo or ()
    return tuple(a for a in (address.ipv4_mapped, address.sixtofour, nat64, *teredo) if a is not None)


def _origin(url: URL) -> tuple[str, str, int]:
    return url.scheme, url.raw_host or "", url.explicit_port or _DEFAULT_PORTS.get(url.scheme, 0)


def _checked(url: str) -> URL:
    """Return a URL we would ask for. Raises PermanentFailure."""
    try:
        parsed = URL(url)
    except (ValueError, TypeError):
        raise PermanentFailure("not-allowed") from None
    # Somebody else's name and password are nothing for us to send.
    if parsed.scheme not in _DEFAULT_PORTS or not parsed.raw_host or parsed.user or parsed.password:
        raise PermanentFailure("not-allowed")
    return parsed


def _location(response: aiohttp.ClientResponse, place: URL) -> URL | None:
    """Return where an answer sends us on, None where it does not. Raises PermanentFailure."""
    if response.status not in _MOVED:
        return None
    try:
        return _checked(str(place.join(URL(response.headers.get("Location", "")))))
    except ValueError:
        raise PermanentFailure("not-allowed") from None


def _seconds(told: str) -> float:
    return float(told) if told.isascii() and told.isdigit() else AWAY_RETRY_S


def arriving(response: aiohttp.ClientResponse, limit_bytes: int) -> Arriving:
    """Return the file that an answer is, ``limit_bytes`` of it at most. Raises SendFailed, as ``Downloads.open``, for any other answer."""
    status = response.status
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        raise PermanentFailure("gone")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise TemporaryFailure(
            "rate-limited", retry_after_s=_seconds(response.headers.get("Retry-After", ""))
        )
    if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise TemporaryFailure("server-error", retry_after_s=AWAY_RETRY_S)
    if status != HTTPStatus.OK:
        raise PermanentFailure("refused")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise PermanentFailure("encoded")
    size = response.content_length
    if size is not None and size > limit_bytes:
        raise PermanentFailure("too-large")
    told = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Arriving(told, size, _chunks(response, limit_bytes))


async def _chunks(response: aiohttp.ClientResponse, limit_bytes: int) -> AsyncIterator[bytes]:
    taken = 0
    try:
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            taken += len(chunk)
            if taken > limit_bytes:
                raise PermanentFailure("too-large")
            yield chunk
    except (aiohttp.ClientError, OSError) as error:
        raise failure(error) from None


def failure(error: Exception, *, refused: bool = False) -> SendFailed:
    """Return what an error of aiohttp is, by a slug. ``refused``: the guard allowed no socket."""
    match error:
        case _ if refused:
            return PermanentFailure("not-allowed")
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError() | ValueError():
            return PermanentFailure("not-allowed")
        case aiohttp.ClientConnectorError() | socket.gaierror():
            return TemporaryFailure("unreachable", retry_after_s=AWAY_RETRY_S)
        case TimeoutError():
            return TemporaryFailure("timeout", retry_after_s=AWAY_RETRY_S)
        case _:
            return TemporaryFailure("connection-lost", retry_after_s=AWAY_RETRY_S)
