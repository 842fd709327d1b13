"""What must hold for all registered views, on both stores."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.registry import EVENT_TYPES
from projections.engine import BATCH, Projector, Views, verify
from projections.registry import projections
from tests.projections.conftest import OpenViews
from tests.projections.house import MOVES, House, lived, matches
from tests.projections.reading import GivenLog, catch_up, contents

PROJECTIONS = projections(matches)
NOT_SHOWN = {
    "UpdateNotUnderstood",
    "ReachabilityReported",
    "GroupChangeReported",
}
"""What only deciders look at, or what is shown by the events that it brings about."""

HISTORIES = st.lists(st.tuples(st.integers(0, len(MOVES) - 1), st.integers(0, 5), st.integers(0, 11)), max_size=40)
on_a_store = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12, deadline=None)


def rebuilt(open_views: OpenViews, house: House) -> Views:
    views = open_views()
    catch_up(Projector(views, house.log, PROJECTIONS))
    return views


@on_a_store
@given(moves=HISTORIES, sizes=st.lists(st.integers(1, 30), min_size=1, max_size=20))
def test_a_view_that_grew_with_the_log_equals_one_that_is_rebuilt_from_it(
    open_views: OpenViews, moves: Sequence[tuple[int, int, int]], sizes: Sequence[int]
) -> None:
    house = lived(moves)
    grown = open_views()
    projector = Projector(grown, house.log, PROJECTIONS)
    position = 0
    for size in sizes:
        position += size
        projector.step(until=position)
    catch_up(projector)
    assert contents(grown, PROJECTIONS) == contents(rebuilt(open_views, house), PROJECTIONS)
    assert verify(projector) == []


@on_a_store
@given(moves=HISTORIES, data=st.data())
def test_events_delivered_again_change_nothing(
    open_views: OpenViews, moves: Sequence[tuple[int, int, int]], data: st.DataObject
) -> None:
    house = lived(moves)
    name = f"again{id(house)}"
    projector = Projector(open_views(name), house.log, PROJECTIONS)
    projector.step(until=data.draw(st.integers(0, house.log.head())))
    other = Projector(open_views(name), house.log, PROJECTIONS)  # it stands where the first one stood
    other.step(until=0)
    catch_up(projector)
    before = contents(projector.views, PROJECTIONS)
    catch_up(other)
    assert contents(other.views, PROJECTIONS) == before


def test_every_event_is_shown_by_some_view() -> None:
    shown = {kind.__name__ for projection in PROJECTIONS for kind in projection.listens_to}
    assert shown | NOT_SHOWN == {kind.__name__ for kind in EVENT_TYPES.values()}
    assert not shown & NOT_SHOWN


def test_names_and_tables_of_views_are_their_own() -> None:
    names = [projection.name for projection in PROJECTIONS]
    tables = [table.name for projection in PROJECTIONS for table in projection.tables]
    assert len(set(names)) == len(names)
    assert len(set(tables)) == len(tables)


def test_a_history_longer_than_a_batch_is_taken_batch_by_batch(views: Views, house: House) -> None:
    house.says("wang", "hello")
    first = house.everything()
    message = next(recorded for recorded in first if recorded.type == "message-received/1")
    more = [
        replace(message, position=len(first) + n, stream=f"inbound-{n}")  # type: ignore[arg-type]  # a plain stream id
        for n in range(1, BATCH + 2)
    ]
    projector = Projector(views, GivenLog([*first, *more]), PROJECTIONS)
    assert [projector.step(), projector.step(), projector.step()] == [BATCH, len(first) + 1, 0]
    assert verify(projector) == []


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: projection.name)
def test_each_view_rebuilds_alone(open_views: OpenViews, projection: object) -> None:
    house = lived([(move, move, move) for move in range(len(MOVES))] * 2)
    together = rebuilt(open_views, house)
    chosen = [known for known in PROJECTIONS if known is projection]
    alone = open_views()
    catch_up(Projector(alone, house.log, chosen))
    assert contents(alone, chosen) == contents(together, chosen)
