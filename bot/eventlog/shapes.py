"""What each event class looks like in the log, worked out once when Siyu starts: no reflection per event."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from domain.message import FORGOTTEN, Personal, Raw


@dataclass(frozen=True, slots=True)
class Sealing:
    """How the value of one kind of sealed field becomes bytes and comes back, and what it reads as once its key is destroyed."""

    wrap: Callable[[Callable[[], Any]], Any]
    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Any]
    forgotten: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """One event class. ``plain``: (field, default) of what lies in clear; ``personal`` and ``raw``: what is sealed, by field."""

    slug: str
    event: type
    plain: tuple[tuple[str, Any], ...]
    personal: dict[str, Sealing]
    raw: dict[str, Sealing]
    build: Callable[[bytes | dict[str, Any], dict[str, Any]], Any]
    """Makes the event of its plain fields as they came from the log, which it checks, and its wrapped ones."""


@cache
def shape_of(slug: str, event: type) -> Shape:
    """Look at an event class. Raises TypeError for what the log cannot keep."""
    hints = get_type_hints(event)
    plain, personal, raw, wire = [], {}, {}, []
    for field in dataclasses.fields(event):
        kind = _without_none(hints[field.name])
        if get_origin(kind) is Personal:
            personal[field.name] = _personal(event, field.name, get_args(kind)[0])
        elif kind is Raw:
            raw[field.name] = _RAW
        else:
            plain.append((field.name, field.default))
            wire.append(_wire_field(field.name, hints[field.name], field.default))
    if personal and not event.SUBJECT:  # type: ignore[attr-defined]  # Event's, which the registry promises
        raise TypeError(
            f"{event.__name__} has personal fields, but its SUBJECT names nobody whose key could seal them"
        )
    build = _builder(event, wire) if personal or raw else _plain_builder(event)
    return Shape(slug, event, tuple(plain), personal, raw, build)


def _without_none(hint: Any) -> Any:  # noqa: ANN401  # a type form
    if get_origin(hint) in (Union, UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        return kinds[0] if len(kinds) == 1 else hint
    return hint


def _personal(event: type, field: str, content: Any) -> Sealing:  # noqa: ANN401  # a type form
    kind = get_origin(content) or content
    if kind is str:
        return _TEXT
    if kind in (dict, list):
        return Sealing(Personal.sealed, msgspec.msgpack.encode, msgspec.msgpack.Decoder(content).decode, kind)
    raise TypeError(
        f"{event.__name__}.{field}: a personal field holds a str, a dict or a list, not {content}"
    )


def _wire_field(name: str, hint: Any, default: Any) -> tuple[str, Any] | tuple[str, Any, Any]:  # noqa: ANN401  # a type form, any value
    return (name, hint) if default is dataclasses.MISSING else (name, hint, default)


def _plain_builder(event: type) -> Callable[[bytes | dict[str, Any], dict[str, Any]], Any]:
    decode: Callable[[bytes], Any] = msgspec.msgpack.Decoder(event).decode

    def build(data: bytes | dict[str, Any], sealed: dict[str, Any]) -> Any:  # noqa: ANN401  # an event of the class
        if sealed:
            raise ValueError(f"{', '.join(sealed)}: not a field of {event.__name__}")
        return msgspec.convert(data, event) if isinstance(data, dict) else decode(data)

    return build


def _builder(
    event: type, fields: list[tuple[str, Any] | tuple[str, Any, Any]]
) -> Callable[[bytes | dict[str, Any], dict[str, Any]], Any]:
    wire = msgspec.defstruct(event.__name__, fields, kw_only=True)
    decode = msgspec.msgpack.Decoder(wire).decode
    names = tuple(field[0] for field in fields)

    def build(data: bytes | dict[str, Any], sealed: dict[str, Any]) -> Any:  # noqa: ANN401  # an event of the class
        plain = msgspec.convert(data, wire) if isinstance(data, dict) else decode(data)
        return event(**{name: getattr(plain, name) for name in names}, **sealed)

    return build


_TEXT = Sealing(Personal.sealed, str.encode, bytes.decode, lambda: FORGOTTEN)
_RAW = Sealing(Raw.sealed, bytes, bytes, bytes)
