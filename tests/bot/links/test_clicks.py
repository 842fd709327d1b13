"""GET /l/TOKEN: a click is noted before its maker is sent on, to the campaign's own address and to no other."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request as Visit

from bot.links import Clicks, ShortLinks, link_route
from bot.texts import Texts
from channels.webchat.texts import preferred
from domain.campaigns.plan import Button, Content
from domain.contacts.events import ContactForgotten
from domain.deliveries.events import Confirmation, DeliveryConfirmed
from domain.dispatch import Request, Result
from domain.errors import Overloaded, StoreUnavailable
from domain.identity import Account, Channel, DeliveryId, Digest, Locale, StreamId
from domain.message import Context, Personal, Recorded
from domain.ports.event_log import Append, EventLog, NewEvent, StreamWrite
from tests.domain.controls import commands
from tests.domain.controls.ids import CONTEXT, SUMMER
from tests.domain.outbound import claim, offer
from tests.domain.shop import Shop, said

DELIVERY = DeliveryId(Digest("0123456789abcdef" * 2))
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
)
IN_WECHAT = f"{PHONE} MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN"
ADDRESSES = ("https://shop.example/text", "https://shop.example/button?a=1&b=茶")


class AwayLog:
    """The shop's log, while nobody reaches it."""

    def read_stream(self, stream: StreamId, after: int = 0) -> Sequence[Recorded]:
        raise StoreUnavailable("away")


@dataclass
class Site:
    """A shop with a campaign of two addresses, sent to one customer, and a visitor without a browser's own ideas."""

    shop: Shop = field(default_factory=Shop)
    refusing: Exception | None = None

    def __post_init__(self) -> None:
        self.links = ShortLinks(b"secret", "https://siyu.example", {})
        contents = [Content(text=f"看 {ADDRESSES[0]}。", buttons=((Button(label="买", url=ADDRESSES[1]),),))]
        draft = replace(commands.DRAFT_CAMPAIGN, contents=Personal(contents))
        self.shop.given(said("你好"), draft, commands.LAUNCH_CAMPAIGN)
        plan = replace(offer(self.shop, DELIVERY), campaign=SUMMER, text=None)
        self.shop.given(plan, claim(self.shop, DELIVERY))
        self.client = self.visitor(self.shop.log)

    def visitor(self, log: EventLog) -> httpx2.AsyncClient:
        clicks = Clicks(self.links, log, self.submit, self.context)
        site = Starlette(routes=[link_route(clicks, Texts("zh").say, spoken)])
        transport = httpx2.ASGITransport(app=site)
        return httpx2.AsyncClient(transport=transport, base_url="http://siyu", headers={"User-Agent": PHONE})

    async def submit(self, request: Request) -> Result:
        if self.refusing is not None:
            raise self.refusing
        (result,) = self.shop.dispatcher.step([request])
        return result

    def context(self, _actor: str) -> Context:
        return CONTEXT

    def path(self, index: int = 0) -> str:
        return f"/l/{self.links.token(DELIVERY, index)}"

    def clicks(self) -> list[DeliveryConfirmed]:
        return self.shop.all_of(DeliveryConfirmed)


def spoken(visit: Visit) -> Locale:
    return next(iter(preferred(visit.headers.get("accept-language"))), Locale("zh"))


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    async with site.client:
        yield site


CLICKED = DeliveryConfirmed(delivery=DELIVERY, how=Confirmation.CLICKED)


async def test_a_click_is_noted_once_and_leads_to_the_campaigns_address(site: Site) -> None:
    await site.client.get(site.path())
    answer = await site.client.get(site.path())
    assert (answer.status_code, answer.headers["location"]) == (302, ADDRESSES[0])
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert site.clicks() == [CLICKED]


async def test_a_buttons_address_is_led_to_as_the_web_writes_it(site: Site) -> None:
    answer = await site.client.get(site.path(1))
    assert answer.headers["location"] == "https://shop.example/button?a=1&b=%E8%8C%B6"


@pytest.mark.parametrize(
    "agent",
    [
        "TelegramBot (like TwitterBot)",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "WhatsApp/2.23.20.0",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
        "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "curl/8.5.0",
        "python-requests/2.32",
        "",
    ],
)
async def test_who_looks_a_link_up_is_led_there_and_is_no_click(site: Site, agent: str) -> None:
    answer = await site.client.get(site.path(), headers={"User-Agent": agent})
    assert (answer.status_code, answer.headers["location"], site.clicks()) == (302, ADDRESSES[0], [])


