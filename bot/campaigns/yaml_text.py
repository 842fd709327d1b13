"""The text of a form, read as plain values: no aliases, no tags, no key twice, no deep nests; and what looks like a time stays a text."""

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from bot.campaigns.faults import Fault
from bot.texts import told

LONGEST_FORM: Final = 64 * 1024
"""Characters."""
DEEPEST: Final = 12
MOST_NODES: Final = 5_000

_SCALARS: Final = (
    ("tag:yaml.org,2002:null", r"(?:~|null|)", ("~", "n", "")),
    ("tag:yaml.org,2002:bool", r"(?:true|false)", ("t", "f")),
    ("tag:yaml.org,2002:int", r"-?(?:0|[1-9][0-9]{0,17})", tuple("-0123456789")),
    ("tag:yaml.org,2002:float", r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,17}", tuple("-0123456789")),
)
"""YAML 1.1 takes ``on`` for a truth and ``10:00`` for 600: people who write forms do not."""


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's own attribute


for _tag, _pattern, _first in _SCALARS:
    _Loader.add_implicit_resolver(_tag, re.compile(rf"^{_pattern}$"), list(_first))


def read_yaml(text: str) -> tuple[dict[str, Any], list[Fault]]:
    """Return the values of a form, and what is wrong with its text; empty where nothing can be read."""
    if len(text) > LONGEST_FORM:
        return {}, [Fault("", told("a form has at most {most} characters", most=LONGEST_FORM))]
    try:
        wild = _wildness(text)
        if wild is not None:
            return {}, [wild]
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if not isinstance(node, yaml.MappingNode):
                return {}, [Fault("", told("a form is written as lines “key: value”"))]
            doubled = list(_doubled(node, ""))
            values = loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        return {}, [_unreadable(error)]
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}, [Fault("", told("this is no YAML"))]
    return values, doubled


def _unreadable(error: yaml.MarkedYAMLError) -> Fault:
    line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
    return Fault("", told("line {line} is no YAML: {problem}", line=line, problem=error.problem or ""))


def _wildness(text: str) -> Fault | None:
    """Return why a text is not even taken apart, seen from its events: they hold nothing whole in memory."""
    depth = nodes = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        nodes += isinstance(event, yaml.NodeEvent)
        line = event.start_mark.line + 1 if event.start_mark is not None else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            return Fault("", told("line {line}: & and * have no meaning here: write it out", line=line))
        if getattr(event, "tag", None) is not None:
            return Fault("", told("line {line}: ! has no meaning here", line=line))
        if depth > DEEPEST or nodes > MOST_NODES:
            return Fault("", told("line {line}: this is too much for a form", line=line))
    return None


def _doubled(node: yaml.Node, place: str) -> Iterator[Fault]:
    """Return keys that stand twice, or are no words; a value of PyYAML's own would silently win."""
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value, 1):
            yield from _doubled(item, f"{place}[{number}]")
    if not isinstance(node, yaml.MappingNode):
        return
    known: set[str] = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.MarkedYAMLError(problem="a key is one word", problem_mark=key.start_mark)
        key.tag = "tag:yaml.org,2002:str"
        where = f"{place}.{key.value}" if place else str(key.value)
        if key.value in known:
            yield Fault(where, told("this key stands here twice"))
        known.add(key.value)
        yield from _doubled(value, where)
