"""WeChat's XML: fields under one root, texts in CDATA, never a document type.

expat is used bare: a document type is refused at its first byte, before anything could be declared or expanded, and nothing is built
for a document that is too deep or too wide.
"""

import re
from typing import Any, Final
from xml.parsers import expat

from domain.errors import BadInput

DEPTH_MAX: Final = 8
"""WeChat's deepest, a mass send's result, has 5."""
ELEMENTS_MAX: Final = 10_000

_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

Fields = dict[str, Any]
"""A text, Fields again, or a list of those where a name is repeated."""


def read_xml(body: bytes) -> Fields:
    """Return the fields under the root ``xml``. Raises BadInput for anything else, and for a document type."""
    reader = _Reader()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(body, True)  # noqa: FBT003 - it takes no keywords
    except expat.ExpatError:
        raise BadInput("the body is no XML in UTF-8") from None
    if not isinstance(reader.fields, dict):
        raise BadInput("the XML has no fields")
    return reader.fields


def text_in(fields: Fields, name: str) -> str:
    """Return a field that is a text, empty where there is none."""
    value = fields.get(name)
    return value.strip() if isinstance(value, str) else ""


def within(fields: Fields, name: str) -> Fields:
    """Return the fields under a field, none where there are none."""
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def each(fields: Fields, name: str) -> list[Fields]:
    """Return what is under a field that may be repeated."""
    value = fields.get(name)
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


def cdata(text: str) -> str:
    """Return a text as it stands in an element, without what no XML can hold."""
    return f"<![CDATA[{_UNWRITABLE.sub('', text).replace(']]>', ']]]]><![CDATA[>')}]]>"


def _refuse(*_: object) -> None:
    raise BadInput("the XML has a document type")


class _Reader:
    def __init__(self) -> None:
        self.fields: Fields | str = ""
        self._open: list[tuple[str, Fields, list[str]]] = []
        self._elements = 0

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._elements += 1
        if len(self._open) >= DEPTH_MAX or self._elements > ELEMENTS_MAX:
            raise BadInput("the XML is deeper or longer than any of WeChat's")
        if not self._open and name != "xml":
            raise BadInput("the XML's root is not xml")
        self._open.append((name, {}, []))

    def text(self, text: str) -> None:
        self._open[-1][2].append(text)

    def end(self, name: str) -> None:
        _, fields, texts = self._open.pop()
        value: Fields | str = fields or "".join(texts)
        if not self._open:
            self.fields = value
            return
        around = self._open[-1][1]
        if name not in around:
            around[name] = value
        elif isinstance(around[name], list):
            around[name].append(value)
        else:
            around[name] = [around[name], value]
