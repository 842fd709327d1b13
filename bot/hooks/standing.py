"""How a hook stands, kept beside the log: its trouble, and what is told again."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from domain.identity import Slug


class Stopped(StrEnum):
    """Why nothing more is sent until an operator says so."""

    NO = ""
    PARKED = "parked"
    """It took nothing for three days."""
    GONE = "gone"
    """It answered 410: that it wants nothing more."""


class Standing(msgspec.Struct, frozen=True):
    """Since when a hook takes nothing, how often it was tried, and what came of the last try. As it is where all is well."""

    failing_since: datetime | None = None
    attempts: int = 0
    error: str = ""
    stopped: Stopped = Stopped.NO


class Skip(msgspec.Struct, frozen=True):
    """After position ``until`` go on behind ``then``: what lies between was told, and is not meant by the replay."""

    until: int = 0
    then: int = 0


class Notes(Protocol):
    """Where it is kept: names and values beside the log. Every method raises StoreUnavailable."""

    def get_cursor(self, name: str) -> str | None:
        """Return a value."""
        ...

    def set_cursor(self, name: str, value: str) -> None:
        """Keep a value; durable when this returns."""
        ...


def place(hook: Slug) -> str:
    """Return the name under which the log keeps how far a hook was told."""
    return f"hook-{hook}"


def standing(notes: Notes, hook: Slug) -> Standing:
    """Return how a hook stands."""
    return msgspec.json.decode(notes.get_cursor(f"hook:{hook}") or "{}", type=Standing)


def note(notes: Notes, hook: Slug, stands: Standing) -> None:
    """Keep how a hook stands."""
    notes.set_cursor(f"hook:{hook}", msgspec.json.encode(stands).decode())


def skip(notes: Notes, hook: Slug) -> Skip:
    """Return what the last replay leaves out."""
    return msgspec.json.decode(notes.get_cursor(f"hook-skip:{hook}") or "{}", type=Skip)


def note_skip(notes: Notes, hook: Slug, left_out: Skip) -> None:
    """Keep what a replay leaves out. Only replays write it: a hook that works must never take back what one just said."""
    notes.set_cursor(f"hook-skip:{hook}", msgspec.json.encode(left_out).decode())
