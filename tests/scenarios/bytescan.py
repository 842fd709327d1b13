"""Looks for texts in files as a forensic reader would: in every common encoding, and inside compressed streams.

The proof of forgetting is that nothing is found here, never that a function said so; that the scanner finds what is there is shown beside.
"""

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

MAX_INFLATED = 8 * 1024 * 1024
"""Bytes taken of one compressed stream."""
MAX_NESTING = 2
"""Compressed streams inside compressed streams."""
ZLIB_HEADERS = tuple(bytes(pair) for pair in ((0x78, 0x01), (0x78, 0x5E), (0x78, 0x9C), (0x78, 0xDA)))
GZIP_HEADER = b"\x1f\x8b\x08"
ZIP_HEADER = b"PK\x03\x04"
ZIP_FIXED = 30
"""Bytes of a local file header before the name."""
SPARE = 3 * 64 * 1024
"""Bytes tried at a header first; most of what looks like one is none, and shows it at once."""

Canaries = Mapping[str, "str | bytes"]


def forms(canary: str | bytes) -> frozenset[bytes]:
    """Return every way in which a text (or a piece of a file) may lie somewhere: as it is, UTF-16, JSON-escaped, hex, base64."""
    plain = canary if isinstance(canary, bytes) else canary.encode()
    found = {plain, plain.hex().encode(), plain.hex().upper().encode(), *_base64(plain)}
    if isinstance(canary, str):
        wide = canary.encode("utf-16-le"), canary.encode("utf-16-be")
        escaped = json.dumps(canary)[1:-1].encode()
        found |= {*wide, escaped, escaped.replace(b"\\u", b"\\\\u"), *_base64(wide[0])}
    return frozenset(found)


def _base64(plain: bytes) -> Iterator[bytes]:
    """Yield what stays the same of its base64 whatever stands before and behind it, in the three alignments and both alphabets."""
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + plain)
        start = (8 * before + 5) // 6
        end = (8 * (before + len(plain))) // 6
        yield coded[start:end]
        yield coded[start:end].replace(b"+", b"-").replace(b"/", b"_")


def found_in(content: bytes, canaries: Canaries, nesting: int = MAX_NESTING) -> set[str]:
    """Return the names of the canaries that can be read in some bytes, also in compressed streams anywhere in them."""
    wanted = {name: forms(canary) for name, canary in canaries.items()}
    return _found(content, wanted, nesting)


def _found(content: bytes, wanted: Mapping[str, frozenset[bytes]], nesting: int) -> set[str]:
    hits = {name for name, shapes in wanted.items() if any(shape in content for shape in shapes)}
    if nesting:
        for inflated in streams_in(content):
            hits |= _found(inflated, wanted, nesting - 1)
    return hits


def streams_in(content: bytes) -> Iterator[bytes]:
    """Yield what the zlib, gzip and zip streams hold that begin anywhere in some bytes; damaged ends are cut off."""
    for header in ZLIB_HEADERS:
        for start in _places(content, header):
            yield from _inflated(content, start, zlib.MAX_WBITS)
    for start in _places(content, GZIP_HEADER):
        yield from _inflated(content, start, zlib.MAX_WBITS | 16)
    for start in _places(content, ZIP_HEADER):
        head = content[start : start + ZIP_FIXED]
        if len(head) == ZIP_FIXED:
            name, extra = int.from_bytes(head[26:28], "little"), int.from_bytes(head[28:30], "little")
            yield from _inflated(content, start + ZIP_FIXED + name + extra, -zlib.MAX_WBITS)


def _places(content: bytes, header: bytes) -> Iterator[int]:
    start = content.find(header)
    while start >= 0:
        yield start
        start = content.find(header, start + 1)


def _inflated(content: bytes, start: int, window: int) -> Iterator[bytes]:
    stream = zlib.decompressobj(window)
    found = bytearray()
    view, at, step = memoryview(content), start, SPARE
    try:
        while at < len(content) and not stream.eof and len(found) < MAX_INFLATED:
            found += stream.decompress(view[at : at + step], MAX_INFLATED - len(found))
            at += step
    except zlib.error:
        pass  # what looked like a header was none, or what follows is damaged: what came out so far counts
    if found:
        yield bytes(found)


def files_of(*places: Path) -> list[Path]:
    """Return every file below some folders (or the files themselves), sorted; sockets are none."""
    found: set[Path] = set()
    for place in places:
        found.update([place] if place.is_file() else (file for file in place.rglob("*") if file.is_file()))
    return sorted(found)


def scan(canaries: Canaries, *places: Path) -> dict[str, set[str]]:
    """Return, by file (path), which canaries can be read in it or in its name; files without any are not in it. {} is clean.

    ``places``: folders, searched to the bottom, or files.
    """
    wanted = {name: forms(canary) for name, canary in canaries.items()}
    hits = {
        str(file): _found(file.read_bytes(), wanted, MAX_NESTING) | _found(str(file).encode(), wanted, 0)
        for file in files_of(*places)
    }
    return {file: names for file, names in hits.items() if names}


def names_in(hits: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the names of all canaries that a scan found anywhere."""
    return {name for names in hits.values() for name in names}
