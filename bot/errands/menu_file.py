"""A menu as a file: what is wrong in which line, and the buttons of one that is right.

[[button]]
name = "营业时间"
say = "营业时间"

[[button]]
name = "商店"

[[button.below]]
name = "新品"
url = "https://shop.example/new"
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.texts import Told, told
from channels.channel import Button, ButtonLimits

_HEADER: Final = re.compile(r"\s*\[\[\s*button(\s*\.\s*below)?\s*\]\]\s*(?:#.*)?")
_AT_LINE: Final = re.compile(r"\s*\(at line ([0-9]+), column [0-9]+\)")
_URL: Final = re.compile(r"https?://[^\s/?#]+\S*")
_KEYS: Final = ("name", "say", "url")
NOT_UTF_8: Final = "\ufffd"
"""What stands for bytes that are no text."""

Fault = tuple[int, Told]
"""The line, counted from 1, and what is wrong there."""


@dataclass(frozen=True, slots=True)
class _Table:
    """One button as it stands in the file, from ``line`` on. ``owner``: how many buttons are below it; None for one of these."""

    values: Mapping[str, Any]
    line: int
    lines: Sequence[str]
    owner: int | None

    def at(self, key: str) -> int:
        """Return the line of a key, that of the button where it is not found."""
        wanted = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
        return next((self.line + n for n, line in enumerate(self.lines) if wanted.match(line)), self.line)


def read(text: str) -> tuple[Button, ...]:
    """Return the buttons of a file without faults."""
    return tuple(_button(values) for values in tomllib.loads(text)["button"])


def written(buttons: Sequence[Button]) -> Iterator[str | Told]:
    """Return a menu as the lines of a file."""
    for button in buttons:
        yield "[[button]]"
        yield from _lines(button)
        for below in button.below:
            yield "[[button.below]]"
            yield from _lines(below)


def faults_of(text: str, limits: ButtonLimits) -> list[Fault]:
    """Return all that is wrong, in the order of the lines; empty for a good file."""
    broken = next((n for n, line in enumerate(text.splitlines(), 1) if NOT_UTF_8 in line), None)
    if broken is not None:
        return [(broken, told("this is no UTF-8"))]
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _AT_LINE.search(str(error))
        why = _AT_LINE.sub("", str(error))
        last = max(len(text.splitlines()), 1)
        return [(int(at[1]) if at else last, told("this is no TOML: {why}", why=why))]
    tables = _tables(text, values)
    if tables is None:
        return [(1, told("write each button as [[button]], and those below it as [[button.below]]"))]
    if not tables:
        return [(1, told("there is no button: siyu menu delete takes a menu away"))]
    found = [fault for table in tables for fault in _faults(table, limits)]
    return sorted([*found, *_too_many(tables, limits)], key=lambda fault: fault[0])


def _tables(text: str, values: Mapping[str, Any]) -> list[_Table] | None:
    """Return the buttons with their lines, None where they are written in another way than as tables."""
    lines = text.splitlines()
    heads = [(n, found[1] is not None) for n, line in enumerate(lines) if (found := _HEADER.fullmatch(line))]
    buttons = values.get("button", [])
    if set(values) - {"button"} or not _are_tables(buttons):
        return None
    flat: list[tuple[Mapping[str, Any], int | None]] = []
    for button in buttons:
        below = button.get("below", [])
        if not _are_tables(below):
            return None
        flat.append((button, len(below)))
        flat.extend((one, None) for one in below)
    if [below for _, below in heads] != [owner is None for _, owner in flat]:
        return None
    ends = [*(n for n, _ in heads[1:]), len(lines)][: len(heads)]
    return [
        _Table(one, start + 1, lines[start:end], owner)
        for (one, owner), (start, _), end in zip(flat, heads, ends, strict=True)
    ]


def _are_tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _too_many(tables: Sequence[_Table], limits: ButtonLimits) -> Iterator[Fault]:
    above, below = 0, 0
    for table in tables:
        if table.owner is not None:
            above, below = above + 1, 0
            if above == limits.buttons + 1:
                yield table.line, told("a menu has at most {most} buttons", most=limits.buttons)
        else:
            below += 1
            if below == limits.below + 1:
                yield table.line, told("below a button there are at most {most}", most=limits.below)


def _faults(table: _Table, limits: ButtonLimits) -> Iterator[Fault]:
    values = table.values
    known = {*_KEYS, "below"} if table.owner is not None else {*_KEYS}
    for key in values:
        if key not in known:
            yield (
                table.at(key),
                told("a button has no {key}: it has name, and say, url or [[button.below]]", key=key),
            )
        elif key != "below" and not (isinstance(values[key], str) and values[key].strip()):
            yield table.at(key), told("{key} is a text in quotation marks, and not empty", key=key)
    if "name" not in values:
        yield table.line, told("this button has no name")
    does = [key for key in ("say", "url", "below") if values.get(key)]
    if len(does) != 1:
        yield table.line, told("a button does one thing: say, url, or those below it")
    yield from _too_long(table, limits)
    url = values.get("url")
    if isinstance(url, str) and url.strip() and not _URL.fullmatch(url):
        yield table.at("url"), told("this is no address such as https://shop.example/new")


def _too_long(table: _Table, limits: ButtonLimits) -> Iterator[Fault]:
    name_bytes = limits.name_below_bytes if table.owner is None else limits.name_bytes
    for key, most in (("name", name_bytes), ("say", limits.say_bytes), ("url", limits.url_bytes)):
        value = table.values.get(key)
        size = len(value.encode("utf8", "replace")) if isinstance(value, str) else 0
        if size > most:
            yield (
                table.at(key),
                told(
                    "{key} has {size} bytes and may have {most}: a Chinese character has 3",
                    key=key,
                    size=size,
                    most=most,
                ),
            )


def _button(values: Mapping[str, Any]) -> Button:
    below = tuple(_button(one) for one in values.get("below", ()))
    return Button(values["name"].strip(), values.get("say", "").strip(), values.get("url", ""), below)


def _lines(button: Button) -> Iterator[str | Told]:
    for key, value in (("name", button.name), ("say", button.say), ("url", button.url)):
        if value:
            yield f"{key} = {json.dumps(value, ensure_ascii=False)}"
    if not (button.say or button.url or button.below):
        yield told("# made elsewhere, with what only WeChat's console can show")
    yield ""
