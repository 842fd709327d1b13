"""What each event class looks like in the log, worked out once when Siyu starts: no reflection per event.

Fields are numbered in the order in which a class defines them, which the log relies on: a new one goes to the end.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, NamedTuple, NewType, Union, get_args, get_origin, get_type_hints

import msgspec

from domain.message import FORGOTTEN, Personal, Raw

READERS = 1_024
"""Combinations of fields whose reader is remembered; a log has some hundred."""
MOST_FIELDS = 64
"""The fields of an event are one bit each of a number of msgpack's."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """How the value of one kind of sealed field becomes bytes and comes back, and what it reads as once its key is destroyed."""

    wrap: Callable[[Callable[[], Any]], Any]
    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Any]
    forgotten: Callable[[], Any]


class Plain(NamedTuple):
    """A field that lies in clear. ``bit``: of its number. ``packed``: it holds a code or an id."""

    name: str
    bit: int
    default: Any
    packed: bool


class Hidden(NamedTuple):
    """A field that is sealed. ``bit``: of its number."""

    name: str
    bit: int
    sealing: Sealing


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One event class. ``plain`` and ``plain_of``: what lies in clear, and its values; ``sealing``: how the others are sealed, by field."""

    slug: str
    event: type
    names: tuple[str, ...]
    plain: tuple[Plain, ...]
    plain_of: Callable[[Any], tuple[Any, ...]]
    personal: tuple[Hidden, ...]
    raw: Hidden | None
    sealing: Mapping[str, Sealing]
    hints: Mapping[str, Any]
    build: Callable[[bytes | dict[str, Any], dict[str, Any]], Any]
    """Makes the event of its plain fields by name, which it checks, and its wrapped ones."""


class Reader(NamedTuple):
    """Reads one combination of a class's fields.

    ``decode``: the values of the ``plain`` ones in order, checked but for packed ones; beside each name, what a packed one is once unpacked
    (str, an enum), and whether it may be None. ``sealed``: the personal ones, in the order of their box.
    """

    decode: Callable[[Any], Any]
    plain: tuple[tuple[str, type | None, bool], ...]
    sealed: tuple[str, ...]
    raw: str | None


@cache
def shape_of(slug: str, event: type) -> Shape:
    """Look at an event class. Raises TypeError for what the log cannot keep."""
    hints = get_type_hints(event)
    plain, personal, raws, wire = [], [], [], []
    for number, field in enumerate(dataclasses.fields(event)):
        kind, bit = _without_none(hints[field.name]), 1 << number
        if get_origin(kind) is Personal:
            personal.append(Hidden(field.name, bit, _personal(event, field.name, get_args(kind)[0])))
        elif kind is Raw:
            raws.append(Hidden(field.name, bit, _RAW))
        else:
            plain.append(Plain(field.name, bit, field.default, _is_packed(kind)))
            wire.append(_wire_field(field.name, hints[field.name], field.default))
    if personal and not event.SUBJECT:  # type: ignore[attr-defined]  # Event's, which the registry promises
        raise TypeError(
            f"{event.__name__} has personal fields, but its SUBJECT names nobody whose key could seal them"
        )
    names = tuple(field.name for field in dataclasses.fields(event))
    if len(raws) > 1 or len(names) > MOST_FIELDS:
        raise TypeError(f"{event.__name__} has more than one raw payload, or more than {MOST_FIELDS} fields")
    return Shape(
        slug,
        event,
        names,
        tuple(plain),
        _values_of([field.name for field in plain]),
        tuple(personal),
        raws[0] if raws else None,
        {field.name: field.sealing for field in (*personal, *raws)},
        hints,
        _builder(event, wire) if personal or raws else _plain_builder(event),
    )


@lru_cache(READERS)
def reader_of(shape: Shape, fields: int) -> Reader:
    """Return what reads these fields. Raises LookupError for one that the class does not have, as a later Siyu may write it."""
    if fields >> len(shape.names):
        raise LookupError(f"{shape.slug} has fields that this Siyu does not know")
    here = [field for field in shape.plain if fields & field.bit]
    wire = [(field.name, Any if field.packed else shape.hints[field.name]) for field in here]
    plain = tuple((field.name, *_unpacked_as(shape.hints[field.name], packed=field.packed)) for field in here)
    box = msgspec.defstruct(shape.event.__name__, wire, array_like=True, forbid_unknown_fields=True)
    sealed = tuple(field.name for field in shape.personal if fields & field.bit)
    raw = shape.raw.name if shape.raw is not None and fields & shape.raw.bit else None
    return Reader(msgspec.msgpack.Decoder(box).decode, plain, sealed, raw)


def _values_of(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda event: tuple(getattr(event, name) for name in names)


def _without_none(hint: Any) -> Any:  # noqa: ANN401  # a type form
    if get_origin(hint) in (Union, UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        return kinds[0] if len(kinds) == 1 else hint
    return hint


def _is_packed(kind: Any) -> bool:  # noqa: ANN401  # a type form
    if isinstance(kind, NewType):
        return kind.__supertype__ is str
    return isinstance(kind, type) and issubclass(kind, StrEnum)


def _unpacked_as(hint: Any, *, packed: bool) -> tuple[type | None, bool]:  # noqa: ANN401  # a type form
    kind = _without_none(hint)
    if not packed:
        return None, True
    return str if isinstance(kind, NewType) else kind, kind is not hint


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
