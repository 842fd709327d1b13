"""Changes: what is written by the driver is what SQLAlchemy would have written, and fails as it would have."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    MetaData,
    String,
    Table,
    bindparam,
    cast,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from projections.change import Addition, Change, Values
from projections.engine import Views
from projections.engine.store import is_store_trouble
from projections.schema import Utc, one_asked_for

KEPT = Table(
    "kept",
    MetaData(),
    Column("key", String, primary_key=True),
    Column("of", BigInteger),
    Column("at", Utc),
    Column("day", Date),
    Column("there", Boolean, nullable=False),
    Column("data", JSON(none_as_null=True)),
)
NAMES = tuple(KEPT.columns.keys())
KEEP = Change(insert(KEPT), NAMES)
MOVE = Change(
    update(KEPT).where(KEPT.c.key == bindparam("which")).values(of=bindparam("to"), at=bindparam("then")),
    ("which", "to", "then"),  # not as the statement has them
)
DROP = Change(delete(KEPT).where(one_asked_for(KEPT.c.key, "keys")), ("keys",))
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROWS: list[Values] = [
    ("one", 2**40, NOON, date(2026, 11, 22), True, {"says": "你好", "all": [1, None]}),
    ("two", None, None, None, False, None),
]


@pytest.fixture
def connection(views: Views) -> Iterator[Connection]:
    with views.write() as connection:
        views.make(connection, [])  # the schema
        KEPT.metadata.create_all(connection)
        yield connection


def kept(connection: Connection) -> list[Values]:
    return [tuple(row) for row in connection.execute(select(KEPT).order_by(KEPT.c.key))]


def test_what_a_change_writes_reads_as_what_sqlalchemy_writes(connection: Connection) -> None:
    connection.execute(insert(KEPT), [dict(zip(NAMES, row, strict=True)) for row in ROWS])
    theirs = kept(connection)
    connection.execute(delete(KEPT))
    KEEP.make(connection, ROWS)
    assert kept(connection) == theirs == ROWS


def test_values_go_where_their_names_say_and_a_moment_is_one_in_every_zone(connection: Connection) -> None:
    KEEP.make(connection, ROWS)
    elsewhere = NOON.astimezone(timezone(timedelta(hours=8)))
    MOVE.make(connection, [("two", 7, elsewhere), ("one", None, None)])
    assert [row[:3] for row in kept(connection)] == [("one", None, None), ("two", 7, NOON)]
    DROP.make(connection, [(["one", "nobody"],)])
    assert [row[0] for row in kept(connection)] == ["two"]


@pytest.mark.parametrize("row", [ROWS[0][:-1], (*ROWS[0], "more")])
def test_a_row_of_another_length_is_refused(connection: Connection, row: Values) -> None:
    with pytest.raises(ValueError, match="values"):
        KEEP.make(connection, [row])
    with pytest.raises(ValueError, match="zip"):
        KEEP.make(connection, [ROWS[0], row])
    assert kept(connection) == []


def test_a_parameter_that_the_statement_does_not_have_is_refused(connection: Connection) -> None:
    with pytest.raises(TypeError, match="the parameters are"):
        Change(insert(KEPT), NAMES[:-1]).make(connection, [ROWS[0][:-1]])


def test_what_breaks_a_rule_of_the_table_is_the_rows_fault_and_no_value_is_kept_with_it(
    connection: Connection,
) -> None:
    with pytest.raises(IntegrityError) as caught, connection.begin_nested():
        KEEP.make(connection, [ROWS[0], (*ROWS[1][:4], None, {"name": "Wang Wei"})])
    assert not is_store_trouble(caught.value)
    assert "INSERT INTO kept" in str(caught.value)
    assert caught.value.params is None
    assert kept(connection) == []


def test_a_table_that_is_gone_is_the_stores_fault(connection: Connection) -> None:
    KEPT.drop(connection)
    with pytest.raises((OperationalError, ProgrammingError)) as caught, connection.begin_nested():
        KEEP.make(connection, ROWS)
    assert is_store_trouble(caught.value)


def test_columns_that_are_empty_in_all_new_rows_are_not_named(
    connection: Connection,
) -> None:
    add = Addition(KEPT)
    for rows in (ROWS[1:], ROWS[:1], [("three", 3, None, None, True, None)]):
        add.make(connection, rows)
    assert kept(connection) == [ROWS[0], ("three", 3, None, None, True, None), ROWS[1]]


def test_what_the_store_would_not_leave_empty_by_itself_is_always_told(connection: Connection) -> None:
    table = Table(
        "told",
        KEPT.metadata,
        Column("key", String, primary_key=True),
        Column("given", String, default="x"),
        Column("data", JSON),
        schema=KEPT.schema,
    )
    table.create(connection)
    Addition(table).make(connection, [("one", None, None)])
    (row,) = connection.execute(select(table.c.key, table.c.given, cast(table.c.data, String)))
    table.drop(connection)
    KEPT.metadata.remove(table)
    assert tuple(row) == ("one", None, "null")


@pytest.mark.parametrize("row", [ROWS[0][:-1], (*ROWS[0], "more")])
def test_a_new_row_of_another_length_is_refused(connection: Connection, row: Values) -> None:
    with pytest.raises(ValueError, match="values"):
        Addition(KEPT).make(connection, [row])
    with pytest.raises(ValueError, match="zip"):
        Addition(KEPT).make(connection, [ROWS[0], row])
    assert kept(connection) == []
