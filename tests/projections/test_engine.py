"""The projector: positions, poison, other logs, waiting."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, Column, Connection, Table, Text, delete, insert, select, update
from sqlalchemy.schema import DropSchema

from domain.conversations.events import MessageReceived
from domain.customers.commands import NameCustomer
from domain.errors import Rejected, StoreUnavailable
from domain.message import Personal, Recorded
from domain.ports.event_log import Unreadable
from projections.engine import Difference, Projector, ViewPosition, Views, parked, positions, verify
from projections.people.customers import CUSTOMERS, customer
from projections.people.find import find
from projections.projection import Projection
from projections.registry import projections
from projections.schema import METADATA
from projections.timeline.tables import TIMELINE
from tests.projections.conftest import OpenViews
from tests.projections.house import MOVES, House, lived, matches
from tests.projections.reading import GivenLog, catch_up, contents

PROJECTIONS = projections(matches)
NOTEBOOK = Table(
    "notebook",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
)


class KilledError(BaseException):
    """What a power cut looks like from inside."""


def notebook(*, refuses: str = "", dies_of: str = "", version: int = 1) -> Projection:
    """A view that writes down what people say, and cannot bear one text."""

    def apply(connection: Connection, batch: Sequence[Recorded]) -> None:
        for recorded in batch:
            event = recorded.event
            assert isinstance(event, MessageReceived)
            connection.execute(insert(NOTEBOOK), [{"position": recorded.position, "text": event.text.value}])
            if refuses and event.text.value == refuses:
                raise ValueError("cannot bear it")
            if dies_of and event.text.value == dies_of:
                raise KilledError

    return Projection("notebook", version, (NOTEBOOK,), frozenset({MessageReceived}), apply)


def noted(views: Views) -> list[str]:
    with views.read() as connection:
        return list(connection.execute(select(NOTEBOOK.c.text).order_by(NOTEBOOK.c.position)).scalars())


def position_of(views: Views, view: str) -> int:
    with views.read() as connection:
        return next(known.position for known in positions(connection) if known.view == view)


def test_rows_and_position_are_written_together_or_not_at_all(views: Views, house: House) -> None:
    house.says("wang", "one")
    catch_up(Projector(views, house.log, [notebook()]))
    before = position_of(views, "notebook")
    house.says("wang", "two")
    house.says("wang", "three")
    with pytest.raises(KilledError):
        Projector(views, house.log, [notebook(dies_of="three")]).step()
    assert (noted(views), position_of(views, "notebook")) == (["one"], before)
    catch_up(Projector(views, house.log, [notebook()]))
    assert noted(views) == ["one", "two", "three"]


def test_an_event_that_a_view_cannot_take_is_parked_and_all_others_go_on(views: Views, house: House) -> None:
    for text in ("one", "poison", "three"):
        house.says("wang", text)
    poisonous = next(
        recorded
        for recorded in house.everything()
        if isinstance(recorded.event, MessageReceived) and recorded.event.text.value == "poison"
    )
    catch_up(Projector(views, house.log, [notebook(refuses="poison"), *PROJECTIONS]))
    assert noted(views) == ["one", "three"]
    with views.read() as connection:
        (entry,) = parked(connection)
        assert (entry.view, entry.position, entry.stream) == (
            "notebook",
            poisonous.position,
            poisonous.stream,
        )
        assert entry.error == "ValueError: cannot bear it"
        assert {view.position for view in positions(connection)} == {house.log.head()}
        assert len(find(connection, "wang")) == 1


def test_a_parked_event_is_applied_later_once_it_can_be(views: Views, house: House) -> None:
    for text in ("one", "poison", "three"):
        house.says("wang", text)
    refusing = Projector(views, house.log, [notebook(refuses="poison")])
    catch_up(refusing)
    still = refusing.replay()
    assert (still.applied, len(still.still_parked)) == (0, 1)
    position = still.still_parked[0].position
    mended = Projector(views, house.log, [notebook()])
    assert mended.replay(position + 1).applied == 0
    assert (mended.replay(position).applied, mended.replay().still_parked) == (1, ())
    assert noted(views) == ["one", "poison", "three"]


def test_what_the_log_cannot_read_is_parked_and_taken_once_it_can(views: Views, house: House) -> None:
    for text in ("one", "two", "three"):
        house.says("wang", text)
    whole = house.everything()
    lost = next(recorded for recorded in whole if recorded.type == "customer-created/1")
    damaged = [replace(known, event=Unreadable("key missing")) if known is lost else known for known in whole]
    projector = Projector(views, GivenLog(damaged), PROJECTIONS)
    catch_up(projector)
    with views.read() as connection:
        assert {(entry.view, entry.error) for entry in parked(connection, position=lost.position)} == {
            (projection.name, "key missing") for projection in PROJECTIONS
        }
        assert find(connection, "#1") == []
    mended = Projector(views, GivenLog(whole), PROJECTIONS)
    assert mended.replay().still_parked == ()
    with views.read() as connection:
        assert [found.name for found in find(connection, "#1")] == ["Wang"]


def test_what_continues_a_parked_event_waits_with_it(views: Views, house: House) -> None:
    house.says("wang", "hello")
    delivery = house.plans("wang")
    house.sends(delivery)
    whole = house.everything()
    damaged = [
        replace(known, event=Unreadable("damaged")) if known.type == "delivery-planned/1" else known
        for known in whole
    ]
    catch_up(Projector(views, GivenLog(damaged), PROJECTIONS))
    mended = Projector(views, GivenLog(whole), PROJECTIONS)
    assert mended.replay().still_parked == ()
    assert verify(mended) == []


def test_views_that_were_deleted_come_back_by_themselves(open_views: OpenViews, tmp_path: Path) -> None:
    house = lived([(move, 1, move) for move in range(len(MOVES))])
    views = open_views("views")
    catch_up(Projector(views, house.log, PROJECTIONS))
    before = contents(views, PROJECTIONS)
    if views.is_postgres:
        with views.engine.begin() as connection:
            connection.execute(DropSchema(views.schema, cascade=True))
    views.close()
    for file in tmp_path.glob("views.db*"):
        file.unlink()
    again = open_views("views")
    catch_up(Projector(again, house.log, PROJECTIONS))
    assert contents(again, PROJECTIONS) == before


def test_tables_that_vanish_while_siyu_runs_are_made_and_filled_again(
    projector: Projector, house: House
) -> None:
    house.says("wang", "hello")
    catch_up(projector)
    before = contents(projector.views, PROJECTIONS)
    with projector.views.write() as connection:
        projector.views.drop(connection, list(METADATA.tables.values()))
    house.says("wang", "again")
    with pytest.raises(StoreUnavailable):
        projector.step()
    catch_up(projector)
    assert verify(projector) == []
    assert contents(projector.views, PROJECTIONS)["customers"] == before["customers"]


def scribble(views: Views) -> None:
    """Change a row behind the projector's back: it stays until the view is built anew."""
    with views.write() as connection:
        connection.execute(update(CUSTOMERS).values(remark="scribbled"))


