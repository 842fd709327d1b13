"""The scanner finds what is there: the negative control of every scan that finds nothing."""

import base64
import gzip
import io
import json
import os
import sqlite3
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.scenarios.bytescan import found_in, names_in, scan

CANARY = "canary 金丝雀 zq77?"
AROUND = os.urandom(500)


def _zipped(text: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/name.txt", text)
    return file.getvalue()


HIDING: dict[str, Callable[[str], bytes]] = {
    "UTF-8": str.encode,
    "UTF-16LE": lambda text: text.encode("utf-16-le"),
    "UTF-16BE": lambda text: text.encode("utf-16-be"),
    "JSON": lambda text: json.dumps({"text": text}).encode(),
    "JSON in JSON": lambda text: json.dumps(json.dumps({"text": text})).encode(),
    "hex": lambda text: text.encode().hex().encode(),
    "HEX": lambda text: text.encode().hex().upper().encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64 behind 1": lambda text: base64.b64encode(b"x" + text.encode() + b"rest"),
    "base64 behind 2": lambda text: base64.b64encode(b"xy" + text.encode() + b"rest"),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(b"xy" + text.encode() + b"rest"),
    "zlib": lambda text: zlib.compress(os.urandom(99) + text.encode()),
    "zlib, stored": lambda text: zlib.compress(text.encode(), 0),
    "zlib, best": lambda text: zlib.compress(text.encode(), 9),
    "gzip": lambda text: gzip.compress(text.encode()),
    "zlib cut off": lambda text: zlib.compress(text.encode() + os.urandom(9_000))[:5_000],
    "gzip in zlib": lambda text: zlib.compress(gzip.compress(text.encode())),
    "base64 in zlib": lambda text: zlib.compress(base64.b64encode(text.encode())),
    "zip": _zipped,
}


@pytest.mark.parametrize("how", HIDING)
def test_a_canary_is_found_however_it_lies_there(how: str) -> None:
    content = AROUND + HIDING[how](CANARY) + AROUND
    assert found_in(content, {"it": CANARY, "another": "canary zq78, which is nowhere"}) == {"it"}


def test_a_piece_of_a_file_is_found_too() -> None:
    piece = os.urandom(48)
    assert found_in(AROUND + base64.b64encode(b"z" + piece + b"z"), {"it": piece}) == {"it"}
    assert found_in(AROUND, {"it": piece}) == set()


def test_files_are_found_at_any_depth_and_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "one").write_bytes(AROUND + CANARY.encode())
    (tmp_path / "a" / "of zq79").write_bytes(b"")
    (tmp_path / "clean").write_bytes(AROUND)
    hits = scan({"text": CANARY, "name": "zq79"}, tmp_path)
    assert hits == {str(tmp_path / "a" / "b" / "one"): {"text"}, str(tmp_path / "a" / "of zq79"): {"name"}}
    assert names_in(hits) == {"text", "name"}


def test_what_sqlite_only_marked_as_deleted_is_found(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("CREATE TABLE said (text)")
        connection.execute("INSERT INTO said VALUES (?)", (CANARY,))
        connection.commit()
        connection.execute("DELETE FROM said")
        connection.commit()
    assert names_in(scan({"it": CANARY}, tmp_path)) == {"it"}
