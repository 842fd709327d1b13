"""Settings written into ``siyu.toml``: whole or not at all, for its owner alone, and everything else in it stays as it is."""

import json
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

from bot.settings import PREFIX, flat
from domain.errors import BadSettings, StoreUnavailable

_HEADER = re.compile(r"\s*\[{1,2}\s*([^\[\]]+?)\s*\]{1,2}\s*(#.*)?")
_VALUE = r"""("(?:[^"\\]|\\.)*"|'[^']*'|[^#\s"'\[{]+)"""


def put(file: Path, changes: Mapping[str, str]) -> None:
    """Set settings, named as in the environment.

    Raises BadSettings where the file is no TOML or is written in a way that we would spoil, StoreUnavailable where it cannot be written;
    then it is as it was.
    """
    place = file.resolve()  # a link stays a link
    try:
        before = place.read_text("utf8") if place.exists() else ""
        after = changed(before, changes)
        if after != before or place.stat().st_mode & 0o077:
            _replace(place, after)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings("{file} is no valid TOML: {error}", file=file.name, error=error) from error
    except OSError as error:
        raise StoreUnavailable(
            "{file} cannot be written: {why}; set the variables in the environment instead",
            file=place,
            why=error.strerror or type(error).__name__,
        ) from error


def changed(text: str, changes: Mapping[str, str]) -> str:
    """Return a file's text with settings set. Raises BadSettings for one we would spoil, TOMLDecodeError."""
    wanted = {**flat(tomllib.loads(text), PREFIX), **changes}
    lines = text.splitlines()
    for key, value in changes.items():
        *table, name = key.removeprefix(PREFIX).lower().split("__")
        _set(lines, table, name, value)
    after = "\n".join(lines) + "\n"
    try:
        right = flat(tomllib.loads(after), PREFIX) == wanted
    except tomllib.TOMLDecodeError:
        right = False
    if not right:
        raise BadSettings(
            "siyu.toml is written in a way that Siyu does not change: set these in it yourself: {settings}",
            settings=", ".join(sorted(changes)),
        )
    return after


def _set(lines: list[str], table: list[str], name: str, value: str) -> None:
    """Set one value: in its line, else at the end of its table, else in a new table at the end of the file."""
    begin, end = _extent(lines, table)
    written = f"{name} = {json.dumps(value, ensure_ascii=False)}"
    if begin is None:
        lines += [*([""] if lines and lines[-1].strip() else []), f"[{'.'.join(table)}]", written]
        return
    known = re.compile(rf"(\s*)([\"']?){name}\2\s*=\s*{_VALUE}(\s*(#.*)?)", re.IGNORECASE)
    for number in range(begin, end):
        match = known.fullmatch(lines[number])
        if match is not None:
            lines[number] = f"{match[1]}{written}{match[4]}"
            return
    while end > begin and not lines[end - 1].strip():
        end -= 1
    lines[end:end] = [written, ""] if end < len(lines) and lines[end].strip() else [written]


def _extent(lines: list[str], table: list[str]) -> tuple[int | None, int]:
    """Return the first line of a table's own and the one behind its last; None where there is no such table."""
    begin: int | None = None if table else 0
    for number, line in enumerate(lines):
        match = _HEADER.fullmatch(line)
        if match is None:
            continue
        if begin is not None:
            return begin, number
        named = [part.strip().strip("\"'").lower() for part in match[1].split(".")]
        if named == table:
            begin = number + 1
    return begin, len(lines)


def _replace(place: Path, text: str) -> None:
    """Write beside it, then rename: whoever reads it meanwhile, and whatever fails, there is a whole file."""
    number, beside = tempfile.mkstemp(prefix=".siyu.", suffix=".toml", dir=place.parent)  # mode 0600
    try:
        with os.fdopen(number, "w", encoding="utf8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(place)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