def test_another_incarnation_of_the_log_builds_the_views_anew(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    catch_up(projector)
    before = contents(projector.views, PROJECTIONS)
    scribble(projector.views)
    house.log.new_incarnation()
    catch_up(projector)
    assert contents(projector.views, PROJECTIONS) == before


def test_another_log_of_the_same_name_builds_the_views_anew(views: Views) -> None:
    one, other = House(), House(seed=8)
    one.says("wang", "hello")
    other.says("li", "good morning")
    catch_up(Projector(views, one.log, PROJECTIONS))
    catch_up(Projector(views, other.log, PROJECTIONS))
    with views.read() as connection:
        assert [found.name for found in find(connection, "#1")] == ["Li"]


def test_a_new_version_builds_that_view_anew_and_leaves_the_others(views: Views, house: House) -> None:
    house.says("wang", "hello")
    catch_up(Projector(views, house.log, [notebook(), *PROJECTIONS]))
    scribble(views)
    with views.write() as connection:
        connection.execute(delete(NOTEBOOK))
    catch_up(Projector(views, house.log, [notebook(version=2), *PROJECTIONS]))
    assert noted(views) == ["hello"]
    with views.read() as connection:
        assert [found.remark for found in find(connection, "#1")] == ["scribbled"]
        assert ViewPosition("notebook", 2, house.log.head()) in positions(connection)


def test_a_view_that_a_newer_siyu_has_taken_over_is_left_alone(views: Views, house: House) -> None:
    house.says("wang", "one")
    old = Projector(views, house.log, [notebook()])
    catch_up(old)
    catch_up(Projector(views, house.log, [notebook(version=2)]))
    house.says("wang", "two")
    catch_up(old)
    assert noted(views) == ["one"]
    with views.read() as connection:
        assert [view.version for view in positions(connection)] == [2]


def test_verify_finds_rows_that_were_changed_by_hand(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    house.says("li", "hello")
    catch_up(projector)
    assert verify(projector) == []
    wang, li = house.customer("wang"), house.customer("li")
    with projector.views.write() as connection:
        connection.execute(update(CUSTOMERS).where(CUSTOMERS.c.customer == wang).values(remark="x", notes=7))
        connection.execute(delete(CUSTOMERS).where(CUSTOMERS.c.customer == li))
        connection.execute(
            insert(TIMELINE),
            [{"position": 999, "place": 999, "kind": "note", "at": house.now, "event": "", "actor": ""}],
        )
    assert set(verify(projector)) == {
        Difference("customers", "customers", (wang,), "remark, notes"),
        Difference("customers", "customers", (li,), "missing"),
        Difference("timeline", "timeline", (999, 0), "extra"),
    }
    assert verify(projector, ["contacts"]) == []
    with pytest.raises(Rejected, match="there is no view 'contcts'"):
        verify(projector, ["contcts"])


def test_a_rebuild_mends_a_view_and_tells_how_far_it_is(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    catch_up(projector)
    scribble(projector.views)
    told: list[tuple[int, int]] = []
    projector.rebuild(["customers"], lambda done, total: told.append((done, total)))
    head = house.log.head()
    assert told == [(0, head), (head, head)]
    assert verify(projector) == []
    projector.rebuild()
    assert verify(projector) == []


def test_two_processes_apply_each_event_once(open_views: OpenViews) -> None:
    house = lived([(move, move, move + n) for n in range(3) for move in range(len(MOVES))])
    both = [Projector(open_views("views"), house.log, PROJECTIONS) for _ in range(2)]
    failures: list[BaseException] = []

    def drive(projector: Projector) -> None:
        try:
            for until in range(0, house.log.head() + 1, 3):
                projector.step(until)
            catch_up(projector)
        except BaseException as error:  # noqa: BLE001  # told to the test
            failures.append(error)

    threads = [threading.Thread(target=drive, args=(projector,)) for projector in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert verify(both[0]) == []


def test_a_store_that_is_locked_is_unavailable_and_nothing_is_lost(
    open_views: OpenViews, house: House
) -> None:
    house.says("wang", "hello")
    theirs = open_views("views")
    catch_up(Projector(theirs, house.log, PROJECTIONS))
    house.says("wang", "again")
    if theirs.is_postgres:
        hurried = Views(
            theirs.engine.url.render_as_string(hide_password=False), theirs.schema, busy_timeout_s=0.05
        )
    else:
        hurried = Views(Path(theirs.engine.url.database or ""), busy_timeout_s=0.05)
    ours = Projector(hurried, house.log, PROJECTIONS)
    with theirs.write() as connection:
        connection.execute(
            update(METADATA.tables["positions"]).values(version=METADATA.tables["positions"].c.version)
        )
        with pytest.raises(StoreUnavailable):
            ours.step()
    catch_up(ours)
    assert verify(ours) == []
    hurried.close()


async def test_a_reader_waits_until_the_views_have_come_so_far(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    head = house.log.head()
    waiting = asyncio.create_task(projector.wait_for(head, timeout_s=30))
    await asyncio.sleep(0)
    assert not waiting.done()
    await asyncio.to_thread(catch_up, projector)
    await waiting
    await projector.wait_for(head, timeout_s=0)


async def test_a_reader_does_not_wait_for_ever(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    with pytest.raises(StoreUnavailable, match="the views are behind"):
        await projector.wait_for(house.log.head(), timeout_s=0.01)


def test_a_destroyed_key_reads_as_forgotten(views: Views, house: House) -> None:
    house.says("wang", "hello")
    house.do(NameCustomer(customer=house.customer("wang"), remark=Personal.sealed(lambda: "[forgotten]")))
    catch_up(Projector(views, house.log, PROJECTIONS))
    with views.read() as connection:
        known = customer(connection, house.customer("wang"))
    assert known is not None
    assert known.name == "[forgotten]"
