"""What commands and events are made of: personal fields, the envelope of a recorded event, and the clock's types.

An event is a frozen dataclass in the past tense. Its fields are coded types (ids, slugs, enums, numbers, times) or ``Personal``: a bare
``str`` is refused by a test, since it would lie in clear in the log for ever.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Generic, Protocol, TypeVar, final

from domain.identity import BRAND, Channel, EventId, Slug, StreamId, SubjectId, ZoneName

T = TypeVar("T")

FORGOTTEN = "[forgotten]"
"""What a personal text reads as once the key of its subject is destroyed."""


@final
class Personal(Generic[T]):
    """A value about a person: stored encrypted under the key of the event's subject, and never printed.

    ``value`` decrypts on first use, so that replay does not pay for what nobody reads.
    """

    __slots__ = ("_open", "_value")

    def __init__(self, value: T) -> None:
        self._value: T | None = value
        self._open: Callable[[], T] | None = None

    @classmethod
    def sealed(cls, unseal: Callable[[], T]) -> "Personal[T]":
        """Wrap something still encrypted; ``unseal`` returns the plain value, or FORGOTTEN for a destroyed key."""
        personal: Personal[T] = cls.__new__(cls)
        personal._value = None  # its own class
        personal._open = unseal
        return personal

    @property
    def value(self) -> T:
        """The plain value."""
        unseal = self._open
        if unseal is not None:  # two threads may both unseal it, to the same value
            self._value, self._open = unseal(), None
        return self._value  # type: ignore[return-value]  # None only where T allows it

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Personal) and self.value == other.value

    def __hash__(self) -> int:
        try:
            return hash(self.value)
        except TypeError:  # lists and dictionaries have none; equal ones may be written in different orders
            return hash(type(self.value))

    def __repr__(self) -> str:
        return "Personal(...)"


@final
class Raw:
    """A provider's payload as it came, sealed under the key of its month, which is destroyed 30 days after the month ends."""

    __slots__ = ("_open", "_value")

    def __init__(self, value: bytes) -> None:
        self._value: bytes | None = value
        self._open: Callable[[], bytes] | None = None

    @classmethod
    def sealed(cls, unseal: Callable[[], bytes]) -> "Raw":
        """Wrap something still encrypted."""
        raw = cls.__new__(cls)
        raw._value = None  # noqa: SLF001  # its own class
        raw._open = unseal  # noqa: SLF001
        return raw

    @property
    def value(self) -> bytes:
        """The payload; empty once its month's key is gone."""
        unseal = self._open
        if unseal is not None:
            self._value, self._open = unseal(), None
        return self._value or b""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Raw) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return "Raw(...)"


class Event(Protocol):
    """A fact.

    ``SUBJECT`` says whose key seals the personal fields: ``""`` where there are none, ``brand`` for what the brand wrote itself,
    ``subject`` for a field of that name that holds a SubjectId, otherwise a category (``contact``) whose id is in the field of that name.
    Several, joined by ``|``: the first one whose field is not empty.
    """

    SUBJECT: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]


def subject_of(event: Event) -> SubjectId | None:
    """Return whose key seals the personal fields of this event, None where it has none."""
    match event.SUBJECT:
        case "":
            return None
        case "brand":
            return BRAND
        case "subject":
            return SubjectId(getattr(event, "subject"))  # noqa: B009  # the protocol has no such field: it is named by SUBJECT
        case categories:
            return _first_named(event, categories.split("|"))


def _first_named(event: Event, categories: Sequence[str]) -> SubjectId:
    for category in categories:
        key = None if category == BRAND else getattr(event, category)
        if key is not None:
            return SubjectId(f"{category}-{key}")
    return BRAND


class Command(Protocol):
    """A wish, in the imperative."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


class Origin(StrEnum):
    """Where an event came from. Imported history never causes an action or a send."""

    LIVE = "live"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Opening:
    """What an inbound fact opens on a channel that has reply windows: so many messages, for so many seconds after it happened."""

    messages: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Route:
    """One of a channel's ways out, where it has several.

    ``windowed``: only inside the reply window. ``by_form``: which of a text's forms it sends (``template``, ``subscription``), empty for
    the text itself. ``per_month``: how many somebody gets in a calendar month of ``zone``. ``by_balance``: each uses up one consent that
    the recipient gave for this very form. ``together``: how many people one call is for, at least and at most, all of whom get the
    same; None: for one. ``calls_per_day``: how many such calls the account has, None where nobody counts.
    """

    name: Slug
    windowed: bool = False
    by_form: Slug = Slug("")  # a string
    per_month: int | None = None
    zone: ZoneName | None = None
    by_balance: bool = False
    together: tuple[int, int] | None = None
    calls_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class ReplyWindow:
    """What a channel allows towards a contact: so many messages from ``since`` on, until then. Who counts them: domain/policies."""

    messages: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Rival:
    """A planned marketing message of higher priority to the same customer, and from when on it may go."""

    not_before: datetime
    channel: Channel
    topic: Slug


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks, why, and when it happened: copied into the envelope of every event a command leads to."""

    actor: Slug
    """``customer``, ``operator-<id>``, ``process-<name>``, ``scheduler``, ``system``."""
    occurred_at: datetime
    now: datetime
    """Read once at the edge; what deciders know of the time."""
    cause: EventId | None = None
    correlation: Slug | None = None
    origin: Origin = Origin.LIVE


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its envelope, as the log keeps it."""

    position: int
    stream: StreamId
    version: int
    type: str
    """Slug and version, e.g. ``message-received/1``."""
    recorded_at: datetime
    occurred_at: datetime
    origin: Origin
    actor: Slug
    cause: EventId | None
    correlation: Slug | None
    event: Event

    @property
    def id(self) -> EventId:
        """``stream@version``."""
        return EventId(f"{self.stream}@{self.version}")
