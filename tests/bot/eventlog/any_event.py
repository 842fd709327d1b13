"""Hypothesis: any event of any class the log may hold."""

import dataclasses
from datetime import UTC, date, datetime, time
from enum import Enum
from types import NoneType, UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from bot.eventlog import packing
from domain.message import Context, Event, Origin, Personal, Raw
from domain.registry import EVENT_TYPES

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
CODES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=32)
IDS = st.text("0123456789abcdef", min_size=32, max_size=32)
PACKABLE = st.one_of(
    st.sampled_from(packing.WORDS),
    IDS,
    st.builds("{}-{}".format, st.sampled_from(packing.CATEGORIES), IDS),
    st.builds("{}-{}@{}".format, st.sampled_from(packing.CATEGORIES), IDS, st.integers(1, 10**16)),
)
"""What the log writes in fewer bytes."""
NAMES = CODES | PACKABLE
# PostgreSQL and msgpack keep microseconds; a year below 1000 has no four-digit form.
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2900, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis wants naive bounds
JSON = st.dictionaries(
    WORDS,
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | WORDS | st.lists(WORDS, max_size=3),
    max_size=4,
)


def values_of(hint: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401  # a type form
    """Any value of a field with this type hint."""
    if isinstance(hint, NewType):
        return NAMES
    if get_origin(hint) in (Union, UnionType):
        return st.one_of([values_of(kind) for kind in get_args(hint)])
    if get_origin(hint) is Personal:
        return _words(get_args(hint)[0]).map(Personal)
    if get_origin(hint) is dict:
        return st.dictionaries(WORDS, WORDS, max_size=3)
    if get_origin(hint) is tuple:
        return st.lists(values_of(get_args(hint)[0]), max_size=4).map(tuple)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return events_of(hint)
    return {
        NoneType: st.none(),
        bool: st.booleans(),
        int: st.integers(0, 2**40),
        float: st.floats(0, 100),
        str: WORDS,
        Any: WORDS | st.integers(0, 2**40),
        time: st.times(),
        date: st.dates(),
        datetime: MOMENTS,
        Raw: st.binary(max_size=60).map(Raw),
    }[hint]


def _words(content: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401  # a type form
    if get_origin(content) is dict:
        return JSON
    if get_origin(content) is list:
        return st.lists(_words(get_args(content)[0]), max_size=3)
    return values_of(content)


def events_of(event: type) -> st.SearchStrategy[Event]:
    """Any event of this class."""
    hints = get_type_hints(event)
    return st.builds(
        event, **{field.name: values_of(hints[field.name]) for field in dataclasses.fields(event)}
    )


EVENTS: st.SearchStrategy[Event] = st.sampled_from(
    sorted(EVENT_TYPES.values(), key=lambda event: event.__name__)
).flatmap(events_of)
CONTEXTS = st.builds(
    Context,
    actor=NAMES,
    occurred_at=MOMENTS,
    now=MOMENTS,
    cause=st.none() | NAMES,
    correlation=st.none() | NAMES,
    origin=st.sampled_from(Origin),
)
