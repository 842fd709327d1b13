"""The results of a campaign by command."""

import pytest

from domain.deliveries.commands import AcceptDelivery, ConfirmDelivery
from domain.deliveries.events import Confirmation
from domain.forgetting import ForgetCustomer
from domain.identity import Digest, Slug
from domain.operators.events import CommandOutcome, Role
from tests.bot.commands.shop import Shop
from tests.projections.outreach import TEA, A, B, launched, plan


def goes_out(shop: Shop, who: str, variant: Slug = A) -> None:
    """They get it, and click."""
    shop.says(who, "hi")
    planned = plan(shop, shop.contact(who), shop.customer(who), TEA, variant)
    shop.do(planned)
    shop.claims(planned.delivery)
    shop.do(AcceptDelivery(delivery=planned.delivery, attempt=1))
    if variant == A:
        shop.do(ConfirmDelivery(delivery=planned.delivery, how=Confirmation.CLICKED))


@pytest.fixture
def campaign(shop: Shop) -> Shop:
    launched(shop)
    goes_out(shop, "wang")
    goes_out(shop, "li", B)
    shop.says("stopped", "hi")
    shop.says("stopped", "退订")
    goes_out(shop, "stopped")
    return shop


def test_the_results_are_told_with_how_to_look_behind_them(campaign: Shop) -> None:
    lines = campaign.asks("/campaign results tea").text.splitlines()
    assert lines[:6] == [
        "tea  tea in spring",
        "  planned for: 3",
        "  left out: 1",
        "    unsubscribed: 1",
        "  sent to: 2",
        "  arrived: 1 (50.0 %, 9.5 % – 90.5 %)",
    ]
    assert lines[-1] == "Who is behind a figure: /campaign results tea clicked"


@pytest.mark.parametrize("line", ["/campaign results tea clicked", "/campaign results tea in spring clicked"])
def test_whom_a_figure_counts_is_listed_by_name(campaign: Shop, line: str) -> None:
    reply = campaign.asks(line)
    first, *people = reply.text.splitlines()
    assert (first, len(people)) == ("clicked: 1", 1)
    assert people[0].startswith("  #1 Wang  telegram  a  ")
    assert reply.customers == (campaign.customer("wang"),)


def test_why_somebody_got_nothing_is_told_behind_their_name(campaign: Shop) -> None:
    (_, line) = campaign.asks("/campaign results tea left-out").text.splitlines()
    assert (line[:12], line[-12:]) == ("  #3 Stopped", "unsubscribed")


def test_in_chinese_the_figure_is_named_in_chinese(campaign: Shop) -> None:
    campaign.speaks("zh")
    assert campaign.asks("/活动 结果 tea 点击").text.splitlines()[0] == "点击: 1"


def test_the_forgotten_are_listed_without_a_name(campaign: Shop) -> None:
    addresses = ((campaign.contact("wang"), Digest("address")),)
    campaign.do(ForgetCustomer(customer=campaign.customer("wang"), addresses=addresses, orders=()))
    first, line = campaign.asks("/campaign results tea clicked").text.splitlines()
    assert (first, line[:20]) == ("clicked: 1", "  somebody forgotten")


def test_a_campaign_nobody_knows_has_none(campaign: Shop) -> None:
    reply = campaign.asks("/campaign results nothing")
    assert reply.outcome is CommandOutcome.FAILED
    assert "I know no campaign nothing" in reply.text


def test_who_is_no_marketer_sees_none_of_it(campaign: Shop) -> None:
    assert campaign.asks("/campaign results tea", Role.AGENT).outcome is not CommandOutcome.DONE


def test_machines_get_the_figures_too(campaign: Shop) -> None:
    (row,) = campaign.asks("/campaign results tea").rows
    assert row["campaign"] == "tea"
