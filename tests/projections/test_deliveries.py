"""What became of each message, and of a broadcast."""

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from domain.broadcasts.broadcast import Stage
from domain.broadcasts.commands import ConfirmBroadcast, DraftBroadcast, FinishFanOut
from domain.broadcasts.events import AudienceKind
from domain.deliveries.commands import CancelDelivery, ConfirmDelivery, LoseTrackOfDelivery, RejectDelivery
from domain.deliveries.delivery import Phase
from domain.deliveries.events import Confirmation, DeliveryClass
from domain.identity import BroadcastId, CampaignId, DeliveryId, Slug
from domain.message import Personal
from projections.deliveries import (
    Broadcast,
    Count,
    Delivery,
    broadcasts_listed,
    counts,
    delivery,
    left_of,
    recent,
    summary,
)
from projections.engine import Projector, Views
from projections.registry import projections
from tests.projections.house import TELEGRAM, House, matches
from tests.projections.reading import catch_up

SALE, OTHER = BroadcastId("b1"), CampaignId("c1")
SERVICE, MARKETING = DeliveryClass.SERVICE, DeliveryClass.MARKETING


def test_a_delivery_is_shown_whole(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    planned = house.plans("wang", "your parcel is here")
    house.sends(planned)
    house.do(ConfirmDelivery(delivery=planned, how=Confirmation.READ))
    catch_up(projector)
    expected = Delivery(
        id=planned,
        phase=Phase.CONFIRMED,
        reason=Slug("read"),
        rule=None,
        kind=SERVICE,
        occasion=Slug("send"),
        contact=house.contact("wang"),
        customer=house.customer("wang"),
        group=None,
        channel=TELEGRAM,
        text="your parcel is here",
        broadcast=None,
        operator=None,
        automatic=False,
        attempts=1,
        provider_message="p1",
        planned_at=house.now,
        not_before=house.now,
        expires_at=house.now + timedelta(days=1),
        started_at=house.now,
        ended_at=house.now,
    )
    with projector.views.read() as connection:
        assert delivery(connection, planned) == [expected]
        assert delivery(connection, planned[:6]) == [expected]
        assert delivery(connection, planned[:5]) == []
        assert recent(connection, contact=house.contact("wang")) == [expected]
        assert recent(connection, phases=[Phase.UNKNOWN]) == []


def test_deliveries_are_counted_by_where_they_stand_and_why(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    sent, refused, lost, cancelled = (house.plans("wang") for _ in range(4))
    house.sends(sent)
    for claimed in (refused, lost):
        house.claims(claimed)
    house.do(
        RejectDelivery(delivery=refused, attempt=1, reason=Slug("too-long")),
        LoseTrackOfDelivery(delivery=lost, attempt=1, reason=Slug("timeout")),
        CancelDelivery(delivery=cancelled, reason=Slug("recalled"), rule=Slug("operator")),
    )
    house.now += timedelta(hours=1)
    house.plans("wang", kind=MARKETING)
    catch_up(projector)
    with projector.views.read() as connection:
        assert counts(connection) == [
            Count(MARKETING, Phase.PLANNED, None, 1),
            Count(SERVICE, Phase.ACCEPTED, None, 1),
            Count(SERVICE, Phase.REJECTED, Slug("too-long"), 1),
            Count(SERVICE, Phase.SUPPRESSED, Slug("recalled"), 1),
            Count(SERVICE, Phase.UNKNOWN, Slug("timeout"), 1),
        ]
        assert counts(connection, since=house.now) == [Count(MARKETING, Phase.PLANNED, None, 1)]
        (left_out,) = recent(connection, phases=[Phase.SUPPRESSED])
        assert (left_out.id, left_out.reason, left_out.rule) == (
            cancelled,
            Slug("recalled"),
            Slug("operator"),
        )


def test_a_broadcast_shows_its_text_once_and_what_became_of_it(projector: Projector, house: House) -> None:
    for who in ("wang", "li"):
        house.says(who, "hello")
    drafted_at = house.now
    house.do(
        DraftBroadcast(
            broadcast=SALE, audience=AudienceKind.ALL, text=Personal("sale!"), not_before=house.now
        )
    )
    house.do(ConfirmBroadcast(broadcast=SALE))
    first, _ = (house.plans(who, text=None, broadcast=SALE, kind=MARKETING) for who in ("wang", "li"))
    house.do(FinishFanOut(broadcast=SALE, planned=2))
    house.sends(first)
    catch_up(projector)
    expected = Broadcast(
        id=SALE,
        stage=Stage.FANNED_OUT,
        audience=AudienceKind.ALL,
        tag=None,
        group=None,
        text="sale!",
        not_before=drafted_at,
        recurrence=None,
        operator=None,
        schedule=None,
        planned=2,
        drafted_at=drafted_at,
        counts=(Count(MARKETING, Phase.ACCEPTED, None, 1), Count(MARKETING, Phase.PLANNED, None, 1)),
    )
    with projector.views.read() as connection:
        assert summary(connection, SALE) == expected
        assert broadcasts_listed(connection) == [expected]
        assert summary(connection, BroadcastId("other")) is None
        assert [shown.text for shown in recent(connection, broadcast=SALE)] == ["sale!", "sale!"]
        assert delivery(connection, DeliveryId("nothing")) == []


def test_what_left_of_a_campaign_or_a_broadcast_is_read_page_by_page(
    projector: Projector, house: House
) -> None:
    house.says("wang", "hello")
    of_campaign = [house.plans("wang", campaign=OTHER, kind=MARKETING) for _ in range(5)]
    of_broadcast = [house.plans("wang", broadcast=SALE, kind=MARKETING) for _ in range(4)]
    house.plans("wang")
    house.do(
        CancelDelivery(delivery=of_campaign[1], reason=Slug("recalled"), rule=Slug("operator")),
        CancelDelivery(delivery=of_broadcast[0], reason=Slug("recalled"), rule=Slug("operator")),
    )
    house.sends(of_campaign[2])
    catch_up(projector)
    for wanted, planned in ((OTHER, [0, 2, 3, 4]), (SALE, [1, 2, 3]), (BroadcastId("b2"), [])):
        among = of_campaign if wanted == OTHER else of_broadcast
        read: list[DeliveryId] = []
        with projector.views.read() as connection:
            while page := left_of(connection, wanted, read[-1] if read else None, 2):
                read += page
        assert read == [among[number] for number in planned]


@pytest.mark.parametrize("wanted", [OTHER, SALE])
def test_a_page_of_what_left_costs_the_same_however_much_there_is(
    wanted: CampaignId | BroadcastId, tmp_path: Path, house: House
) -> None:
    views = Views(tmp_path / "views.db")
    catch_up(Projector(views, house.log, projections(matches)))
    with views.read() as connection:
        driver = cast("sqlite3.Connection", connection.connection.driver_connection)
        asked: list[str] = []
        driver.set_trace_callback(asked.append)
        left_of(connection, wanted, DeliveryId("d1"))
        driver.set_trace_callback(None)
        plans = [row[-1] for one in asked for row in driver.execute(f"EXPLAIN QUERY PLAN {one}").fetchall()]
    views.close()
    assert plans == [
        "SEARCH deliveries USING INDEX deliveries_by_campaign (campaign=? AND delivery>?)",
        "SEARCH deliveries USING INDEX deliveries_by_broadcast (broadcast=? AND delivery>?)",
    ]
