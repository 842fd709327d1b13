"""Bytes of Telegram's into updates: JSON objects, judged one by one."""

import json
import re
from typing import Any, Final

import msgspec

from domain.errors import BadInput
from domain.policies.text import REPLACEMENT

_SURROGATE_ESCAPE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_UPDATE_ID: Final = re.compile(rb'"update_id"\s*:\s*(-?[0-9]{1,18})(?![0-9.eE])')


class _Answer(msgspec.Struct):
    """What getUpdates answers; each update stays as it came, so that one that is broken does not spoil the rest."""

    result: list[msgspec.Raw]


class _Numbered(msgspec.Struct):
    update_id: int


_ANSWER: Final = msgspec.json.Decoder(_Answer)
_NUMBERED: Final = msgspec.json.Decoder(_Numbered)
# RecursionError: nested too deep; UnicodeDecodeError: no UTF-8; the rest is msgspec's.
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_update(body: bytes) -> dict[str, Any]:
    """Return one update. Raises BadInput for what is no JSON object with an integer ``update_id``.

    Lone surrogates, which JSON can spell and no text can hold, are replaced.
    """
    update = _decoded(body)
    if not isinstance(update, dict):
        raise BadInput("an update is a JSON object")
    if type(update.get("update_id")) is not int:  # a bool is an int to isinstance
        raise BadInput("an update has an integer update_id")
    return update


def split_answer(body: bytes) -> list[bytes]:
    """Return the updates in an answer of getUpdates, each as its bytes. Raises BadInput where they cannot be told apart."""
    try:
        return [bytes(raw) for raw in _ANSWER.decode(body).result]
    except _UNREADABLE as error:
        try:
            return [bytes(raw) for raw in _ANSWER.decode(_repaired(body, error)).result]
        except _UNREADABLE:
            raise BadInput("the answer of getUpdates cannot be read") from None


def update_id_of(body: bytes) -> int | None:
    """Return the ``update_id`` of bytes that may be unreadable otherwise, None where none can be found."""
    try:
        return _NUMBERED.decode(body).update_id
    except _UNREADABLE:
        found = _UPDATE_ID.search(body)
        return int(found[1]) if found else None


def _decoded(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return msgspec.json.decode(body)
    except _UNREADABLE as error:
        try:
            return msgspec.json.decode(_repaired(body, error))
        except _UNREADABLE:
            raise BadInput("an update is JSON: not too deep, in UTF-8, with numbers that fit") from None


def _repaired(body: bytes, error: Exception) -> bytes:
    """Return the JSON with its lone surrogates replaced. Raises ``error`` again where they are not what is wrong.

    The standard library keeps them as characters, so that after writing the JSON anew a search for single characters finds exactly the
    lone ones: in the escaped form they cannot be told from halves of pairs, or from an escaped backslash, by a simple search.
    """
    if not _SURROGATE_ESCAPE.search(body):
        raise error
    try:
        text = json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        raise error from None
    return _SURROGATE.sub(REPLACEMENT, text).encode()
