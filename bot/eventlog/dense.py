"""The form that events are stored in: fields by their numbers, codes and ids packed, what is personal in one box."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from bot.eventlog.packing import ID_BYTES, SAME, id_in, unpack
from bot.eventlog.sealed import Box, Sealed, compressed, several, single
from bot.eventlog.shapes import Reader
from bot.eventlog.upcasters import Upcaster
from domain.message import Origin

ORIGIN = 8
"""Its place in the array."""


class Dense(msgspec.Struct, array_like=True):
    """What the bytes say; ends after the last thing that is said. ``data``: an array of the plain ones among ``fields``, a bit each.

    ``by``, ``why`` and ``of`` are bytes where they are packed, which no type of msgspec's can say; ``of`` is True where it is the same as
    ``why``. ``sealed``: the personal fields, all in one box; ``raw``: the provider's payload.
    """

    at: datetime
    by: Any
    fields: int
    data: msgspec.Raw
    why: Any = None
    of: Any = None
    sealed: bytes | None = None
    raw: bytes | None = None
    origin: Origin | None = None

    def ciphertexts(self) -> Iterable[bytes]:
        """Return what is encrypted."""
        return [data for data in (self.sealed, self.raw) if data is not None]

    def boxes(self, stream: str, version: int, sealed: Sequence[str], raw: str | None) -> dict[str, Sealed]:
        """Return the sealed fields of the event at this place: the personal ones in the order of their box. Raises ValueError."""
        found = {}
        if sealed:
            split = single if len(sealed) == 1 else several
            box = Box(_there(self.sealed), stream, version, ",".join(sealed), split)
            found = {field: Sealed(field, box, place) for place, field in enumerate(sealed)}
        if raw is not None:
            found[raw] = Sealed(raw, Box(_there(self.raw), stream, version, raw, compressed), 0)
        return found


read_dense = msgspec.msgpack.Decoder(Dense).decode
_values = msgspec.structs.astuple
_decode_values = msgspec.msgpack.Decoder(list[Any]).decode


def text_of(value: object, own: str) -> str:
    """Return the code or the id that a value is, packed or not. Raises TypeError, IndexError."""
    text = unpack(value, own) if type(value) is bytes else value
    if type(text) is not str:
        raise TypeError(f"a code or an id is {type(value).__name__}")
    return text


def plain_fields(reader: Reader, payload: Dense, own: str) -> dict[str, Any]:
    """Return what lies in clear. Raises MsgspecError, TypeError, ValueError, LookupError."""
    fields, before = {}, b""
    for (name, kind, optional), value in zip(reader.plain, _values(reader.decode(payload.data)), strict=True):
        if kind is None or (value is None and optional):
            fields[name] = value
            continue
        if type(value) is bytes:
            packed = before if value == SAME else value
            if len(packed) >= ID_BYTES:
                before = id_in(packed)
            text = unpack(packed, own)
        elif type(value) is str:
            text = value
        else:
            raise TypeError(f"{name} is {type(value).__name__}")
        fields[name] = text if kind is str else kind(text)
    return fields


def by_name(stream: str, version: int, payload: Dense, step: Upcaster) -> dict[str, Any]:
    """Return the fields of a version that no class describes any more. Raises MsgspecError, ValueError, LookupError."""
    own = stream.partition("-")[2]
    here = [field for place, field in enumerate(step.fields) if payload.fields >> place & 1]
    sealed = [field for field in here if field in step.sealed]
    raw = next((field for field in here if field == step.raw), None)
    plain = [field for field in here if field not in step.sealed and field != step.raw]
    values, before = [], b""
    for value in _decode_values(payload.data):
        if isinstance(value, bytes):
            packed = before if value == SAME else value
            before = id_in(packed) or before
            values.append(unpack(packed, own))
        else:
            values.append(value)
    return {**dict(zip(plain, values, strict=True)), **payload.boxes(stream, version, sealed, raw)}


def _there(content: bytes | None) -> bytes:
    if content is None:
        raise ValueError("what it seals is missing")
    return content
