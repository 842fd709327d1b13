"""The plan of a campaign: by which way each is reached now, by the policies that the gate asks, and who by none."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.campaigns.outreach import Way
from channels.wechat.limits import AFTER_MESSAGE, SERVICE_ROUTES, SUBSCRIPTION_ROUTES
from domain.conversations.commands import Act, Content, Message, Reachability, Receive, Sender
from domain.customers.commands import DescribeCustomer, GrantConsent, MergeCustomers
from domain.customers.events import MARKETING, ConsentSource
from domain.deliveries.events import DeliveryClass, DeliveryPostponed, DeliveryStarted, DeliverySuppressed
from domain.dispatch import Done
from domain.gate import ClaimDelivery
from domain.identity import Locale, ProviderMessageId, Slug, ZoneName
from domain.message import Personal, Recorded, Route
from domain.policies.frequency_cap import FrequencyCap
from domain.policies.routes import Offer
from domain.ports.audience import Whom
from tests.bot.commands.shop import CONTROLS, Shop
from tests.projections.house import BOT, TELEGRAM

SIGNS_UP = Act(
    action=Slug("chose-subscription"), data={"choices": [{"template": "shipped", "choice": "accept"}]}
)
TEXTS = "{text: 夏茶上新, subscription: {id: shipped, fields: {thing1: 夏茶到店}}}"
MASS = Offer(Slug("mass"), of=Slug("mass-2026-11"), allowed=4)


def does(shop: Shop, who: str, content: Content | None = None) -> None:
    """Let somebody write to an account that has reply windows, or do something there."""
    shop.now += timedelta(seconds=1)
    message = Message(text="hello", provider_message=ProviderMessageId(f"{who}-{shop.now}"))
    received = Receive(
        channel=TELEGRAM,
        account=BOT,
        key=f"{who}-{shop.now}",
        occurred_at=shop.now,
        content=content or message,
        sender=Sender(external_id=who, name=who.title()),
        opens=AFTER_MESSAGE if content is None else None,
    )
    shop.do(received, actor="customer")


def got_by_mass(shop: Shop, who: str, messages: int) -> None:
    for number in range(messages):
        delivery = shop.plans(who, kind=DeliveryClass.MARKETING, occasion=Slug(f"m{number}"))
        shop.do(
            ClaimDelivery(
                delivery=delivery,
                worker=Slug("w"),
                until=shop.now,
                controls=replace(CONTROLS, cap=FrequencyCap(0, 0)),
                offers=(MASS,),
            )
        )


@pytest.fixture
def account(shop: Shop) -> Shop:
    """An Official Account: Ann is inside the window, Bob signed up once, Cy and Di wrote long ago, Ed had his four of the month."""
    return with_routes(shop, SERVICE_ROUTES)


def with_routes(shop: Shop, routes: Sequence[Route]) -> Shop:
    for who in ("ann", "bob", "cy", "di", "ed"):
        does(shop, who)
    got_by_mass(shop, "ed", 4)
    shop.now += timedelta(days=3)
    does(shop, "ann")
    does(shop, "bob", SIGNS_UP)
    uncapped = replace(CONTROLS, cap=FrequencyCap(0, 0))
    shop.office = replace(shop.office, controls=uncapped)
    shop.office.outreach.ways.read = lambda: [Way(TELEGRAM, BOT, 10.0, tuple(routes))]
    return shop


def plan(shop: Shop, content: str = TEXTS, **further: str) -> tuple[list[str], dict[str, object]]:
    """Return the plan's lines, and its row."""
    form = {"name": "summer", "audience": "{all: true}", "when": "now", "canary": "false", "content": content}
    text = "\n".join(f"{key}: {value}" for key, value in (form | further).items())
    drafted = shop.orders(f"/campaign draft {text}")
    assert drafted.rows, drafted.text
    reply = shop.asks(f"/campaign plan {drafted.rows[0]['campaign']}")
    return reply.text.splitlines(), dict(reply.rows[0])


