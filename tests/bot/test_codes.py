"""siyu codes: a file's codes come into a pool all at once, or none where one is wrong."""

import json
from pathlib import Path

import pytest

from bot.control_server import perform
from bot.operations import codes as operation
from domain.codes.events import CodesAdded, PoolExpirySet
from domain.errors import BadInput
from domain.identity import Locale
from tests.bot.premises import Premises

CANARY = "CANARY-4711"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


def written(folder: Path, text: str | bytes, name: str = "codes.csv") -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def told(premises: Premises, name: str, locale: str = "en", **arguments: object) -> tuple[int, list[str]]:
    """How it ended, and what it said."""
    messages = list(perform(premises.house, name, arguments, Locale(locale)))
    lines = [
        str(message.get("line") or message.get("error")) for message in messages if message.keys() - {"exit"}
    ]
    return int(messages[-1]["exit"]), lines


def adds(premises: Premises, file: str, pool: str = "tea", expires: str = "") -> tuple[int, list[str]]:
    return told(premises, "codes-add", pool=pool, file=file, expires=expires)


def test_codes_are_added_and_listed(premises: Premises, files: Path) -> None:
    file = written(files, "code,note\nTEA-1,first\nTEA-2,\n\nTEA-3\n")
    assert adds(premises, file, expires="2026-12-31") == (
        0,
        ["3 codes added to the pool tea: 3 are left."],
    )
    (added,) = premises.events(CodesAdded)
    assert (added.codes.value, added.first) == (["TEA-1", "TEA-2", "TEA-3"], 1)
    (ends,) = premises.events(PoolExpirySet)
    assert (
        ends.expires_at.isoformat() == "2026-12-31T16:00:00+00:00"
    )  # midnight in Shanghai, at the day's end
    assert told(premises, "codes-list") == (0, ["tea: 3 left of 3, 0 given out, 0 redeemed"])
    assert told(premises, "codes-list", "zh") == (0, ["tea：共 3 个，剩 3 个，已发 0 个，已核销 0 个"])
    (line,) = told(premises, "codes-list", json=True)[1]
    assert json.loads(line) == {
        "pool": "tea",
        "added": 3,
        "taken": 0,
        "redeemed": 0,
        "left": 3,
        "withdrawn": 0,
        "in_doubt": False,
        "expires_at": "2026-12-31T16:00:00Z",
    }


@pytest.mark.parametrize(
    "text",
    ["﻿券码\r\nTEA-1\r\nTEA-2\r\n".encode(), "券码\nTEA-1\nTEA-2\n".encode("gb18030"), b"TEA-1;x\nTEA-2;y"],
    ids=["excel", "gb18030", "semicolons"],
)
def test_files_are_read_as_people_export_them(premises: Premises, files: Path, text: bytes) -> None:
    assert adds(premises, written(files, text))[0] == 0
    assert premises.events(CodesAdded)[0].codes.value == ["TEA-1", "TEA-2"]


def test_more_codes_come_behind_those_that_are_there(premises: Premises, files: Path) -> None:
    adds(premises, written(files, "A\nB\n"))
    assert adds(premises, written(files, "C\n")) == (0, ["1 codes added to the pool tea: 3 are left."])
    assert [added.first for added in premises.events(CodesAdded)] == [1, 3]


def test_a_wrong_or_known_code_is_told_with_its_line_and_nothing_is_added(
    premises: Premises, files: Path
) -> None:
    adds(premises, written(files, "TEA-1\n"), pool="old")
    before = len(premises.everything())
    wrong = f"TEA-2\ntea-2\nTEA-1\nwith blank\n{'x' * 65}\nTEA-3\n"
    assert adds(premises, written(files, wrong)) == (
        2,
        [
            "line 2: the same code stands in line 1",
            "line 3: this code is in the pool old already",
            "line 4: a code has 1 to 64 letters, digits and signs, and no blank",
            "line 5: a code has 1 to 64 letters, digits and signs, and no blank",
            "Nothing was added: correct the file and try again.",
        ],
    )
    assert len(premises.everything()) == before


def test_a_row_that_cannot_be_read_is_told_with_its_line(premises: Premises, files: Path) -> None:
    code, lines = adds(premises, written(files, 'TEA-1\n"TEA-2\nTEA-3\n'))
    assert (code, lines[0]) == (2, "line 2: a quote is not closed, or stands where none belongs")


def test_of_many_faults_the_first_are_told(premises: Premises, files: Path) -> None:
    code, lines = adds(premises, written(files, "A\n" + "A\n" * 30))
    assert (code, len(lines), lines[-2]) == (2, 22, "… and 10 more")


@pytest.mark.parametrize(
    "pool, text, expires, complaint",
    [
        ("Tea!", "A", "", "a pool's name is of a-z, 0-9 and -, 40 at most, such as summer-2026"),
        ("tea", "code\n", "", "codes.csv holds no codes"),
        ("tea", "", "", "codes.csv is empty"),
        ("tea", "A", "soon", "'soon' is no date: write it as 2026-12-31"),
        ("tea", "A", "2026-11-19", "codes cannot expire in the past"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(
    premises: Premises, files: Path, pool: str, text: str, expires: str, complaint: str
) -> None:
    assert adds(premises, written(files, text), pool, expires)[1] == [complaint]
    assert premises.events(CodesAdded) == []


def test_a_file_that_is_too_long_is_told_so(premises: Premises, files: Path) -> None:
    text = "".join(f"{number}\n" for number in range(operation.MOST_CODES + 1))
    with pytest.raises(BadInput, match="holds more than 100000 codes: split it"):
        list(operation.add_codes(premises.house, "tea", written(files, text)))


def test_many_codes_come_in_one_append_as_few_events(premises: Premises, files: Path) -> None:
    adds(premises, written(files, "".join(f"C{number}\n" for number in range(1_234))))
    assert [(e.first, len(e.digests)) for e in premises.events(CodesAdded)] == [
        (1, 500),
        (501, 500),
        (1001, 234),
    ]


@pytest.fixture
def canaries(tmp_path: Path, files: Path) -> Path:
    premises = Premises(tmp_path / "data")
    adds(premises, written(files, f"{CANARY}\n"))
    premises.house.catch_up()
    premises.close()
    return tmp_path / "data"


def test_no_code_lies_in_clear_in_any_store(canaries: Path) -> None:
    """Upper and lower case: what is kept of a code is made of its folded form."""
    stores = [path for path in canaries.rglob("*") if path.is_file()]
    assert {"log.db", "views.db"} <= {path.name for path in stores}
    assert [path.name for path in stores if CANARY.lower().encode() in path.read_bytes().lower()] == []
