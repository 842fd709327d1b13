"""What lies sealed in an event: a box a key, opened once for all of its fields, when the first of them is looked at."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag

from bot.eventlog.compressing import expand
from bot.eventlog.keys import KeyRing, key_id, unseal
from domain.errors import UnknownEvent

Split = Callable[[bytes], Sequence[bytes]]
"""Takes what was in a box apart, one for each field. Raises ValueError."""

join = msgspec.msgpack.Encoder().encode
several: Split = msgspec.msgpack.Decoder(list[bytes]).decode


def single(content: bytes) -> Sequence[bytes]:
    """Split a box with one field."""
    return (content,)


def compressed(content: bytes) -> Sequence[bytes]:
    """Split a box with a raw payload."""
    return (expand(content),)


def bound_to(stream: str, version: int, names: str) -> bytes:
    """Return what a box is bound to: it opens nowhere else, and for no other fields."""
    return f"{stream}@{version}/{names}".encode()


class Box:
    """Fields sealed together under one key. Thread-safe: two threads may both open it, and find the same."""

    __slots__ = ("_content", "_data", "_names", "_split", "_stream", "_version")

    def __init__(self, data: bytes, stream: str, version: int, names: str, split: Split) -> None:
        """``names``: under which its fields were stored, joined by commas."""
        self._data, self._stream, self._version, self._names, self._split = (
            data,
            stream,
            version,
            names,
            split,
        )
        self._content: Sequence[bytes] | None = None

    def open(self, keys: KeyRing) -> Sequence[bytes] | None:
        """Return the fields in their order, None once the key was destroyed. Raises UnknownEvent, StoreUnavailable."""
        if self._content is not None:
            return self._content
        name = key_id(self._data)
        key = keys.keys_named((name,)).get(name)
        where = f"{self._stream}@{self._version}: "
        if key is None:
            raise UnknownEvent(f"{where}the key of {self._names} is not in the vault")
        if key.cipher is None:
            return None
        try:
            plain = unseal(key.cipher, self._data, bound_to(self._stream, self._version, self._names))
            self._content = self._split(plain)
        except (InvalidTag, ValueError):
            raise UnknownEvent(f"{where}{self._names} was altered") from None
        return self._content


class Sealed(NamedTuple):
    """A field still encrypted, with the name it was stored under: what upcasters move about. ``place``: its place in the box."""

    field: str
    box: Box
    place: int
