"""Variables in messages: filled in, or a reason why not; never a placeholder, never a machine that is full."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rendering import BROKEN, LEFTOVER, LONGEST_TEMPLATE, MISSING, render, template_fault
from domain.errors import CannotRender

ANN = {"name": "Ann", "username": "", "number": "#7", "brand": "Tea House"}
NOT_FILLED_IN = "it holds a placeholder that nothing fills in"
ROOM_BYTES = 512 * 1024 * 1024


def refused(template: str, variables: dict[str, str] = ANN) -> str:
    """The reason why a template gives no message."""
    with pytest.raises(CannotRender) as raised:
        render(template, variables)
    return raised.value.reason


@contextmanager
def little_memory() -> Iterator[None]:
    """Let whatever takes more than ROOM_BYTES on top of what there is fail at once, instead of taking the machine with it."""
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123  # one line of a kernel file
        pages = int(statm.read().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ROOM_BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize(
    "template,message",
    [
        ("no variable, 100% {free} [really]", "no variable, 100% {free} [really]"),
        ("Dear {{ name }} ({{number}})", "Dear Ann (#7)"),
        ("Dear {{ nickname | default: 'friend' }}", "Dear friend"),
        ("Dear {{ username | default: 'friend' }}", "Dear friend"),
        ("{% if name == 'Ann' %}Hi{% else %}Hello{% endif %} from {{ brand | upcase }}", "Hi from TEA HOUSE"),
        ("{{ name | append: '!' | prepend: '¡' }}", "¡Ann!"),
        ("{% assign who = name | downcase %}{{ who }}", "ann"),
        ("{% comment %}{{ nobody }}{% endcomment %}done", "done"),
    ],
)
def test_variables_are_filled_in(template: str, message: str) -> None:
    assert (template_fault(template), render(template, ANN)) == (None, message)


@pytest.mark.parametrize(
    "template",
    ["{{ nickname }}", "{{ username }}", "{% if nickname %}a{% endif %}", "{{ name.first.letter }}"],
)
def test_a_variable_that_is_missing_or_empty_lets_the_message_wait_for_nobody(template: str) -> None:
    assert (template_fault(template), refused(template)) == (None, MISSING)


@pytest.mark.parametrize("template", ["Dear ${name}", "Dear 【姓名】", "{{ name }}, dear ${name}"])
def test_a_placeholder_of_another_tool_never_leaves(template: str) -> None:
    assert refused(template) == MISSING


@pytest.mark.parametrize("template", ["Dear ${name}", "Dear 【姓名】"])
def test_a_placeholder_of_another_tool_is_told_to_whoever_writes_it(template: str) -> None:
    assert template_fault(template) == NOT_FILLED_IN


@pytest.mark.parametrize("name", ["{{ name }}", "${x}", "【姓名】", "{% if %}"])
def test_what_a_customer_calls_themselves_is_no_template_and_no_leftover_to_send(name: str) -> None:
    assert refused("Dear {{ name }}", {"name": name}) == MISSING


@pytest.mark.parametrize(
    "template,fault",
    [
        ("Dear {{ name", "something in braces is not closed"),
        ("{% if name %}Dear", "expected tag endif, found end of expression"),
        ("{{ name | shout }}", "the filter shout is not possible"),
        ("{% if name %}{{ name | replace: 'a', 'b' }}{% endif %}", "the filter replace is not possible"),
        ("{% for i in (1..3) %}x{% endfor %}", "ranges are not possible"),
        ("{% nonsense %}", "unexpected tag 'nonsense'"),
        ("{{ name }}" + "x" * LONGEST_TEMPLATE, f"longer than {LONGEST_TEMPLATE} characters"),
    ],
)
def test_a_template_that_cannot_be_filled_in_is_told_before_it_is_planned(template: str, fault: str) -> None:
    assert (template_fault(template), refused(template)) == (fault, BROKEN)


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'aaaa'" + " | replace: 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'" * 8 + " }}",
        "{% for i in (1..999999999) reversed %}x{% endfor %}",
        "{{ (1..999999999) | join }}",
        "{% if (1..999999999) contains 'x' %}y{% endif %}",
        "{% assign a = (1..999999999) | sort %}",
        "{% assign a = 9 | times: 9 %}",
        "{{ name | base64_encode }}",
        "{{ name | split: '' | join: 'xxxxxxxx' }}",
        "{% include 'x' %}",
        "{% render 'x' %}",
        "{{ 'x' | truncate: 'y' }}",
        "{{ 1 | slice: 'y' }}",
        "{{" * 1_000 + "}}" * 1_000,
        "{% if true %}" * 300 + "{% endif %}" * 300,
        "{{ a" + "[0" * 1_000 + "]" * 1_000 + " }}",
        "{{ 1" + "0" * 4_000 + ".5e999 }}",
    ],
)
def test_an_attack_is_refused_before_it_costs_anything(template: str) -> None:
    with little_memory():
        assert refused(template) in {BROKEN, MISSING}


def test_loops_and_what_they_collect_are_bounded() -> None:
    doubling = "{% capture a %}{{ a | default: 'xxxxxxxx' }}{{ a | default: 'x' }}{% endcapture %}" * 40
    with little_memory():
        assert refused(doubling) == BROKEN
        assert refused("{{ name }}" * 300, {"name": "x" * 1_000}) == BROKEN


PIECES = st.sampled_from(
    ["{{", "}}", "{%", "%}", "name", "nobody", "| default: 'a'", "| upcase", "if", "(1..9)", "${", "\ud800"]
)
MORE = st.sampled_from(
    [
        "endif",
        "for i in name",
        "endfor",
        "assign a =",
        "'",
        "0",
        ".",
        "[",
        "]",
        "-",
        "raw",
        "【姓名】",
        "\x00",
    ]
)
TEXTS = st.lists(PIECES | MORE, max_size=12).map(" ".join) | st.text(max_size=60)


@given(TEXTS, st.dictionaries(st.sampled_from(["name", "brand"]), TEXTS, max_size=2))
def test_whatever_is_written_gives_a_message_without_leftovers_or_a_reason(
    template: str, variables: dict[str, str]
) -> None:
    try:
        message = render(template, variables)
    except CannotRender as error:
        assert error.reason in {MISSING, BROKEN}  # noqa: PT017  # a message is as good
    else:
        assert LEFTOVER.search(message) is None


@given(TEXTS)
def test_what_is_told_to_be_at_fault_is_never_sent(template: str) -> None:
    fault = template_fault(template)
    if fault is None or fault == NOT_FILLED_IN:
        return
    assert refused(template, {}) == BROKEN
