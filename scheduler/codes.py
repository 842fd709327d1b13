"""The code that a message carries: the gate says which, as it starts the delivery, and here it comes into what goes out."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from domain.campaigns.plan import CODE_MARK
from domain.ports.messenger import Form, Outbound

_SAID = tuple(
    field.name
    for field in fields(Outbound)
    if field.name not in {"key", "to", "reply_to", "thread", "attachment", "route"}
)
"""What of a message its recipient sees."""


def is_coded(outbound: Outbound, forms: Iterable[Form] = ()) -> bool:
    """Whether it has a place for a code, anywhere; also in one of the forms that it may go out in."""
    return any(_has_mark(getattr(outbound, name)) for name in _SAID) or any(map(_has_mark, forms))


def with_code(outbound: Outbound, code: str) -> Outbound:
    """Return the message with the code in each of its places."""
    return replace(outbound, **{name: _filled(getattr(outbound, name), code) for name in _SAID})


def _has_mark(value: object) -> bool:
    if isinstance(value, str):
        return CODE_MARK in value
    return any(_has_mark(part) for part in _parts(value))


def _parts(value: object) -> tuple[object, ...]:
    if is_dataclass(value):
        return tuple(getattr(value, field.name) for field in fields(value))
    return value if isinstance(value, tuple) else ()


def _filled(value: Any, code: str) -> Any:  # noqa: ANN401  # whatever a message is made of, as it was but for the marks
    if isinstance(value, str):
        return value.replace(CODE_MARK, code)
    if isinstance(value, tuple):
        return tuple(_filled(part, code) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _filled(getattr(value, f.name), code) for f in fields(value)})
    return value