def ways(row: dict[str, object]) -> dict[str | None, int]:
    found = row["ways"]
    assert isinstance(found, list)
    return {one["route"]: one["people"] for one in found}


def test_each_is_counted_by_the_way_that_would_be_taken_now(account: Shop) -> None:
    lines, row = plan(account)
    assert ways(row) == {"service": 1, "subscribe": 1, "mass": 2}
    assert row["left_out"] == {"no-route": 1}
    assert lines[3:6] == ["#1 Ann: 夏茶上新", "#2 Bob: 夏茶到店", "#3 Cy: 夏茶上新"]
    assert "Left out 1: none of the ways to them is open 1" in lines
    assert (
        "mass message: telegram takes 1 calls for it at least, of 100 a day; how many are left it does not tell."
    ) in lines


def test_what_the_gate_decides_then_is_what_the_plan_said(account: Shop) -> None:
    _, row = plan(account, "{text: 夏茶上新}", routes="[mass, service]")
    assert ways(row) == {"mass": 4}
    assert row["left_out"] == {"no-route": 1}


def test_a_subscription_account_has_no_month_and_one_call_a_day(shop: Shop) -> None:
    lines, row = plan(with_routes(shop, SUBSCRIPTION_ROUTES), "{text: 夏茶上新}")
    assert ways(row) == {"service": 1, "mass": 4}
    assert any("takes 1 calls for it at least, of 1 a day" in line for line in lines)


def test_who_would_be_alone_in_a_mass_message_is_left_out(account: Shop) -> None:
    _, row = plan(account, "{text: 夏茶上新}", audience="{customers: ['#3']}")
    assert (row["ways"], row["left_out"]) == ([], {"mass-needs-two": 1})


def test_what_nobody_can_get_alike_is_no_mass_message(account: Shop) -> None:
    _, row = plan(account, '{text: "{{ name }}，夏茶上新"}')
    assert ways(row) == {"service": 1}
    assert row["left_out"] == {"window-closed": 4}


def test_whom_a_day_of_their_own_concerns_is_counted_for_the_next_day_it_goes_out(account: Shop) -> None:
    for who, born in (("ann", "11-23"), ("cy", "11-24"), ("di", "11-24")):
        account.do(
            DescribeCustomer(
                customer=account.customer(who), birthday=Personal(f"1990-{born}"), source=Slug("file")
            )
        )
    assert account.now.date().isoformat() == "2026-11-23"  # past nine in the morning: today's have had it
    lines, row = plan(account, when="{on: birthday, at: '9:30'}")
    assert (row["meant"], ways(row)) == (2, {"mass": 2})
    assert "Means 2 on 2026-11-24, when it goes out next." in lines


def test_quiet_hours_are_those_of_each_ones_own_zone(shop: Shop) -> None:
    """It is noon in Shanghai, and 23:00 in New York: there it goes out at 8:30, when it is 21:30 in Shanghai."""
    for who in ("ann", "bob"):
        shop.says(who, "hello")
    shop.do(
        DescribeCustomer(
            customer=shop.customer("bob"), zone=ZoneName("America/New_York"), source=Slug("file")
        )
    )
    shop.office.outreach.ways.read = lambda: [Way(TELEGRAM, BOT, 10.0)]
    lines, row = plan(shop, "{text: 夏茶上新}")
    assert row["reached"] == 2
    assert "Finished at about 2026-11-20 21:30 Asia/Shanghai." in lines
    lines, row = plan(shop, "{text: 夏茶上新}", name="short", expires="1h")
    assert (row["reached"], row["left_out"]) == (1, {"expired": 1})


def test_caps_are_counted_by_each_ones_own_day(shop: Shop) -> None:
    """Both had one at 7:00 in Shanghai: that is today there, and yesterday in New York once it may go out there."""
    for who in ("ann", "bob"):
        shop.says(who, "hello")
    shop.do(
        DescribeCustomer(
            customer=shop.customer("bob"), zone=ZoneName("America/New_York"), source=Slug("file")
        )
    )
    for who in ("ann", "bob"):
        shop.claims(shop.plans(who, kind=DeliveryClass.MARKETING))
    _, row = plan(shop, "{text: 夏茶上新}")
    assert (row["reached"], row["capped"]) == (1, 1)