@pytest.mark.parametrize(
    "agent",
    [
        IN_WECHAT,
        "Mozilla/5.0 (Linux; Android 13; CUBOT NOTE 50) AppleWebKit/537.36 Chrome/124.0 Mobile Safari/537.36",
        "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
    ],
)
async def test_people_click_with_what_they_have(site: Site, agent: str) -> None:
    await site.client.get(site.path(), headers={"User-Agent": agent})
    assert site.clicks() == [CLICKED]


async def test_looking_ahead_is_no_click(site: Site) -> None:
    head = await site.client.head(site.path())
    ahead = await site.client.get(site.path(), headers={"Sec-Purpose": "prefetch;prerender"})
    assert (head.status_code, head.headers["location"], ahead.status_code) == (302, ADDRESSES[0], 302)
    assert site.clicks() == []


@pytest.mark.parametrize(
    "path",
    [
        "/l/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "/l/https:%2F%2Fevil.example",
        "/l/..%2F..%2Fetc%2Fpasswd",
        "/l/%00",
        "/l/茶",
    ],
)
async def test_a_made_up_token_leads_nowhere(site: Site, path: str) -> None:
    answer = await site.client.get(path)
    assert answer.status_code == 404
    assert "location" not in answer.headers


async def test_no_visitor_says_where_a_link_leads(site: Site) -> None:
    """An open redirect is one that can be told its target: ours takes no word of the visitor's."""
    tries = [
        await site.client.get(f"{site.path()}?url=https://evil.example&next=//evil.example"),
        await site.client.get(
            site.path(), headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
        ),
        await site.client.get(site.path(), headers={"Referer": "https://evil.example"}),
    ]
    assert {answer.headers["location"] for answer in tries} == {ADDRESSES[0]}
    for beyond in (2, 255):
        assert (await site.client.get(site.path(beyond))).status_code == 404


async def test_a_token_of_a_delivery_that_is_no_campaigns_leads_nowhere(site: Site) -> None:
    other = DeliveryId("f" * 32)
    site.shop.given(offer(site.shop, other))
    assert (await site.client.get(f"/l/{site.links.token(other, 0)}")).status_code == 404
    assert (await site.client.get(f"/l/{site.links.token(DeliveryId('e' * 32), 0)}")).status_code == 404


@pytest.mark.parametrize("error", [StoreUnavailable("disk full"), Overloaded("full")])
async def test_where_a_click_cannot_be_noted_its_maker_is_sent_on_all_the_same(
    site: Site, error: Exception
) -> None:
    site.refusing = error
    answer = await site.client.get(site.path())
    assert (answer.status_code, answer.headers["location"], site.clicks()) == (302, ADDRESSES[0], [])


async def test_where_the_log_cannot_be_read_the_visitor_is_asked_to_come_again(site: Site) -> None:
    async with site.visitor(cast(EventLog, AwayLog())) as visitor:
        answer = await visitor.get(site.path())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize("language, told", [("zh-CN", "链接无效。"), ("en-GB", "This link leads nowhere.")])
async def test_the_page_of_a_bad_link_speaks_the_visitors_language(
    site: Site, language: str, told: str
) -> None:
    answer = await site.client.get("/l/nothing", headers={"Accept-Language": language})
    assert answer.text.startswith(told)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_whoever_was_forgotten_is_led_on_and_nothing_is_noted(site: Site) -> None:
    contact = site.shop.contact()
    stream = StreamId(f"contact-{contact}")
    version = site.shop.log.read_stream(stream)[-1].version
    forgotten = (NewEvent(ContactForgotten(contact=contact), CONTEXT),)
    site.shop.log.append([Append(writes=(StreamWrite(stream, version, forgotten),))])
    answer = await site.client.get(site.path())
    assert (answer.status_code, answer.headers["location"], site.clicks()) == (302, ADDRESSES[0], [])


async def test_links_are_made_of_the_places_that_clicks_are_read_by(site: Site) -> None:
    made = site.links.links(DELIVERY, Channel("telegram"), Account("42"), ADDRESSES)
    for address, link in made.items():
        answer = await site.client.get(link.removeprefix("https://siyu.example"))
        assert httpx2.URL(answer.headers["location"]) == httpx2.URL(address)
