"""Old versions of events, brought to the shape of today when they are read. The log itself is never rewritten.

An upcaster sees the plain fields as msgpack gave them, and each personal or raw field as an unopened ``Sealed``: it may rename or drop
one, not look inside. To change an event, give it the next version, and add the step from the last one here. Changing a field's default
counts as a change too: fields that have their default are not stored.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Upcaster:
    """One step: ``stored`` and ``becomes`` are slugs with versions, such as ``message-received/1`` and ``message-received/2``.

    ``fields``: all that the stored version had, in the order they were defined in, since the log says their numbers only; ``sealed``: the
    personal ones among them, and ``raw`` the provider's payload.
    """

    stored: str
    becomes: str
    upcast: Callable[[dict[str, Any]], dict[str, Any]]
    fields: tuple[str, ...]
    sealed: frozenset[str] = frozenset()
    raw: str | None = None


UPCASTERS: tuple[Upcaster, ...] = ()
"""Every step there is. Empty until the first event changes."""