def test_the_language_that_was_told_decides_the_text(shop: Shop) -> None:
    shop.says("ann", "hello")
    shop.do(DescribeCustomer(customer=shop.customer("ann"), language=Locale("zh-hans"), source=Slug("file")))
    lines, _ = plan(shop, "{text: Summer tea, languages: {zh: {text: 夏茶上新}}}")
    assert "#1 Ann: 夏茶上新" in lines
    shown = shop.asks("/campaign preview summer #1")
    assert shown.text.splitlines()[1] == "夏茶上新"


def test_who_has_two_accounts_is_reached_by_the_one_that_agreed(tmp_path: Path) -> None:
    shop = Shop(tmp_path, implied_consent=False)
    for who in ("ann", "annie"):
        shop.says(who, "hello")
    shop.do(MergeCustomers(customer=shop.customer("ann"), other=shop.customer("annie")))
    shop.do(GrantConsent(contact=shop.contact("ann"), topic=MARKETING, source=ConsentSource.OPERATOR))
    lines, row = plan(shop, '{text: "{{ username }}"}')
    assert (row["reached"], row["left_out"]) == (1, {})
    assert "#1 Annie: ann_x" in lines
    assert shop.asks("/campaign preview summer #1").text.splitlines()[1] == "ann_x"
    (one,) = shop.office.audience.page(Whom(), 0, 10)
    assert one.contact == shop.contact("ann")
    assert "Reaches 1: telegram 1" in shop.asks("/broadcast all hello").text
    shop.close()


def decided(shop: Shop, who: str) -> str:
    """Return what the gate makes of a campaign's message to somebody, now."""
    delivery = shop.plans(who, kind=DeliveryClass.MARKETING, occasion=Slug("campaign"), automatic=True)
    heard = shop.now if who != "silent" else shop.now - timedelta(days=200)
    claim = ClaimDelivery(
        delivery=delivery, worker=Slug("w"), until=shop.now, controls=CONTROLS, last_heard=heard
    )
    match shop.do(claim):
        case Done(events=(*_, Recorded(event=DeliverySuppressed(reason=reason)))):
            return "capped" if reason == "frequency-cap" else reason  # too late for it by then
        case Done(events=(*_, Recorded(event=DeliveryPostponed()))):
            return "capped"
        case Done(events=(*_, Recorded(event=DeliveryStarted()))):
            return "reached"
        case other:
            raise AssertionError(other)


def test_each_of_a_mixed_crowd_fares_as_the_plan_said(shop: Shop) -> None:
    """Alike are most of them, so they are judged once for all; each difference must count."""
    shop.says("silent", "hello")
    shop.now += timedelta(days=200)
    known = ("ann", "bob", "cy", "stopped", "gone", "had-two", "had-one", "merged", "other")
    for who in known:
        shop.says(who, "hello")
    shop.says("stopped", "退订")
    shop.receive("gone", Reachability(reachable=False))
    for who in ("had-one", "had-two", "had-two"):
        shop.claims(shop.plans(who, kind=DeliveryClass.MARKETING))
    shop.claims(shop.plans("other", kind=DeliveryClass.MARKETING))
    shop.do(MergeCustomers(customer=shop.customer("merged"), other=shop.customer("other")))
    _, row = plan(shop, "{text: 夏茶上新}")
    left_out = row["left_out"]
    assert isinstance(left_out, dict)
    fared = Counter(decided(shop, who) for who in ("silent", *known) if who != "other")
    assert fared == Counter({"reached": row["reached"], "capped": row["capped"], **left_out})
    assert fared == {"reached": 3, "capped": 3, "opted-out": 1, "blocked": 1, "dormant": 1}
