"""What operator commands ask beside the big views: drafts by code, spent caps, open bind codes."""

from datetime import timedelta

import pytest

from domain.broadcasts.broadcast import Stage
from domain.broadcasts.commands import CancelBroadcast, ConfirmBroadcast, DraftBroadcast
from domain.broadcasts.events import AudienceKind
from domain.deliveries.commands import RejectDelivery
from domain.deliveries.events import DeliveryClass
from domain.identity import MARKETING_TOPIC, BroadcastId, Channel, Digest, OperatorId, Slug
from domain.message import Personal
from domain.operators.commands import AddOperator, BindOperator, IssueBindCode, RemoveOperator
from domain.operators.events import Role
from domain.policies.frequency_cap import Spent
from projections.bind_codes import operator_with, refusals
from projections.drafts import Draft, drafts_with
from projections.engine import Projector
from projections.reservations import reserved
from tests.projections.house import House, must

ANN = OperatorId("ann")


def drafted(house: House, name: str, code: str | None) -> DraftBroadcast:
    draft = DraftBroadcast(
        broadcast=BroadcastId(name),
        audience=AudienceKind.ALL,
        text=Personal("sale"),
        not_before=house.now,
        operator=ANN,
        code=None if code is None else Digest(code),
    )
    must(house.do(draft))
    return draft


def catch_up(projector: Projector) -> None:
    while projector.step():
        pass


def test_a_draft_is_found_by_its_code_newest_first(house: House, projector: Projector) -> None:
    for name, code in (("b1", "c1"), ("b2", None), ("b3", "c3")):
        drafted(house, name, code)
        house.now += timedelta(minutes=1)
    drafted(house, "b4", "c1")
    must(house.do(ConfirmBroadcast(broadcast=BroadcastId("b1"))))
    must(house.do(ConfirmBroadcast(broadcast=BroadcastId("b2"))))
    must(house.do(CancelBroadcast(broadcast=BroadcastId("b3"))))
    catch_up(projector)
    with projector.views.read() as connection:
        found = {code: drafts_with(connection, Digest(code)) for code in ("c1", "c3", "c4")}
    newest = house.now
    first = newest - timedelta(minutes=3)

    def draft(name: str, code: str, stage: Stage, minutes: int) -> Draft:
        at = first + timedelta(minutes=minutes)
        return Draft(BroadcastId(name), Digest(code), stage, ANN, None, at, at)

    assert found == {
        "c1": [draft("b4", "c1", Stage.DRAFT, 3), draft("b1", "c1", Stage.CONFIRMED, 0)],
        "c3": [draft("b3", "c3", Stage.CANCELLED, 2)],
        "c4": [],
    }


def test_spent_caps_are_counted_until_they_are_given_back(house: House, projector: Projector) -> None:
    house.says("wang", "hello")
    planned = [house.plans("wang", kind=DeliveryClass.MARKETING) for _ in range(3)]
    spent = []
    for delivery in planned:
        house.now += timedelta(minutes=1)
        house.claims(delivery)
        spent.append(Spent(house.now, Channel("telegram"), MARKETING_TOPIC))
    must(house.do(RejectDelivery(delivery=planned[-1], attempt=1, reason=Slug("too-long"))))
    wang = house.customer("wang")
    catch_up(projector)
    with projector.views.read() as connection:
        assert reserved(connection, [wang], spent[0].at - timedelta(days=7)) == {wang: spent[:2]}
        assert reserved(connection, [wang], spent[0].at) == {wang: spent[1:2]}
        assert reserved(connection, [], spent[0].at) == {}


@pytest.mark.parametrize("end", ["bound", "removed", "expired"])
def test_a_bind_code_is_open_until_it_is_used_or_ends(house: House, projector: Projector, end: str) -> None:
    house.says("ann", "hello")
    code, expires = Digest("c1"), house.now + timedelta(hours=24)
    add = AddOperator(operator=ANN, name=Personal("Ann"), name_digest=Digest("ann"), role=Role.AGENT)
    must(house.do(add, IssueBindCode(operator=ANN, code=code, expires_at=expires)))
    catch_up(projector)
    with projector.views.read() as connection:
        assert operator_with(connection, code, house.now) == ANN
        assert operator_with(connection, Digest("c2"), house.now) is None
    if end == "bound":
        must(house.do(BindOperator(code=code, contact=house.contact("ann"))))
    elif end == "removed":
        must(house.do(RemoveOperator(operator=ANN)))
    else:
        house.now = expires
    catch_up(projector)
    with projector.views.read() as connection:
        assert operator_with(connection, code, house.now) is None


def test_wrong_codes_are_counted_by_who_tried(house: House, projector: Projector) -> None:
    for who in ("wang", "li"):
        house.says(who, "hello")
    before = house.now
    house.now += timedelta(minutes=1)
    must(house.do(BindOperator(code=Digest("c1"), contact=house.contact("wang"))))
    catch_up(projector)
    with projector.views.read() as connection:
        counted = [
            refusals(connection, house.contact(who), since)
            for who in ("wang", "li")
            for since in (before, house.now)
        ]
    assert counted == [1, 0, 0, 0]
