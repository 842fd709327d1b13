"""Filling variables into a message: liquid, with limits. A leftover placeholder never reaches a customer."""

import re
from collections.abc import Mapping
from functools import lru_cache

from liquid import Environment, StrictDefaultUndefined
from liquid.exceptions import LiquidError, UndefinedError
from liquid.template import BoundTemplate

from domain.errors import CannotRender

MARKERS = ("{{", "{%")
LEFTOVER = re.compile(r"\{\{|\{%|\$\{|【姓名】")
"""What somebody forgot to fill in, in liquid's notation or another tool's (delivery.md, "Which class obeys what")."""
TEMPLATES_KEPT = 256
MISSING = "missing_variable"
BROKEN = "broken_template"


class _Limited(Environment):
    """Templates are short messages: whatever needs more than this is an attack or a mistake."""

    loop_iteration_limit = 1_000
    local_namespace_limit = 10_000
    output_stream_limit = 64_000
    context_depth_limit = 8


_ENVIRONMENT = _Limited(undefined=StrictDefaultUndefined)


@lru_cache(TEMPLATES_KEPT)
def _parsed(template: str) -> BoundTemplate:
    return _ENVIRONMENT.from_string(template)


def template_fault(template: str) -> str | None:
    """Return what is wrong with a template, None for a good one."""
    if not any(marker in template for marker in MARKERS):
        return None if LEFTOVER.search(template) is None else "it holds a placeholder that nothing fills in"
    try:
        _parsed(template)
    except LiquidError as error:
        return str(error).splitlines()[0]
    return None


def render(template: str, variables: Mapping[str, str]) -> str:
    """Return the message. Raises CannotRender: ``missing_variable`` without a value and a fallback, ``broken_template`` otherwise.

    A variable with an empty value counts as missing, so that ``{{ name | default: "friend" }}`` greets a friend.
    """
    text = template
    if any(marker in template for marker in MARKERS):
        try:
            text = _parsed(template).render(**{key: value for key, value in variables.items() if value})
        except UndefinedError:
            raise CannotRender(MISSING) from None
        except LiquidError:
            raise CannotRender(BROKEN) from None
    if LEFTOVER.search(text) is not None:
        raise CannotRender(MISSING)
    return text
