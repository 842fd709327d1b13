"""Tables as people export them: whatever is wrong with one row, the others are read."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ingest.table import CHUNK_BYTES, LONGEST_LINE, MOST_LINES, Row, rows
from domain.errors import BadInput
from tests.bot.ingest.samples import written

HEADER = "订单号,金额,商品\n"
BAD_QUOTE = "a quote is not closed, or stands where none belongs"
NO_TEXT = "some of it is no text in the file's encoding"


def read(path: Path) -> list[tuple[int, tuple[str, ...] | str]]:
    return [(row.line, row.cells if row.problem is None else str(row.problem)) for row in rows(path)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_is_read_in_the_encodings_that_calculators_write(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, f"{HEADER}A1,99,龙井𠮷\n", encoding)
    assert read(path) == [(1, ("订单号", "金额", "商品")), (2, ("A1", "99", "龙井𠮷"))]


def test_a_file_with_an_english_header_is_read_in_the_encoding_of_its_rows(tmp_path: Path) -> None:
    for encoding in ("utf-8", "gb18030"):
        path = written(tmp_path, "order_number,items\nA1,龙井\n", encoding)
        assert read(path)[1] == (2, ("A1", "龙井"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_commas_semicolons_and_tabs_part_the_cells(tmp_path: Path, delimiter: str) -> None:
    path = written(tmp_path, f"a{delimiter}b{delimiter}c\r\n1{delimiter}2{delimiter}3\r\n")
    assert read(path) == [(1, ("a", "b", "c")), (2, ("1", "2", "3"))]


def test_quoted_cells_may_hold_commas_quotes_and_lines(tmp_path: Path) -> None:
    path = written(tmp_path, 'a,b\n"one, ""two""\nand three",2\n\n,\nlast,1')
    assert read(path) == [(1, ("a", "b")), (2, ('one, "two"\nand three', "2")), (6, ("last", "1"))]


def test_a_quote_that_is_never_closed_costs_its_own_line_and_no_other(tmp_path: Path) -> None:
    more = "".join(f"row{n},{n}\n" for n in range(MOST_LINES * 2))
    path = written(tmp_path, f'a,b\nbefore,1\n"open,2\n{more}')
    found = read(path)
    assert found[2] == (3, BAD_QUOTE)
    assert len(found) == 3 + MOST_LINES * 2
    assert found[-1] == (3 + MOST_LINES * 2, (f"row{MOST_LINES * 2 - 1}", str(MOST_LINES * 2 - 1)))


def test_a_quote_that_is_never_closed_does_not_take_the_rest_of_the_file_in(tmp_path: Path) -> None:
    path = written(tmp_path, 'a,b\n"open,2\n' + "row,1\n" * 10_000)
    found = rows(path, chunk_bytes=64)
    assert [str(next(found).problem) for _ in range(2)] == ["None", BAD_QUOTE]
    path.write_text("")  # what was not read yet is gone
    assert len(list(found)) < 2_000  # of 10,000: a buffer more


def test_a_quote_in_the_wrong_place_costs_its_own_line(tmp_path: Path) -> None:
    path = written(tmp_path, 'a,b\n"x"y,1\nlast,2\n')
    assert read(path) == [(1, ("a", "b")), (2, BAD_QUOTE), (3, ("last", "2"))]


def test_bytes_that_are_no_text_cost_their_own_row(tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_bytes(HEADER.encode() + b"A1,99,\xff\xfe\n" + "A2,99,龙井\n".encode())
    assert read(path)[1:] == [(2, NO_TEXT), (3, ("A2", "99", "龙井"))]


def test_an_empty_file_and_a_line_without_an_end_are_no_tables(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is empty"):
        list(rows(written(tmp_path, "")))
    with pytest.raises(BadInput, match="line 2 is longer than any table's"):
        list(rows(written(tmp_path, "a,b\n" + "x" * (LONGEST_LINE + CHUNK_BYTES))))


def test_how_far_it_is_grows_to_the_end_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n" + "龙井,2\n" * 20)
    places = [row.at for row in rows(path, chunk_bytes=16)]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (16, path.stat().st_size)


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=12)


@given(st.lists(st.tuples(CELL, CELL), max_size=12))
def test_whatever_was_quoted_comes_back(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]]
) -> None:
    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"'

    lines = "".join(f"{quoted(one)},{quoted(other)}\n" for one, other in pairs)
    path = written(tmp_path_factory.mktemp("csv"), "a,b\n" + lines)
    stripped = [(one.strip(), other.strip()) for one, other in pairs]
    assert [row.cells for row in rows(path)][1:] == [pair for pair in stripped if any(pair)]


@given(st.binary(max_size=300))
def test_any_bytes_at_all_are_rows_or_no_table(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("csv") / "any.csv"
    path.write_bytes(content)
    try:
        found = list(rows(path))
    except BadInput:
        return
    assert all(isinstance(row, Row) for row in found)
