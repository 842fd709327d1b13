import html
import json
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.texts import Texts
from channels.webchat import texts
from channels.webchat.page import STATIC
from channels.webchat.visitor import is_token
from tests.channels.house import DEADLINE_S
from tests.channels.webchat.house import House, Server

TOKEN = "T" * 43


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=DEADLINE_S)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


async def test_the_page_is_strict_about_what_a_browser_may_do_with_it(
    server: Server, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{server.url}/chat") as response:
        headers = response.headers
    assert response.status == 200
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


async def test_who_may_embed_the_page_is_a_setting(house: House, http: aiohttp.ClientSession) -> None:
    embedding = {"frame_ancestors": "https://shop.example"}
    async with Server(house, settings=embedding) as server, http.get(f"{server.url}/chat") as response:
        assert "frame-ancestors https://shop.example;" in response.headers["Content-Security-Policy"]


async def test_a_new_browser_gets_a_token_in_a_cookie_that_scripts_and_other_sites_cannot_use(
    server: Server, http: aiohttp.ClientSession
) -> None:
    tokens = set()
    for _ in range(2):
        async with http.get(f"{server.url}/chat") as response:
            cookie = response.cookies["siyu_visitor"]
        tokens.add(cookie.value)
        assert is_token(cookie.value)
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/chat")
        assert cookie["secure"] == ""
    assert len(tokens) == 2


async def test_a_known_browser_keeps_its_token_and_a_bad_one_is_replaced(
    server: Server, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{server.url}/chat", headers={"Cookie": f"siyu_visitor={TOKEN}"}) as response:
        assert response.cookies["siyu_visitor"].value == TOKEN
    async with http.get(f"{server.url}/chat", headers={"Cookie": "siyu_visitor=guess"}) as response:
        assert is_token(response.cookies["siyu_visitor"].value)


async def test_a_link_from_another_site_does_not_overwrite_the_cookie_that_the_browser_kept_back(
    server: Server, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{server.url}/chat", headers={"Sec-Fetch-Site": "cross-site"}) as response:
        assert "Set-Cookie" not in response.headers
        assert 'data-ask-again="yes"' in await response.text()
    async with http.get(f"{server.url}/chat", headers={"Sec-Fetch-Site": "same-origin"}) as response:
        assert is_token(response.cookies["siyu_visitor"].value)
        assert 'data-ask-again="no"' in await response.text()


async def test_the_cookie_is_secure_at_the_public_https_address_only(
    house: House, http: aiohttp.ClientSession
) -> None:
    async with Server(house, desk=house.desk(public_url="https://chat.example")) as server:
        async with http.get(f"{server.url}/chat", headers={"Host": "chat.example"}) as response:
            assert response.cookies["siyu_visitor"]["secure"] is True
        async with http.get(f"{server.url}/chat") as response:
            assert response.cookies["siyu_visitor"]["secure"] == ""


@pytest.mark.parametrize(
    "accept,lang,key", [("zh-CN,zh;q=0.9", "zh-CN", "zh"), ("en-US", "en", "en"), ("fr", "en", "en")]
)
async def test_the_page_speaks_the_browsers_language(
    server: Server, http: aiohttp.ClientSession, accept: str, lang: str, key: str
) -> None:
    async with http.get(f"{server.url}/chat", headers={"Accept-Language": accept}) as response:
        text = await response.text()
    assert f'<html lang="{lang}">' in text
    attribute = re.search(r'data-texts="([^"]*)"', text)
    assert attribute is not None
    words = json.loads(html.unescape(attribute[1]))
    spoken = {name: Texts(key).say(word) for name, word in texts.PAGE.items()}
    assert words == {name: word.replace("{brand}", "Tea & Co") for name, word in spoken.items()}


async def test_a_brand_with_markup_in_its_name_is_only_text(
    house: House, http: aiohttp.ClientSession
) -> None:
    async with (
        Server(house, desk=house.desk(brand='"><script>alert(1)</script>$lang')) as server,
        http.get(f"{server.url}/chat") as response,
    ):
        text = await response.text()
    assert "<script>" not in text
    assert "<h1>&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;$lang</h1>" in text


async def test_every_file_that_the_page_names_is_served_with_its_type(
    server: Server, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{server.url}/chat") as response:
        named = re.findall(r'(?:href|src)="([^"]+)"', await response.text())
    served = {}
    for path in named:
        async with http.get(f"{server.url}/{path}") as response:
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            served[path] = (response.status, response.headers["Content-Type"])
    assert served == {
        "chat/static/icon.svg": (200, "image/svg+xml"),
        "chat/static/chat.css": (200, "text/css; charset=utf-8"),
        "chat/static/chat.js": (200, "text/javascript; charset=utf-8"),
    }


@pytest.mark.parametrize("name", ["chat.html", "..%2Fadapter.py", "nothing.js"])
async def test_nothing_else_is_served(server: Server, http: aiohttp.ClientSession, name: str) -> None:
    async with http.get(f"{server.url}/chat/static/{name}") as response:
        assert response.status == 404


async def test_an_unchanged_file_is_not_sent_again(server: Server, http: aiohttp.ClientSession) -> None:
    address = f"{server.url}/chat/static/chat.js"
    async with http.get(address) as response:
        etag = response.headers["ETag"]
        assert await response.read() == (STATIC / "chat.js").read_bytes()
    async with http.get(address, headers={"If-None-Match": etag}) as response:
        assert (response.status, await response.read()) == (304, b"")


async def test_a_second_account_has_its_own_address(house: House, http: aiohttp.ClientSession) -> None:
    async with Server(house, name="vip") as server:
        async with http.get(f"{server.url}/chat/vip") as response:
            assert 'src="vip/static/chat.js"' in await response.text()
        async with http.get(f"{server.url}/chat/vip/static/chat.js") as response:
            assert response.status == 200


def test_no_script_of_the_page_parses_html_or_runs_text() -> None:
    dangerous = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc|\beval\(|new Function|setHTML"
    )
    scripts = {path.name: path.read_text(encoding="utf-8") for path in STATIC.glob("*.js")}
    assert set(scripts) == {"chat.js", "line.js", "outbox.js", "thread.js"}
    assert {name: dangerous.findall(text) for name, text in scripts.items()} == {name: [] for name in scripts}


def test_the_template_has_no_inline_script_or_style() -> None:
    template = (STATIC / "chat.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)", template) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", template) == []


def test_every_text_of_the_page_is_used_by_it() -> None:
    scripts = "".join(path.read_text(encoding="utf-8") for path in STATIC.glob("*.js"))
    template = (STATIC / "chat.html").read_text(encoding="utf-8")
    used = set(re.findall(r"texts\.(\w+)", scripts)) | set(re.findall(r"\$(\w+)", template))
    assert set(texts.PAGE) - used == set()
    assert set(re.findall(r"texts\.(\w+)", scripts)) - set(texts.PAGE) == set()
