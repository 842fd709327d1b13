"""``GET /l/TOKEN``: notes that somebody followed a link, durably, and sends them on to the campaign's own address."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.requests import Request as Visit
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.links.tokens import PATH, ShortLinks
from domain.campaigns.campaign import OPEN, campaigns
from domain.campaigns.plan import addresses
from domain.contacts.contact import contacts
from domain.deliveries.commands import ConfirmDelivery
from domain.deliveries.delivery import deliveries
from domain.deliveries.events import Confirmation, DeliveryPlanned
from domain.dispatch import Done, Request, Result, fold
from domain.errors import Overloaded, StoreUnavailable, UnknownEvent
from domain.identity import CampaignId, DeliveryId, Locale, stream
from domain.message import Context
from domain.ports.event_log import EventLog

NOTED_WITHIN_S: Final = 3.0
"""Whoever clicked is not kept waiting longer by a slow store."""
CAMPAIGNS_KEPT: Final = 128
HEADERS: Final = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
_BROWSER: Final = re.compile(r"(?:Mozilla|Opera)/\d")
_PROGRAM: Final = re.compile(
    r"(?<!cu)bot\b|(?<!cu)bot[/ _-]|crawl|spider|slurp|preview|externalhit|externalagent|whatsapp|vkshare|embedly|skypeuri"
    r"|headless|scanner|validator|monitor|lighthouse",
    re.IGNORECASE,
)
"""Those who look a link up before anybody taps it: Telegram, WhatsApp, Facebook and search engines say so in their names. A CUBOT is a
phone. What calls itself a browser and is none counts as a person: nobody can tell."""

log_ = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a link leads. ``counts``: whether a click is noted; not of somebody who was forgotten."""

    delivery: DeliveryId
    address: str
    counts: bool


class Clicks:
    """Finds where links lead, and notes clicks."""

    def __init__(
        self,
        links: ShortLinks,
        log: EventLog,
        submit: Callable[[Request], Awaitable[Result]],
        context: Callable[[str], Context],
    ) -> None:
        """``submit``: has a request decided and made durable. ``context``: of what somebody brings about now."""
        self._links, self._log, self._submit, self._context = links, log, submit, context
        self._addresses: OrderedDict[CampaignId, tuple[str, ...]] = OrderedDict()

    def target(self, token: str) -> Target | None:
        """Return where a link leads, None for one that is not ours. Reads the log. Raises StoreUnavailable, UnknownEvent."""
        read = self._links.read(token)
        if read is None:
            return None
        delivery, index = read
        recorded = self._log.read_stream(stream(deliveries.category, delivery))
        planned = recorded[0].event if recorded else None
        if not isinstance(planned, DeliveryPlanned) or planned.campaign is None:
            return None
        known = self._of_campaign(planned.campaign)
        if index >= len(known):
            return None
        return Target(delivery, known[index], counts=not self._is_forgotten(planned))

    def _of_campaign(self, campaign: CampaignId) -> tuple[str, ...]:
        known = self._addresses.get(campaign)
        if known is None:
            state = fold(campaigns, self._log.read_stream(stream(campaigns.category, campaign)))
            contents = [] if state.drafted is None else state.drafted.contents.value
            known = addresses(contents)
            if state.stage not in OPEN:  # it cannot be corrected any more
                self._addresses[campaign] = known
                if len(self._addresses) > CAMPAIGNS_KEPT:
                    self._addresses.popitem(last=False)
        return known

    def _is_forgotten(self, planned: DeliveryPlanned) -> bool:
        if planned.contact is None:
            return False
        return fold(contacts, self._log.read_stream(stream(contacts.category, planned.contact))).forgotten

    async def note(self, delivery: DeliveryId) -> None:
        """Note that somebody followed a link of this delivery. Where that is not possible now it is logged, and no reason to stay here."""
        clicked = ConfirmDelivery(delivery=delivery, how=Confirmation.CLICKED)
        try:
            async with asyncio.timeout(NOTED_WITHIN_S):
                result = await self._submit(Request(self._context("customer"), (clicked,)))
        except (StoreUnavailable, Overloaded, TimeoutError) as error:
            log_.warning("click.not_noted", delivery=delivery, error=type(error).__name__)
            return
        if not isinstance(result, Done):
            log_.warning("click.not_noted", delivery=delivery, error=type(result.error).__name__)


def link_route(
    clicks: Clicks, say: Callable[[str, Locale | None], str], language: Callable[[Visit], Locale]
) -> Route:
    """Return ``GET /l/TOKEN``. HEAD leads there too, and notes nothing. ``language``: the visitor's, for the page of a bad link."""

    async def follow(visit: Visit) -> Response:
        try:
            target = await asyncio.to_thread(clicks.target, visit.path_params["token"])
        except (StoreUnavailable, UnknownEvent) as error:
            log_.warning("link.not_read", error=type(error).__name__)
            told = say("This page is away for a moment: please try again.", language(visit))
            return _page(told, 503)
        if target is None:
            told = say("This link leads nowhere. Please open it again from the message.", language(visit))
            return _page(told, 404)
        if target.counts and is_person(visit):
            await clicks.note(target.delivery)
        return RedirectResponse(target.address, 302, headers=HEADERS)

    return Route(f"{PATH}{{token}}", follow, methods=["GET"])


def is_person(visit: Visit) -> bool:
    """Whether somebody follows a link, rather than a program that looks at it beforehand, as far as it says so."""
    agent = visit.headers.get("user-agent", "")
    purposes = (visit.headers.get(name, "") for name in ("purpose", "sec-purpose", "x-purpose", "x-moz"))
    ahead = any("prefetch" in purpose or "preview" in purpose for purpose in purposes)
    known = _BROWSER.match(agent) is not None and _PROGRAM.search(agent) is None
    return visit.method == "GET" and known and not ahead


def _page(text: str, status: int) -> Response:
    headers = {**HEADERS, "Content-Security-Policy": "default-src 'none'; sandbox", "Vary": "Accept-Language"}
    retry = {"Retry-After": "5"} if status == 503 else {}  # noqa: PLR2004  # HTTP's
    return PlainTextResponse(f"{text}\n", status, headers={**headers, **retry})
