import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from channels.download import Downloads, is_public
from domain.errors import PermanentFailure, SendFailed, TemporaryFailure

LIMIT = 100_000
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Inside:
    """A server on loopback, which no download may reach unless it is trusted; `asked` are the paths it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.base = ""
        self.port = 0


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Inside]:
    inside = Inside()

    async def noted(request: web.Request) -> web.StreamResponse:
        inside.asked.append(request.path)
        return await answer(request)

    app = web.Application()
    app.router.add_get("/{path:.*}", noted)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    inside.port = runner.addresses[0][1]
    inside.base = f"http://127.0.0.1:{inside.port}"
    try:
        yield inside
    finally:
        await runner.cleanup()


async def body(downloads: Downloads, url: str, limit: int = LIMIT) -> bytes:
    async with downloads.open(url, limit) as arriving:
        return b"".join([chunk async for chunk in arriving.chunks])


async def a_file(_request: web.Request) -> web.StreamResponse:
    return web.Response(body=b"a file", content_type="image/png")


class Leads(AbstractResolver):
    """Names lead where a test says, each time it is asked to the next place."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = list(addresses)
        self.asked = 0

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        address = self._addresses[min(self.asked, len(self._addresses) - 1)]
        self.asked += 1
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)]

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "127.1",
        "localhost",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fd00::1]",
        "[fe80::1]",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "224.0.0.1",
    ],
)
async def test_nothing_inside_is_reached_however_its_address_is_written(host: str) -> None:
    async with serving(a_file) as inside:
        with pytest.raises(PermanentFailure) as refused:
            await body(Downloads(), f"http://{host}:{inside.port}/secret")
    assert (refused.value.reason, inside.asked) == ("not-allowed", [])


@pytest.mark.parametrize(
    "address, public",
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("64:ff9b::808:808", True),
        ("64:ff9b::a00:1", False),
        ("::ffff:8.8.8.8", True),
        ("::ffff:10.0.0.1", False),
        ("2002:808:808::1", True),
        ("::127.0.0.1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("240.0.0.1", False),
        ("fe80::1%eth0", False),
        ("no address", False),
    ],
)
def test_an_address_is_public_when_what_it_wraps_is_too(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "fd00::1", "::ffff:127.0.0.1"])
async def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    async with serving(a_file) as inside:
        with pytest.raises(PermanentFailure, match="not-allowed"):
            await body(Downloads(resolver=Leads(address)), f"http://files.example.com:{inside.port}/a")
        assert inside.asked == []


async def test_a_name_is_looked_up_once_and_the_address_that_is_connected_is_the_one_checked() -> None:
    rebinding = Leads("127.0.0.1", "8.8.8.8")
    async with serving(a_file) as inside:
        with pytest.raises(PermanentFailure, match="not-allowed"):
            await body(Downloads(resolver=rebinding), f"http://files.example.com:{inside.port}/a")
        assert (inside.asked, rebinding.asked) == ([], 1)


