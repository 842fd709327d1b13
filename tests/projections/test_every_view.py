"""What must hold for all registered views, on both stores."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.registry import EVENT_TYPES
from projections.engine import BATCH, Projector, Views, verify
from projections.projection import Projection
from projections.registry import projections
from tests.projections.conftest import OpenViews
from tests.projections.house import MOVES, House, lived, matches
from tests.projections.reading import GivenLog, catch_up, contents

PROJECTIONS = projections(matches)
NOT_SHOWN = {
    "UpdateNotUnderstood",
    "ReceiptReported",
    "AnswerAsked",
    "AnswerEnded",
    "CardsMuted",
    "CardsUnmuted",
    "GroupChangeReported",
    "ContactForgotten",
    "AddressSuppressed",
    "IdentifierHeld",
    "ReceiptExpected",
    "ReceiptCame",
    "GroupAnswered",
    "DeliveryRecallAsked",
    "DeliveryRecallRefused",
    "CodeTaken",
    "BrandMediaKept",
    "OrderAwaited",
}
"""What only deciders look at, or what is shown by the events that it brings about."""

MOVED = st.tuples(st.integers(0, len(MOVES) - 1), st.integers(0, 5), st.integers(0, 11))
HISTORIES = st.lists(MOVED, max_size=40)
SIZES = st.lists(st.integers(1, 30), min_size=1, max_size=20)
quickly = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None
)
thoroughly = settings(quickly, max_examples=100)

Moves = Sequence[tuple[int, int, int]]


def long_history(seed: int) -> Moves:
    """About 150 events of all kinds."""
    numbers = random.Random(seed)
    return [(numbers.randrange(len(MOVES)), numbers.randrange(6), numbers.randrange(12)) for _ in range(120)]


def rebuilt(open_views: OpenViews, house: House) -> Views:
    views = open_views()
    catch_up(Projector(views, house.log, PROJECTIONS))
    return views


def grown_equals_rebuilt(open_views: OpenViews, moves: Moves, sizes: Sequence[int]) -> None:
    house = lived(moves)
    grown = Projector(open_views(), house.log, PROJECTIONS)
    position = 0
    for size in sizes:
        position += size
        grown.step(until=position)
    catch_up(grown)
    fresh = rebuilt(open_views, house)
    assert contents(grown.views, PROJECTIONS) == contents(fresh, PROJECTIONS)
    for views in (grown.views, fresh):
        views.close()  # a server has a hundred connections, and hypothesis comes often


def again_changes_nothing(open_views: OpenViews, moves: Moves, until: int) -> None:
    house = lived(moves)
    name = f"again{next(NUMBERS)}"
    first, second = (Projector(open_views(name), house.log, PROJECTIONS) for _ in range(2))
    first.step(until)
    second.step(until=0)  # stands where the first stands
    catch_up(first)
    before = contents(first.views, PROJECTIONS)
    catch_up(second)  # is given the rest once more
    assert contents(second.views, PROJECTIONS) == before
    for projector in (first, second):
        projector.views.close()


NUMBERS = itertools.count()


def test_a_view_that_grew_with_the_log_equals_one_that_is_rebuilt_from_it(open_views: OpenViews) -> None:
    grown_equals_rebuilt(open_views, long_history(1), [1, 2, 3, 5, 8, 13, 21, 34])


def test_events_delivered_again_change_nothing(open_views: OpenViews) -> None:
    again_changes_nothing(open_views, long_history(2), until=40)


@pytest.mark.parametrize("open_views", ["sqlite"], indirect=True)
@quickly
@given(moves=HISTORIES, sizes=SIZES)
def test_whatever_happened_a_grown_view_equals_a_rebuilt_one(
    open_views: OpenViews, moves: Moves, sizes: Sequence[int]
) -> None:
    grown_equals_rebuilt(open_views, moves, sizes)


@pytest.mark.parametrize("open_views", ["sqlite"], indirect=True)
@quickly
@given(moves=HISTORIES, until=st.integers(0, 60))
def test_whatever_happened_a_second_delivery_changes_nothing(
    open_views: OpenViews, moves: Moves, until: int
) -> None:
    again_changes_nothing(open_views, moves, until)


@pytest.mark.nightly
@thoroughly
@given(moves=HISTORIES, sizes=SIZES)
def test_over_many_histories_a_grown_view_equals_a_rebuilt_one(
    open_views: OpenViews, moves: Moves, sizes: Sequence[int]
) -> None:
    grown_equals_rebuilt(open_views, moves, sizes)


@pytest.mark.nightly
@thoroughly
@given(moves=HISTORIES, until=st.integers(0, 60))
def test_over_many_histories_a_second_delivery_changes_nothing(
    open_views: OpenViews, moves: Moves, until: int
) -> None:
    again_changes_nothing(open_views, moves, until)


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
@pytest.mark.parametrize("open_views", ["sqlite"], indirect=True)
def test_each_view_rebuilds_alone(open_views: OpenViews, projection: Projection) -> None:
    house = lived(long_history(3))
    alone = open_views()
    catch_up(Projector(alone, house.log, [projection]))
    assert contents(alone, [projection]) == contents(rebuilt(open_views, house), [projection])


def test_a_long_history_verifies(views: Views) -> None:
    assert verify(Projector(views, lived(long_history(4)).log, PROJECTIONS)) == []
