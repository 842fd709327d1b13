"""Holding a text against a rule's pattern: regular expressions by RE2, which cannot backtrack without end."""

from functools import lru_cache
from typing import Any

import re2

from domain.policies.text import folded
from domain.rules.events import Match

PATTERNS_KEPT = 2_048
MAX_PATTERN_CHARS = 1_000
MEMORY_BYTES = 4 * 1024 * 1024
"""What one compiled expression may take: a pattern such as ((a{100}){100}){100} is refused instead of filling the machine."""


def _options() -> Any:  # noqa: ANN401  # re2 ships no types
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = MEMORY_BYTES
    return options


@lru_cache(PATTERNS_KEPT)
def _compiled(pattern: str) -> Any:  # noqa: ANN401
    return re2.compile(pattern, _options())


def regex_fault(pattern: str) -> str | None:
    """Return what is wrong with a regular expression, None for a good one."""
    if len(pattern) > MAX_PATTERN_CHARS:
        return f"longer than {MAX_PATTERN_CHARS} characters"
    try:
        _compiled(pattern)
    except re2.error as error:
        return error.args[0].decode("utf8", "replace") if isinstance(error.args[0], bytes) else str(error)
    except UnicodeEncodeError:  # half a character
        return "it holds what is no text"
    return None


@lru_cache(PATTERNS_KEPT)
def _folded(pattern: str) -> str:
    return folded(pattern)


def matches(match: Match, pattern: str, text: str) -> bool:
    """Whether a text matches. Width and case do not count; an expression that went bad matches nothing."""
    match match:
        case Match.ANY:
            return True
        case Match.EXACT:
            return folded(text) == _folded(pattern)
        case Match.CONTAINS:
            return _folded(pattern) in folded(text)
        case Match.REGEX:
            sound = folded(text).encode("utf8", "replace").decode("utf8")  # RE2 raises for half a character
            return regex_fault(pattern) is None and _compiled(pattern).search(sound) is not None
