"""docs/proof.md names tests that exist, and every row of the test matrix that is promised so far."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROMISED = [
    "D1",
    "D2",
    "D3",
    "D4",
    "D5",
    "D6",
    "D7",
    "D8",
    "D9",
    "D10",
    "D11",
    "D12",
    "D13",
    "D14",
    "D15",
    "D16",
    "D17",
    "D18",
    "D19",
    "D20",
    "D21",
    "D22",
    "I1",
    "I2",
    "I3",
    "X1",
    "X2",
    "X3",
    "X7",
    "X11",
    "P1",
    "P2",
    "P3",
    "P4",
    "P5",
]
ROW = re.compile(r"^\| ([A-Z]\d+)\b[^|]*\|[^|]+\|([^|]+)\|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def rows() -> dict[str, list[tuple[str, str]]]:
    """Each row of the table with the (file, test) that it names."""
    text = (ROOT / "docs" / "proof.md").read_text(encoding="utf-8")
    return {row: NAMED.findall(shown_by) for row, shown_by in ROW.findall(text)}


def defined_in(file: str) -> set[str]:
    """The tests that a file defines; none for a file that does not exist."""
    path = ROOT / file
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
    found = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {function.name for function in found if function.name.startswith("test_")}


def test_every_promised_row_has_a_proof() -> None:
    proven = rows()
    assert [row for row in PROMISED if not proven.get(row)] == []


def test_every_test_that_is_named_exists() -> None:
    named = {test for tests in rows().values() for test in tests}
    missing = [f"{file}::{name}" for file, name in sorted(named) if name not in defined_in(file)]
    assert missing == []


def test_nothing_in_the_table_looks_like_a_test_and_is_none() -> None:
    text = (ROOT / "docs" / "proof.md").read_text(encoding="utf-8")
    assert text.count("::test_") == sum(map(len, rows().values()))