async def test_a_name_that_leads_elsewhere_after_a_redirect_is_refused() -> None:
    """The name was trusted by nobody: its first answer is public, its second is inside."""

    async def away(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(f"http://rebinding.example.com:{inside.port}/secret")

    async with serving(away) as inside:
        downloads = Downloads(trusted=(inside.base,), resolver=Leads("127.0.0.1"))
        with pytest.raises(PermanentFailure, match="not-allowed"):
            await body(downloads, f"{inside.base}/a")
        assert inside.asked == ["/a"]


@pytest.mark.parametrize(
    "place",
    [
        "http://127.0.0.1:{other}/secret",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{other}/",
        "//[::ffff:127.0.0.1]:{other}/secret",
        "http://name:password@127.0.0.1:{port}/secret",
        "http://[::1",
    ],
)
async def test_a_trusted_provider_cannot_send_us_inside(place: str) -> None:
    async def redirecting(_request: web.Request) -> web.StreamResponse:
        location = place.format(port=inside.port, other=other.port)
        return web.Response(status=302, headers={"Location": location})

    async with serving(redirecting) as inside, serving(a_file) as other:
        with pytest.raises(PermanentFailure, match="not-allowed"):
            await body(Downloads(trusted=(inside.base,)), f"{inside.base}/a")
        assert (inside.asked, other.asked) == (["/a"], [])


@pytest.mark.parametrize("hops, reached", [(3, True), (4, False)])
async def test_three_redirects_are_followed_at_most(hops: int, reached: bool) -> None:
    async def on_and_on(request: web.Request) -> web.StreamResponse:
        left = int(request.path.lstrip("/"))
        if left:
            raise web.HTTPTemporaryRedirect(f"/{left - 1}")
        return await a_file(request)

    async with serving(on_and_on) as inside:
        downloads = Downloads(trusted=(inside.base,))
        if reached:
            assert await body(downloads, f"{inside.base}/{hops}") == b"a file"
        else:
            with pytest.raises(PermanentFailure, match="too-many-redirects"):
                await body(downloads, f"{inside.base}/{hops}")


async def test_a_trusted_origin_is_reached_and_tells_type_and_size() -> None:
    async with (
        serving(a_file) as inside,
        Downloads(trusted=(inside.base,)).open(f"{inside.base}/a", LIMIT) as arriving,
    ):
        assert (arriving.content_type, arriving.size) == ("image/png", 6)
        assert [chunk async for chunk in arriving.chunks] == [b"a file"]


async def test_another_port_of_a_trusted_host_is_not_trusted() -> None:
    async with serving(a_file) as inside, serving(a_file) as other:
        with pytest.raises(PermanentFailure, match="not-allowed"):
            await body(Downloads(trusted=(inside.base,)), f"{other.base}/a")
        assert other.asked == []


async def test_what_says_it_is_too_large_is_refused_before_a_byte_of_it_is_read() -> None:
    async def huge(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(4 * 1024**3)})
        await response.prepare(request)
        return response

    async with serving(huge) as inside:
        with pytest.raises(PermanentFailure, match="too-large"):
            await body(Downloads(trusted=(inside.base,)), f"{inside.base}/a")


async def test_what_never_ends_is_cut_off_at_the_limit() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65_536)

    async with serving(endless) as inside:
        with pytest.raises(PermanentFailure, match="too-large"):
            await body(Downloads(trusted=(inside.base,)), f"{inside.base}/a")


async def test_what_drips_for_ever_is_given_up() -> None:
    async def dripping(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.02)

    async with serving(dripping) as inside:
        with pytest.raises(TemporaryFailure, match="timeout"):
            await body(Downloads(trusted=(inside.base,), total_s=0.2), f"{inside.base}/a")


async def test_a_compressed_body_is_refused_and_never_unpacked() -> None:
    async def bomb(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"\x1f\x8b" + bytes(20), headers={"Content-Encoding": "gzip"})

    async with serving(bomb) as inside:
        with pytest.raises(PermanentFailure, match="encoded"):
            await body(Downloads(trusted=(inside.base,)), f"{inside.base}/a")


@pytest.mark.parametrize(
    "status, failure",
    [
        (404, PermanentFailure("gone")),
        (410, PermanentFailure("gone")),
        (403, PermanentFailure("refused")),
        (206, PermanentFailure("refused")),
        (429, TemporaryFailure("rate-limited")),
        (500, TemporaryFailure("server-error")),
        (503, TemporaryFailure("server-error")),
    ],
)
async def test_every_answer_that_is_no_file_is_one_of_our_failures(status: int, failure: SendFailed) -> None:
    async def answering(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Retry-After": "7"})

    async with serving(answering) as inside:
        with pytest.raises(type(failure)) as told:
            await body(Downloads(trusted=(inside.base,)), f"{inside.base}/a")
    assert told.value.reason == failure.reason
    if status == 429:
        assert isinstance(told.value, TemporaryFailure)
        assert told.value.retry_after_s == 7.0


async def test_a_connection_that_breaks_in_the_middle_is_temporary() -> None:
    async def breaking(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    async with serving(breaking) as inside:
        with pytest.raises(TemporaryFailure, match="connection-lost"):
            await body(Downloads(trusted=(inside.base,)), f"{inside.base}/a")


async def test_nobody_listening_is_temporary_and_the_token_in_the_url_stays_ours() -> None:
    async with serving(a_file) as inside:
        base = inside.base
    with pytest.raises(TemporaryFailure) as told:
        await body(Downloads(trusted=(base,)), f"{base}/bot123:SECRET/a")
    assert told.value.reason == "unreachable"
    assert "SECRET" not in f"{told.value!r} {told.value.__cause__!r}"


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com/a", "file:///etc/passwd", "", "http://", "http://u:p@example.com/", "data:,x", "\0"],
)
async def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(PermanentFailure, match="not-allowed"):
        await body(Downloads(), url)
