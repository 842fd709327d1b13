"""Forgetting in the views: nothing of the person is left in any table, counts stay, and a rebuilt view says the same."""

import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from domain.customers.commands import AddNote, NameCustomer, TagCustomer
from domain.customers.events import CustomerForgotten
from domain.deliveries.commands import AcceptDelivery, PlanDelivery
from domain.deliveries.events import DeliveryClass
from domain.forgetting import ForgetCustomer
from domain.identity import CustomerId, DeliveryId, Digest, OperatorId, RuleId, Slug, SubjectId, Tag
from domain.message import FORGOTTEN, Personal, Recorded, subject_of
from domain.operators.commands import RecordCommand
from domain.operators.events import CommandOutcome
from domain.ports.event_log import Unreadable
from domain.rules.commands import AddRule
from domain.rules.events import Match
from projections.audit import entries, orders_about
from projections.deliveries import counts
from projections.engine import Projector, Views, verify
from projections.forgotten import promised
from projections.people import customers
from projections.people.find import find
from projections.registry import projections
from projections.timeline import Filters, everywhere
from tests.projections.conftest import OpenViews
from tests.projections.house import EVER, House, matches, must
from tests.projections.reading import GivenLog, catch_up, contents

PROJECTIONS = projections(matches)
ORDER = Digest("0rder")
CANARY = "canary"


def lived() -> House:
    """Canaries of every kind of field, of Wang; Li is not forgotten."""
    house = House()
    must(
        house.do(AddRule(rule=RuleId("r"), match=Match.CONTAINS, pattern=Personal("退款"), tag=Tag("asked")))
    )
    house.says("li", "hello there")
    house.says("wang_canary", "canary-text 我要退款")
    message = house.says("wang_canary", "canary-before")
    house.edits("wang_canary", message, "canary-edited")
    house.says("wang_canary", "canary-in-group", group="tea")
    house.says("wang_canary", "I'm Canary")
    customer, contact = house.customer("wang_canary"), house.contact("wang_canary")
    must(house.do(AddNote(customer=customer, operator=None, note=Personal("canary-note"))))
    must(house.do(NameCustomer(customer=customer, remark=Personal("canary-remark"))))
    must(house.do(TagCustomer(customer=customer, tag=Tag("vip"))))
    must(house.do(planned(house, "to-them", "canary-answer", SubjectId(f"contact-{contact}"))))
    told = replace(
        planned(house, "to-us", "canary-told", SubjectId(f"order-{ORDER}")),
        contact=house.contact("li"),
        customer=house.customer("li"),
    )
    must(house.do(told))
    line = RecordCommand(
        request=Digest("r"),
        operator=OperatorId("ann"),
        command=Slug("note"),
        line=Personal("/note canary-line"),
        outcome=CommandOutcome.DONE,
        about=(customer,),
        order=ORDER,
    )
    must(house.do(line))
    return house


def planned(house: House, delivery: str, text: str, subject: SubjectId) -> PlanDelivery:
    return PlanDelivery(
        delivery=DeliveryId(delivery),
        subject=subject,
        kind=DeliveryClass.SERVICE,
        occasion=Slug("send"),
        contact=house.contact("wang_canary"),
        customer=house.customer("wang_canary"),
        text=Personal(text),
        choices=Personal([["canary-button", "x"]]),
        not_before=house.now,
        expires_at=house.now + EVER,
    )


def forgets(house: House) -> CustomerId:
    customer, contact = house.customer("wang_canary"), house.contact("wang_canary")
    command = ForgetCustomer(customer=customer, addresses=((contact, Digest("a")),), orders=(ORDER,))
    must(house.do(command))
    return customer


def canaries_in(views: Views) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: found
        for table, rows in contents(views, PROJECTIONS).items()
        if (found := [row for row in rows if CANARY in repr(row).lower()])
    }


def after_destruction(house: House) -> GivenLog:
    """The log as it reads once the keys are gone."""
    (promise,) = house.events_of(CustomerForgotten)
    return GivenLog([_sealed(recorded, set(promise.subjects)) for recorded in house.everything()])


def _sealed(recorded: Recorded, gone: set[SubjectId]) -> Recorded:
    event = recorded.event
    if subject_of(event) not in gone:
        return recorded
    lost: dict[str, Any] = {}
    for name in event.__dataclass_fields__:
        value = getattr(event, name)
        if isinstance(value, Personal):
            kind = type(value.value)
            lost[name] = Personal(FORGOTTEN if kind is str else kind())
    return replace(recorded, event=replace(event, **lost))


def test_every_table_held_them_and_none_does_afterwards_though_the_rest_is_there(views: Views) -> None:
    house = lived()
    projector = Projector(views, house.log, PROJECTIONS)
    catch_up(projector)
    before = canaries_in(views)
    assert {"contacts", "customers", "timeline", "timeline_words", "deliveries", "audit"} <= before.keys()
    forgets(house)
    catch_up(projector)
    assert canaries_in(views) == {}
    with views.read() as connection:
        assert [entry.text for entry in everywhere(connection, Filters(text="hello"))] == ["hello there"]


