"""Filling variables into a message: liquid, with limits. A leftover placeholder never reaches a customer."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from liquid import Environment, RenderContext, StrictDefaultUndefined
from liquid.ast import Node
from liquid.builtin.expressions.filtered import FilteredExpression
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.exceptions import LiquidError, LiquidSyntaxError, UndefinedError, UnknownFilterError
from liquid.expression import Expression
from liquid.template import BoundTemplate

from domain.errors import CannotRender

MARKERS = {"{{": "}}", "{%": "%}"}
LEFTOVER = re.compile(r"\{\{|\{%|\$\{|【姓名】")
"""What somebody forgot to fill in, in liquid's notation or another tool's (delivery.md, "Which class obeys what")."""
TEMPLATES_KEPT = 256
LONGEST_TEMPLATE = 4_096
"""Characters, as many as the longest message has. The library reads what is never closed in quadratic time."""
FILTERS = frozenset(
    {
        "append",
        "capitalize",
        "date",
        "default",
        "downcase",
        "escape",
        "lstrip",
        "prepend",
        "remove",
        "rstrip",
        "size",
        "slice",
        "squish",
        "strip",
        "truncate",
        "truncatewords",
        "upcase",
    }
)
"""Those whose result is hardly longer than what they are given: ``replace`` multiplies, and six of it in a row fill the machine."""
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
    """Return a template that is safe to render. Raises LiquidError."""
    if len(template) > LONGEST_TEMPLATE:
        raise LiquidSyntaxError(f"longer than {LONGEST_TEMPLATE} characters", token=None)
    if any(template.count(begin) != template.count(end) for begin, end in MARKERS.items()):
        raise LiquidSyntaxError("something in braces is not closed", token=None)
    parsed = _ENVIRONMENT.from_string(template)
    for part in _expressions(parsed):
        if isinstance(part, RangeLiteral):  # (1..999999999) is a short text and a long list
            raise LiquidSyntaxError("ranges are not possible", token=None)
        for used in (isinstance(part, FilteredExpression) and part.filters) or ():
            if used.name not in FILTERS:
                raise UnknownFilterError(f"the filter {used.name} is not possible", token=None)
    return parsed


def _expressions(template: BoundTemplate) -> Iterator[Expression]:
    context = RenderContext(template)
    waiting: list[Node | Expression] = list(template.nodes)
    while waiting:
        part = waiting.pop()
        if isinstance(part, Node):
            waiting.extend(part.children(context, include_partials=False))
            waiting.extend(part.expressions())
        else:
            yield part
            waiting.extend(part.children())


def template_fault(template: str) -> str | None:
    """Return what is wrong with a template, None for a good one."""
    if not any(marker in template for marker in MARKERS):
        return None if LEFTOVER.search(template) is None else "it holds a placeholder that nothing fills in"
    try:
        _parsed(template)
    except LiquidError as error:
        return str(error).splitlines()[0]
    except Exception as error:  # noqa: BLE001  # the library's own bug in reading some text must be the text's fault, not the command's
        return type(error).__name__
    return None


def variables_of(template: str) -> frozenset[str]:
    """Return the variables that a good template asks for, with what is asked of them (``link.shop``); none of a bad one."""
    if not any(marker in template for marker in MARKERS):
        return frozenset()
    try:
        asked = _parsed(template).analyze(include_partials=False).globals
    except Exception:  # noqa: BLE001  # as in template_fault, which tells what is wrong
        return frozenset()
    return frozenset(str(variable) for variables in asked.values() for variable in variables)


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
        except Exception:  # noqa: BLE001  # LiquidError, or whatever else the library stumbles over in somebody's text
            raise CannotRender(BROKEN) from None
    if LEFTOVER.search(text) is not None:
        raise CannotRender(MISSING)
    return text
