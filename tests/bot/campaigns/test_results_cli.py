"""``siyu campaign results``: told, as JSON, as a picture, as a table."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot.control_server import perform
from domain.campaigns.commands import LaunchCampaign, StartRun
from domain.customers.commands import NameCustomer
from domain.deliveries.commands import AcceptDelivery, CancelDelivery
from domain.deliveries.events import DeliveryClass
from domain.gate import ClaimDelivery
from domain.identity import DeliveryId, Locale, Slug
from domain.message import Personal
from domain.policies.routes import Offer
from projections.campaigns import Among, Figure, recipients
from tests.bot.premises import Premises
from tests.domain.controls.commands import CLAIM_DELIVERY
from tests.projections.outreach import TEA, A, B, draft, run_of

FORMULA = "=HYPERLINK(1)"


def asked(premises: Premises, locale: str = "en", **arguments: object) -> tuple[int, list[str]]:
    """How it ended, and what it said."""
    messages = list(
        perform(
            premises.house, "campaign-results", {"what": "tea", "locale": locale, **arguments}, Locale(locale)
        )
    )
    lines = [str(one.get("line") or one.get("error")) for one in messages if one.keys() - {"exit"}]
    return int(messages[-1]["exit"]), lines


def planned(premises: Premises, who: str, variant: Slug) -> DeliveryId:
    premises.says(who, "hi")
    plan = premises.plan(who, "tea", DeliveryClass.MARKETING)
    premises.house.do("scheduler", replace(plan, campaign=TEA, run=run_of(TEA), variant=variant))
    return plan.delivery


@pytest.fixture
def shop(premises: Premises) -> Premises:
    """Tea went to two people, one of whom has a name that a calculator would take for a formula; one was left out."""
    house = premises.house
    house.do("operator-cli", draft(TEA))
    house.do("operator-cli", LaunchCampaign(campaign=TEA, meant=3, alone=True))
    house.do("scheduler", StartRun(run=run_of(TEA), campaign=TEA, at=premises.now, meant=3))
    for who, variant in (("wang", A), ("li", B)):
        delivery = planned(premises, who, variant)
        claim: ClaimDelivery = replace(CLAIM_DELIVERY, delivery=delivery, until=premises.now)
        house.do("scheduler", claim)
        house.do("scheduler", AcceptDelivery(delivery=delivery, attempt=1))
    why = CancelDelivery(
        delivery=planned(premises, "zhao", A), reason=Slug("opted-out"), rule=Slug("consent")
    )
    house.do("scheduler", why)
    house.do("operator-cli", NameCustomer(customer=premises.customer("li"), remark=Personal(FORMULA)))
    return premises


def test_who_got_it_is_counted_by_route(shop: Premises) -> None:
    house, mass = shop.house, Offer(Slug("mass"), of=Slug("mass-2026-11"), allowed=4)
    delivery = planned(shop, "qian", A)
    claim: ClaimDelivery = replace(CLAIM_DELIVERY, delivery=delivery, until=shop.now, offers=(mass,))
    house.do("scheduler", claim)
    house.do("scheduler", AcceptDelivery(delivery=delivery, attempt=1))
    lines = asked(shop)[1]
    assert lines[lines.index("  sent to: 3") + 1] == "    mass message: 1"
    (told,) = asked(shop, json=True)[1]
    assert json.loads(told)["routes"] == [{"channel": "telegram", "route": "mass", "recipients": 1}]
    with house.views.read() as connection:
        (one,) = recipients(connection, Among(campaign=TEA, route=Slug("mass")), Figure.SENT)
    assert one.delivery == delivery


def test_they_are_told_in_the_language_of_the_terminal(shop: Premises) -> None:
    code, lines = asked(shop)
    assert (code, lines[0].splitlines()[0]) == (0, "tea  tea in spring")
    assert "  sent to: 2" in lines
    assert "  已发送: 2" in asked(shop, "zh")[1]


def test_a_figure_lists_whom_it_counts(shop: Premises) -> None:
    code, lines = asked(shop, figure="left-out")
    assert (code, lines[0], len(lines)) == (0, "left out: 1", 2)
    assert lines[1].startswith("  #3 Zhao")


def test_for_machines_there_is_a_line_of_json_or_one_for_each_recipient(shop: Premises) -> None:
    (line,) = asked(shop, json=True)[1]
    found = json.loads(line)
    rows = [json.loads(line) for line in asked(shop, json=True, figure="sent")[1]]
    assert len(rows) == found["figures"]["sent"] == 2
    assert {row["number"]: row["variant"] for row in rows} == {"#1": "a", "#2": "b"}


def test_the_table_holds_a_row_for_each_and_no_formula(shop: Premises, tmp_path: Path) -> None:
    file = tmp_path / "sent.csv"
    assert asked(shop, figure="sent", table=str(file)) == (0, [f"Written: {file}"])
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = {row["number"]: row for row in csv.DictReader(opened)}
    assert (rows["#1"]["name"], rows["#2"]["name"]) == ("Wang", f"'{FORMULA}")
    assert rows["#1"]["at"].endswith("+08:00")


def test_the_picture_is_an_svg(shop: Premises, tmp_path: Path) -> None:
    file = tmp_path / "tea.svg"
    assert asked(shop, "zh", svg=str(file)) == (0, [f"已写入：{file}"])
    assert file.read_text("utf8").startswith("<svg ")
    assert "已发送" in file.read_text("utf8")


def test_a_file_that_is_there_is_left_alone(shop: Premises, tmp_path: Path) -> None:
    file = tmp_path / "tea.svg"
    file.write_text("mine")
    assert asked(shop, svg=str(file))[0] != 0
    assert file.read_text() == "mine"


def test_what_is_no_figure_is_told_with_those_there_are(shop: Premises) -> None:
    code, lines = asked(shop, figure="opened")
    assert (code, lines) == (2, [f"no figure is called 'opened': there are {', '.join(Figure)}"])


def test_a_campaign_nobody_knows_is_told_so(shop: Premises) -> None:
    code, lines = asked(shop, what="nothing")
    assert code != 0
    assert lines == ["I know no campaign nothing. /campaign list shows them."]
