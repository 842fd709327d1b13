"""Questions that are compiled once: they answer as the connection itself would."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import bindparam, insert, select

from domain.errors import StoreUnavailable
from projections.engine import Views
from projections.question import Question
from projections.schema import moments, one_asked_for
from projections.timeline.tables import TIMELINE

NOON = datetime(2026, 11, 20, 4, 0, 0, 123_456, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ROW = {"kind": "message", "event": "e", "actor": "customer", "place": 1}


def written(views: Views) -> None:
    """Three rows, a minute apart; the second has whatever a row can have."""
    rich = {"text": "你好", "forwarded": True, "choices": [["yes", "y"]], "states": [[2, "planned", None]]}
    with views.write() as connection:
        views.make(connection, [TIMELINE])
        for number in (1, 2, 3):
            row = {**ROW, "position": number, "contact": f"k{number}", "at": NOON + timedelta(minutes=number)}
            connection.execute(insert(TIMELINE), [row | (rich if number == 2 else {})])


def test_rows_are_what_the_connection_itself_would_answer(views: Views) -> None:
    written(views)
    statement = select(TIMELINE).order_by(TIMELINE.c.position)
    question = Question(statement)
    with views.read() as connection:
        assert question.ask(connection) == [tuple(row) for row in connection.execute(statement)]
        (second,) = Question(statement.where(TIMELINE.c.position == 2)).ask(connection)
    told = dict(zip(TIMELINE.columns.keys(), second, strict=True))
    assert (told["at"], told["forwarded"]) == (NOON + timedelta(minutes=2), True)
    assert (told["choices"], told["states"]) == ([["yes", "y"]], [[2, "planned", None]])


def test_a_question_is_asked_again_with_other_values(views: Views) -> None:
    written(views)
    question = Question(
        select(TIMELINE.c.contact)
        .where(TIMELINE.c.at >= bindparam("since"), one_asked_for(TIMELINE.c.contact, "contacts"))
        .where(TIMELINE.c.kind == "message")
        .order_by(TIMELINE.c.position)
    )
    with views.read() as connection:

        def found(minutes: int, *contacts: str) -> list[str]:
            since = NOON + timedelta(minutes=minutes)
            return [contact for (contact,) in question.ask(connection, since=since, contacts=list(contacts))]

        assert found(1, "k1", "k3") == ["k1", "k3"]
        assert found(2, "k1", "k2") == ["k2"]
        assert found(0) == []


@pytest.mark.parametrize("asked", [{}, {"contact": "k1", "account": "x"}, {"contacts": "k1"}])
def test_a_question_wants_a_value_for_each_parameter_and_for_no_other(
    views: Views, asked: dict[str, str]
) -> None:
    written(views)
    question = Question(select(TIMELINE.c.text).where(TIMELINE.c.contact == bindparam("contact")))
    with views.read() as connection, pytest.raises(TypeError, match="contact"):
        question.ask(connection, **asked)


def test_a_store_that_cannot_answer_is_unavailable(views: Views) -> None:
    question = Question(select(TIMELINE))
    with pytest.raises(StoreUnavailable), views.read() as connection:
        question.ask(connection)
    written(views)
    with views.read() as connection:
        assert len(question.ask(connection)) == 3


@given(st.lists(st.none() | st.integers(-(2**44), 2**54)))
def test_moments_are_exact_to_the_microsecond(column: list[int | None]) -> None:
    exactly = [None if us is None else EPOCH + timedelta(microseconds=us) for us in column]
    assert list(moments(column)) == exactly


@pytest.mark.parametrize(
    "us", [2**32 * 1_000_000 - 1, 2**53 + 1, -62_135_596_800_000_000, 253_402_300_799_999_999]
)
def test_the_first_and_the_last_moments_are_exact_too(us: int) -> None:
    assert list(moments([us, None, 1])) == [
        EPOCH + timedelta(microseconds=us),
        None,
        EPOCH + timedelta(microseconds=1),
    ]
