"""The rules of the house for what the log keeps for ever, and that every command and event has its example."""

import dataclasses
import importlib
import pkgutil
import re
import typing
from collections.abc import Iterator
from datetime import date, datetime, time
from enum import Enum
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest

import domain
import domain.identity
from domain.identity import BRAND, SubjectId
from domain.message import Command, Event, Personal, Raw, subject_of
from domain.registry import DECIDERS, EVENT_TYPES, HANDLERS
from tests.domain.controls.commands import COMMANDS
from tests.domain.controls.events import EVENTS

CODED = {thing for thing in vars(domain.identity).values() if isinstance(thing, typing.NewType)}
PLAIN = {bool, int, float, date, time, datetime, NoneType, Raw}
KEYS_OF_ONE = {"contact", "customer", "group", "operator", "order", "purchase"}

event_types = pytest.mark.parametrize(
    "event", EVENT_TYPES.values(), ids=[kind.__name__ for kind in EVENT_TYPES.values()]
)


def leaves(hint: object) -> Iterator[object]:
    """What a field may hold, through unions and tuples; a personal value is not looked into: it is sealed."""
    if get_origin(hint) in {typing.Union, UnionType, tuple}:
        for part in get_args(hint):
            if part is not Ellipsis:
                yield from leaves(part)
    elif dataclasses.is_dataclass(hint) and isinstance(hint, type):
        for part in hints_of(hint).values():
            yield from leaves(part)
    else:
        yield get_origin(hint) or hint


def hints_of(event: type) -> dict[str, Any]:
    hints = get_type_hints(event)
    return {field.name: hints[field.name] for field in dataclasses.fields(event)}


def personal_fields(event: type) -> list[str]:
    return [name for name, hint in hints_of(event).items() if Personal in leaves(hint)]


def may_lie_in_clear(leaf: object) -> bool:
    return leaf in PLAIN or leaf in CODED or (isinstance(leaf, type) and issubclass(leaf, Enum))


def test_there_is_one_example_of_every_event() -> None:
    examples = sorted(type(event).__name__ for event in EVENTS)
    assert examples == sorted(kind.__name__ for kind in EVENT_TYPES.values())


def test_there_is_one_example_of_every_command() -> None:
    understood = [command for decider in DECIDERS for command in decider.commands]
    understood += [handler.command for handler in HANDLERS]
    assert sorted(type(command).__name__ for command in COMMANDS) == sorted(c.__name__ for c in understood)


def test_each_command_each_category_and_each_slug_belongs_to_one_decider() -> None:
    commands = [command for decider in DECIDERS for command in decider.commands]
    commands += [handler.command for handler in HANDLERS]
    categories = [decider.category for decider in DECIDERS]
    slugs = [slug for decider in DECIDERS for slug, _ in decider.events]
    classes = [event for decider in DECIDERS for _, event in decider.events]
    for names in (commands, categories, slugs, classes):
        assert len(names) == len(set(names))


def test_a_category_holds_no_dash_since_a_stream_is_split_at_the_first_one() -> None:
    assert [decider.category for decider in DECIDERS if not decider.category.isalpha()] == []


def test_slugs_are_the_class_name_in_kebab_case_with_a_version() -> None:
    for slug, event in EVENT_TYPES.items():
        name, _, version = slug.partition("/")
        kebab = re.sub(r"(?<!^)(?=[A-Z])", "-", event.__name__).lower()
        assert (name, version.isdecimal()) == (kebab, True)


@event_types
def test_nothing_of_a_person_lies_in_clear(event: type) -> None:
    seen = {(name, leaf) for name, hint in hints_of(event).items() for leaf in leaves(hint)}
    assert [(name, leaf) for name, leaf in seen if leaf is not Personal and not may_lie_in_clear(leaf)] == []


@pytest.mark.parametrize("hint", [str, str | None, tuple[str, ...], dict[str, int], bytes, list[str], Any])
def test_the_check_itself_notices_what_would_lie_in_clear(hint: object) -> None:
    assert not all(leaf is Personal or may_lie_in_clear(leaf) for leaf in leaves(hint))


@event_types
def test_personal_fields_have_a_subject_and_only_they(event: type) -> None:
    subject = vars(event)["SUBJECT"]
    assert bool(subject) == bool(personal_fields(event))
    if subject == "subject":
        assert hints_of(event)["subject"] is SubjectId
    elif subject not in {"", "brand"}:
        assert set(subject.split("|")) - {"brand"} <= KEYS_OF_ONE & hints_of(event).keys()


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_the_subject_is_named_by_the_field_that_holds_its_id(event: Event) -> None:
    expected = {
        "": None,
        "brand": BRAND,
        "subject": getattr(event, "subject", None),
        "contact": "contact-alice",
        "customer": "customer-wang",
        "group": "group-fans",
        "operator": "operator-li",
        "purchase": "purchase-tea-order",
        "order|contact": "contact-alice",
        "order|operator": "order-c0de",
        "contact|group|brand": "group-fans",
    }
    assert subject_of(event) == expected[event.SUBJECT]


@pytest.mark.parametrize("example", [*EVENTS, *COMMANDS], ids=lambda example: type(example).__name__)
def test_examples_are_frozen_slotted_keyword_only_and_never_print_what_is_personal(
    example: Event | Command,
) -> None:
    kind = type(example)
    assert vars(kind)["__dataclass_params__"].frozen
    assert not hasattr(example, "__dict__")
    assert all(field.kw_only for field in dataclasses.fields(kind))
    assert [text for text in personal_texts(example) if text in repr(example)] == []


def personal_texts(example: Event | Command) -> list[str]:
    values = [getattr(example, field.name) for field in dataclasses.fields(example)]
    return [value.value for value in values if isinstance(value, Personal) and isinstance(value.value, str)]


def test_every_value_of_the_domain_is_slotted_and_frozen_unless_it_is_a_memory_or_a_batch_at_work() -> None:
    values = {
        value
        for module in pkgutil.walk_packages(domain.__path__, "domain.")
        for value in vars(importlib.import_module(module.name)).values()
        if isinstance(value, type) and dataclasses.is_dataclass(value)
    }
    assert [value for value in values if "__slots__" not in vars(value)] == []
    mutable = {value.__name__ for value in values if not vars(value)["__dataclass_params__"].frozen}
    assert mutable == {
        "MemoryAgenda",
        "MemoryAudience",
        "MemoryCanaries",
        "MemoryHistory",
        "MemoryMessenger",
        "MemoryProfiles",
        "MemoryRecalls",
        "MemorySnapshots",
        "MemoryTagLedger",
        "MemoryTagMirror",
        "Batch",
    }
