"""Tables as people export them: CSV in UTF-8 or GB18030, with commas, semicolons or tabs, read a row at a time.

Whatever is wrong with one row is said of that row, and the next one is read.
"""

import codecs
import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from domain.errors import BadInput

CHUNK_BYTES = 1 << 20
LONGEST_LINE = 1 << 20
"""Characters; more is no table."""
MOST_LINES = 50
"""Of one row: a quoted text may go over several lines. A quote that is not closed by then was never opened."""
DELIMITERS = ",;\t"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Row:
    """``line``: where it begins, from 1. ``cells``: as they stand there; none where it cannot be read, for ``problem``.

    ``at``: how many bytes of the file were read with it.
    """

    line: int
    cells: tuple[str, ...] = ()
    problem: BadInput | None = None
    at: int = 0


def rows(path: Path, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Row]:
    """Yield the rows of a file, the header first; empty ones are left out. ``chunk_bytes``: read at once.

    Raises OSError, BadInput for what is no table at all.
    """
    encoding = _encoding(path)
    with path.open("rb") as file:
        lines = _lines(file, encoding, chunk_bytes)
        first = next(lines, None)
        if first is None:
            raise BadInput("{file} is empty", file=path.name)
        delimiter = max(DELIMITERS, key=first[1].count)
        waiting = deque([first])
        while waiting or _fill(waiting, lines):
            row = _row(waiting, lines, delimiter)
            if row.problem is not None or any(row.cells):
                yield row


_Line = tuple[int, str, int]
"""Its number, its text, and how many bytes were read with it."""


def _fill(waiting: deque[_Line], lines: Iterator[_Line]) -> bool:
    line = next(lines, None)
    if line is not None:
        waiting.append(line)
    return line is not None


def _row(waiting: deque[_Line], lines: Iterator[_Line], delimiter: str) -> Row:
    """Take one row from the lines: as many as its quotes need."""
    number, _, at = waiting[0]
    taken = 0
    while taken < MOST_LINES and (taken < len(waiting) or _fill(waiting, lines)):
        taken += 1
        text = "".join(line[1] for line in list(waiting)[:taken])
        try:
            cells = _cells(text, delimiter)
        except csv.Error:
            continue
        at = waiting[taken - 1][2]
        for _ in range(taken):
            waiting.popleft()
        if any("\udc80" <= sign <= "\udcff" for sign in text):
            return Row(number, (), BadInput("some of it is no text in the file's encoding"), at)
        return Row(number, cells, None, at)
    waiting.popleft()
    return Row(number, (), BadInput("a quote is not closed, or stands where none belongs"), at)


def _cells(text: str, delimiter: str) -> tuple[str, ...]:
    """Return the cells of one row. Raises csv.Error."""
    found = next(csv.reader([text], delimiter=delimiter, strict=True), [])
    return tuple(cell.strip() for cell in found)


def _lines(file: IO[bytes], encoding: str, chunk_bytes: int) -> Iterator[_Line]:
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
    rest, number, read = "", 0, 0
    while chunk := file.read(chunk_bytes):
        read += len(chunk)
        rest += decoder.decode(chunk)
        *whole, rest = rest.split("\n")
        for text in whole:
            number += 1
            yield number, f"{text.removesuffix(chr(13))}\n", read
        if len(rest) > LONGEST_LINE:
            raise BadInput("line {number} is longer than any table's", number=number + 1)
    rest += decoder.decode(b"", final=True)
    if rest:
        yield number + 1, rest, read


def _encoding(path: Path) -> str:
    """Return in what a file is written. Where its header says nothing, all of it is looked at."""
    with path.open("rb") as file:
        head = file.read(CHUNK_BYTES)
    if head.startswith(_UTF16):
        return "utf-16"
    header = head.split(b"\n", 1)[0]
    if not header.isascii():
        return "utf-8-sig" if _decodes_line(header) else "gb18030"
    if _decodes(path, "utf-8") or not _decodes(path, "gb18030"):
        return "utf-8-sig"
    return "gb18030"


def _decodes_line(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
