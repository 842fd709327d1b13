"""The results of a campaign, gathered from what happened."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bot.campaigns.results import Results, as_json, gather
from bot.campaigns.statistics import Rate
from domain.deliveries.commands import AcceptDelivery, CancelDelivery, ConfirmDelivery
from domain.deliveries.events import HOLDOUT, Confirmation, DeliveryClass
from domain.errors import UnknownRecipient
from domain.goals.commands import ReachGoal
from domain.identity import BroadcastId, CampaignId, DeliveryId, Digest, RunId, Slug
from projections.campaigns import Figure
from projections.engine import Projector, Views
from projections.registry import projections
from tests.projections.house import House, matches
from tests.projections.outreach import COFFEE, A, B, launched, plan, run_of
from tests.projections.reading import catch_up


class Outreach(House):
    """Coffee is offered in two texts, with a holdout; the goal is a visit."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        views = Views(folder / "views.db")
        self.projector = Projector(views, self.log, projections(matches))
        launched(self, COFFEE)

    def sends(self, who: str, variant: Slug = A, number: int = 1) -> DeliveryId:  # type: ignore[override]  # to somebody
        """Send it, or leave them out."""
        self.says(who, "hi")
        planned = plan(self, self.contact(who), self.customer(who), COFFEE, variant, number)
        self.do(planned)
        self.claims(planned.delivery)
        self.do(AcceptDelivery(delivery=planned.delivery, attempt=1))
        return planned.delivery

    def visits(self, who: str) -> None:
        self.do(
            ReachGoal(key=Digest(who), goal=Slug("visit"), customer=self.customer(who), at=self.now, value=1)
        )

    def results(self, campaign: str = COFFEE, **how: object) -> Results:
        catch_up(self.projector)
        with self.projector.views.read() as connection:
            return gather(connection, CampaignId(campaign), now=self.now, **how)  # type: ignore[arg-type]  # as gather takes them


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Outreach]:
    house = Outreach(tmp_path)
    yield house
    house.projector.views.close()


def test_each_text_is_compared_with_the_first_by_the_goal(house: Outreach) -> None:
    for number in range(4):
        house.sends(f"a{number}", A)
        house.sends(f"b{number}", B)
    house.visits("a0")
    house.visits("b0")
    house.visits("b1")
    found = house.results()
    assert found.measure is Figure.CONVERTED
    assert [(arm.variant, arm.rate) for arm in found.arms] == [(A, Rate(1, 4)), (B, Rate(2, 4))]
    assert found.arms[0].against is None
    assert (found.arms[1].against and found.arms[1].against.lift, found.too_few) == (1.0, True)
    assert house.results(measure=Figure.CLICKED).arms[1].rate == Rate(0, 4)


def test_those_who_were_held_out_are_compared_with_those_whom_the_gate_would_have_let_through(
    house: Outreach,
) -> None:
    for who in ("one", "two"):
        house.sends(who)
    for who in ("three", "four", "five"):
        house.sends(who, HOLDOUT)
    capped, stopped, apart = (_waiting(house, who) for who in ("six", "seven", "eight"))
    for delivery, reason, rule in (
        (capped, "frequency-cap", "1-per-day"),
        (stopped, "opted-out", "consent"),
        (apart, "global-holdout", "holdout"),
    ):
        house.do(CancelDelivery(delivery=delivery, reason=Slug(reason), rule=Slug(rule)))
    for who in ("one", "three", "six", "seven", "eight"):
        house.visits(who)
    held = {one.figure: (one.base, one.reached) for one in house.results().holdouts}
    assert held == {
        Figure.HELD_OUT: (Rate(1, 3), Rate(2, 3)),
        Figure.GLOBALLY_HELD_OUT: (Rate(1, 1), Rate(2, 3)),
    }


def _waiting(house: Outreach, who: str) -> DeliveryId:
    house.says(who, "hi")
    planned = plan(house, house.contact(who), house.customer(who), COFFEE)
    house.do(planned)
    return planned.delivery


def test_without_a_goal_clicks_are_compared_else_answers(house: Outreach) -> None:
    house.says("wang", "hi")
    broadcast = BroadcastId("sale")
    delivery = house.plans("wang", None, broadcast=broadcast, kind=DeliveryClass.MARKETING)
    house.claims(delivery)
    house.do(AcceptDelivery(delivery=delivery, attempt=1))
    assert house.results(broadcast).measure is Figure.REPLIED
    house.do(ConfirmDelivery(delivery=delivery, how=Confirmation.CLICKED))
    found = house.results(broadcast)
    assert (found.campaign, found.measure, found.figures[Figure.CLICKED]) == (None, Figure.CLICKED, 1)


def test_a_draw_that_is_far_from_what_was_planned_is_noticed(house: Outreach) -> None:
    """Twenty of a hundred should be held out, and forty have each text."""
    for number in range(18):
        house.sends(f"a{number}", A)
    house.sends("b0", B)
    for number in range(4):
        house.sends(f"h{number}", HOLDOUT)
    assert house.results().uneven
    for number in range(1, 17):
        house.sends(f"b{number}", B)
    for number in range(4, 8):
        house.sends(f"h{number}", HOLDOUT)
    assert not house.results().uneven


def test_until_when_more_may_come_in(house: Outreach) -> None:
    assert house.results().open_until is None
    house.sends("wang")
    sent = house.now
    assert house.results().open_until == sent + timedelta(days=3)  # the goal has one day, an opt-out three
    house.now += timedelta(days=4)
    assert house.results().open_until is None


def test_one_run_can_be_looked_at_by_itself(house: Outreach) -> None:
    house.sends("wang")
    house.sends("wang", number=2)
    assert house.results().figures[Figure.PLANNED] == 2
    assert house.results(run=run_of(COFFEE, 2)).figures[Figure.PLANNED] == 1
    assert house.results(run=RunId("nothing")).figures[Figure.PLANNED] == 0


def test_what_nobody_knows_has_no_results(house: Outreach) -> None:
    with pytest.raises(UnknownRecipient):
        house.results("nothing")


def test_machines_get_every_figure_every_rate_and_every_comparison(house: Outreach) -> None:
    house.sends("one", A)
    house.sends("two", B)
    house.sends("three", HOLDOUT)
    house.visits("two")
    found = as_json(house.results())
    assert msgspec.json.decode(msgspec.json.encode(found)) == found
    assert (found["campaign"], found["name"], found["stage"]) == (COFFEE, "coffee in spring", "running")
    assert found["figures"] == {figure.value: house.results().figures[figure] for figure in Figure}
    assert found["rates"]["converted"]["value"] == 0.5
    assert found["reasons"] == [
        {"status": "left-out", "reason": "holdout", "rule": "experiment", "recipients": 1}
    ]
    assert [arm["rate"]["hits"] for arm in found["arms"]] == [0, 1]
    assert found["arms"][1]["against_first"]["value"] == 1.0
    held = found["holdouts"][0]["base"]
    assert (held["hits"], held["people"], held["interval"]) == (0, 1, [0.0, pytest.approx(0.7935, abs=1e-4)])