def test_views_rebuilt_from_a_log_whose_keys_are_gone_are_the_same(open_views: OpenViews) -> None:
    house = lived()
    forgets(house)
    house.says("li", "afterwards")
    grown = Projector(open_views(), house.log, PROJECTIONS)
    for until in range(1, len(house.everything()) + 1):
        grown.step(until)
    rebuilt = Projector(open_views(), after_destruction(house), PROJECTIONS)
    catch_up(rebuilt)
    assert contents(rebuilt.views, PROJECTIONS) == contents(grown.views, PROJECTIONS)
    assert verify(rebuilt) == []


def test_counts_stay_and_nobody_finds_them(views: Views) -> None:
    house = lived()
    projector = Projector(views, house.log, PROJECTIONS)
    catch_up(projector)
    with views.read() as connection:
        before = counts(connection)
        number = customers.customer(connection, house.customer("wang_canary")).number  # type: ignore[union-attr]  # they wrote
    customer = forgets(house)
    house.says("zhao", "hello")
    catch_up(projector)
    with views.read() as connection:
        assert counts(connection) == before
        for said in (
            f"#{number}",
            customer,
            "canary-remark",
            "@wang_canary_x",
            "telegram:wang_canary",
            "Canary",
        ):
            assert find(connection, said) == []
        assert (customers.customer(connection, customer), customers.count(connection)) == (None, 2)
        newcomer = customers.customer(connection, house.customer("zhao"))
    assert newcomer is not None
    assert newcomer.number > number


def test_a_late_outcome_of_what_was_sent_to_them_is_parked_nowhere(views: Views) -> None:
    house = lived()
    projector = Projector(views, house.log, PROJECTIONS)
    house.claims(DeliveryId("to-them"))
    forgets(house)
    catch_up(projector)
    must(house.do(AcceptDelivery(delivery=DeliveryId("to-them"), attempt=1)))
    catch_up(projector)
    assert projector.replay().still_parked == ()
    assert verify(projector) == []


def test_somebody_is_forgotten_though_an_event_of_theirs_cannot_be_read(views: Views) -> None:
    house = lived()
    customer = forgets(house)
    stream = f"customer-{customer}"
    note = next(r for r in house.everything() if r.type == "note-added/1")
    damaged = [replace(r, event=Unreadable("damaged")) if r.id == note.id else r for r in house.everything()]
    projector = Projector(views, GivenLog(damaged), PROJECTIONS)
    catch_up(projector)
    assert {parked.stream for parked in projector.replay().still_parked} == {stream}
    assert canaries_in(views) == {}


def test_the_audit_says_who_forgot_whom_and_which_orders_told_of_them(views: Views) -> None:
    house = lived()
    projector = Projector(views, house.log, PROJECTIONS)
    catch_up(projector)
    customer = house.customer("wang_canary")
    with views.read() as connection:
        assert orders_about(connection, [customer]) == [ORDER]
        assert orders_about(connection, [house.customer("li")]) == []
    forgets(house)
    catch_up(projector)
    with views.read() as connection:
        given = entries(connection, what=Slug("command-given"))
        assert [(entry.command, entry.outcome, entry.detail) for entry in given] == [("note", "done", None)]
        (told,) = entries(connection, what=Slug("customer-forgotten"))
        assert told.customer == customer
        (promise,) = promised(connection)
    assert promise.customer == customer
    assert set(promise.subjects) == {
        f"customer-{customer}",
        f"contact-{house.contact('wang_canary')}",
        f"order-{ORDER}",
    }


def test_rows_that_moved_between_pages_leave_nothing_behind_though_sqlite_does(tmp_path: Path) -> None:
    """SQLite's secure_delete overwrites what is deleted, not what balancing a tree left where it had been."""
    views, file = Views(tmp_path / "views.db"), tmp_path / "views.db"
    fill_and_delete(views, random.Random(SEED))
    with closing(sqlite3.connect(file)) as outside:
        outside.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert CANARY.encode() in file.read_bytes()
    views.scrub()
    assert not [path for path in tmp_path.iterdir() if CANARY.encode() in path.read_bytes()]
    views.close()


SEED = 1
"""One of those with which something remains: not every one does that."""


def fill_and_delete(views: Views, chance: random.Random) -> None:
    """Write rows of two people, longer and shorter, and delete hers."""
    ids: list[tuple[str, str]] = []
    with views.write() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE said (id TEXT PRIMARY KEY, whose TEXT, name TEXT, text TEXT)"
        )
        connection.exec_driver_sql("CREATE INDEX by_name ON said (name)")
        connection.exec_driver_sql("CREATE INDEX by_person ON said (whose, name)")
        for _ in range(6_000):
            ids.append((chance.randbytes(8).hex(), CANARY if chance.random() < 0.1 else "b"))
            one, whose = ids[-1]
            row = (one, whose, whose + chance.randbytes(6).hex(), whose * chance.randrange(1, 60))
            connection.exec_driver_sql("INSERT INTO said VALUES (?, ?, ?, ?)", row)
            if chance.random() < 0.3:
                one, whose = chance.choice(ids)
                longer = (whose * chance.randrange(1, 150), whose + chance.randbytes(20).hex(), one)
                connection.exec_driver_sql("UPDATE said SET text = ?, name = ? WHERE id = ?", longer)
        connection.exec_driver_sql("DELETE FROM said WHERE whose = ?", (CANARY,))
