"""Lists come in pages: so many at once, and where the next page begins."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Strict

MOST = 200
USUAL = 50
LONGEST_CURSOR = 18
"""Digits: what a position of the log may have."""
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Nothing that other systems tell of happened before."""
_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})", re.ASCII | re.IGNORECASE
)
_DIGITS = re.compile(rf"0|[1-9][0-9]{{0,{LONGEST_CURSOR - 1}}}")

Item = TypeVar("Item")
Found = TypeVar("Found")


def _written(value: object) -> object:
    """Numbers are no times, though pydantic would take them for seconds."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError("write a time as 2026-11-20T10:00:00+08:00")
    return value


def _likely(value: datetime) -> datetime:
    if value < EARLIEST:
        raise ValueError(f"nothing before {EARLIEST.year} is taken")
    return value


def _in_digits(value: object) -> object:
    """5.0, +5 and 1_000 are no whole numbers as JSON Schema reads an address, though pydantic would take them for such."""
    if not isinstance(value, str) or not _DIGITS.fullmatch(value):
        raise ValueError("write a whole number in digits, such as 50")
    return value


def _true_or_false(value: object) -> object:
    if value not in {"true", "false"}:
        raise ValueError("write true or false")
    return value


Time = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_likely)]
"""As RFC 3339 writes it, with its zone."""
Whole = Annotated[int, Strict()]
"""true is no number."""
InDigits = BeforeValidator(_in_digits)
"""For a whole number in an address."""
TrueOrFalse = BeforeValidator(_true_or_false)
"""For a choice in an address: ``on``, ``yes`` and ``1`` are none."""
Limit = Annotated[int, Query(ge=1, le=MOST, description="so many at most"), InDigits]
Cursor = Annotated[
    str | None,
    Query(
        pattern=rf"^[0-9]{{1,{LONGEST_CURSOR}}}$",
        description="`next` of the page before; the first page without",
    ),
]


class Told(BaseModel):
    """What is answered: made from the views' records, field by field."""

    model_config = ConfigDict(from_attributes=True)


class Asked(BaseModel):
    """What is sent: a field that we do not know is a mistake."""

    model_config = ConfigDict(extra="forbid", str_max_length=100_000)


class Page(BaseModel, Generic[Item]):
    """Some of a list. ``next``: the cursor of the next page, null on the last one."""

    items: list[Item]
    next: str | None


def place(cursor: str | None) -> int:
    """Return where a page begins: 0 for the first."""
    return int(cursor or 0)


def cut(
    found: Sequence[Found], limit: int, place_of: Callable[[Found], int]
) -> tuple[Sequence[Found], str | None]:
    """Return (page, cursor of the next) of a list that was asked for one more than ``limit``."""
    page = found[:limit]
    return page, str(place_of(page[-1])) if len(found) > limit else None
