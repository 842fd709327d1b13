"""Who may do what, what is recorded, and that doing it again does nothing."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.commands.command import NOBODY, Operator, Reply
from bot.commands.registry import COMMANDS, STRANGERS, find
from domain.deliveries.commands import LoseTrackOfDelivery
from domain.identity import DeliveryId, GroupId, Slug
from domain.message import Personal
from domain.operators.events import CommandGiven, CommandOutcome, Role
from tests.bot.commands.shop import Shop
from tests.projections.house import must

LINES = {
    "/help": Role.VIEWER,
    "/bind WRONG": Role.VIEWER,
    "/find wang": Role.VIEWER,
    "/customers": Role.VIEWER,
    "/timeline wang": Role.VIEWER,
    "/groups": Role.VIEWER,
    "/cancel": Role.VIEWER,
    "/stats": Role.VIEWER,
    "/name wang Herr Wang": Role.AGENT,
    "/tag wang gold": Role.AGENT,
    "/untag wang vip": Role.AGENT,
    "/note wang likes tea": Role.AGENT,
    "/reply wang hello": Role.AGENT,
    "/bot wang": Role.AGENT,
    "/card wang": Role.AGENT,
    "/mute wang": Role.AGENT,
    "/send wang hello": Role.AGENT,
    "/send wang --in 2h --even-at-night hello": Role.AGENT,
    '/send wang --every "mon 10:00" hello': Role.MARKETER,
    "/send group:tea hello": Role.MARKETER,
    "/send group:tea --at 15:00 hello": Role.MARKETER,
    '/send group:tea --every "mon 10:00" hello': Role.MARKETER,
    "/broadcast tag:vip hello": Role.MARKETER,
    "/broadcast all --yes hello": Role.MARKETER,
    "/broadcast group:tea hello": Role.MARKETER,
    "/campaign list": Role.MARKETER,
    "/confirm 123456": Role.MARKETER,
    "/rule list": Role.MARKETER,
    "/rule add contains 退款 => tag:refund": Role.MARKETER,
    "/rule remove 12345678": Role.MARKETER,
    "/rule welcome hello": Role.MARKETER,
    "/send group:tea --service delay hello": Role.MANAGER,
    '/send wang --every "mon 10:00" --service booked hello': Role.MANAGER,
    "/operators": Role.MANAGER,
    "/pause all": Role.MANAGER,
    "/resume": Role.MANAGER,
    "/resolve delivery:123456 sent": Role.MANAGER,
    "/link": Role.AGENT,
    "/link wang": Role.AGENT,
    "/link wang phone:13800138000": Role.AGENT,
    "/merge": Role.MANAGER,
    "/unmerge wang": Role.MANAGER,
    "/recall campaign:summer": Role.MARKETER,
    "/codes": Role.MARKETER,
    "/redeem AAA1": Role.AGENT,
    "/forget wang": Role.MANAGER,
}


@pytest.fixture
def busy(shop: Shop) -> Shop:
    shop.says("wang", "hello")
    shop.says("wang", "hi all", group="tea")
    shop.orders("/tag wang vip")
    return shop


def test_the_matrix_of_roles_names_every_command() -> None:
    assert {line.split()[0].removeprefix("/") for line in LINES} == {command.name for command in COMMANDS}


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_do_what_it_includes_and_nothing_else(busy: Shop, role: Role) -> None:
    operator = Operator(busy.hires("ann", role), role, busy.contact("wang"))
    replies = {line: busy.asks(line, operator=operator) for line in LINES}
    for_lack_of_it = {
        line for line, reply in replies.items() if reply.text.startswith("This needs the role ")
    }
    assert for_lack_of_it == {line for line, needed in LINES.items() if not role.includes(needed)}
    assert {(replies[line].outcome, replies[line].commands) for line in for_lack_of_it} <= {
        (CommandOutcome.REFUSED, ())
    }


def test_a_refusal_names_both_roles(busy: Shop) -> None:
    assert busy.asks("/pause all", Role.AGENT) == Reply(
        "This needs the role manager; yours is agent.", outcome=CommandOutcome.REFUSED, command="pause"
    )


def test_help_lists_exactly_what_a_role_may_begin(busy: Shop) -> None:
    for role in Role:
        listed = [line.split()[0] for line in busy.asks("/help", role).text.splitlines()]
        assert listed == [f"/{command.name}" for command in COMMANDS if role.includes(command.role)]


def test_somebody_who_is_not_bound_may_do_nothing_but_try_a_code(busy: Shop) -> None:
    stranger = Operator(NOBODY, Role.OWNER, busy.contact("wang"))
    replies = [
        busy.asks(line, operator=stranger) for line in LINES if not line.startswith(("/bind", "/link"))
    ]
    told = {(reply.text, reply.outcome, reply.commands) for reply in replies}
    assert told == {("Only operators may do this.", CommandOutcome.REFUSED, ())}


def test_in_a_group_nothing_is_done_and_nothing_shown(busy: Shop) -> None:
    replies = [busy.asks(line, in_group=GroupId("tea")) for line in LINES]
    told = {(reply.text, reply.outcome, reply.commands, reply.rows) for reply in replies}
    assert told == {
        ("Please write me this in private: here others read along.", CommandOutcome.REFUSED, (), ())
    }


def test_a_command_that_does_not_exist_leads_to_help(busy: Shop) -> None:
    assert busy.asks("/start now") == Reply(
        "I do not know /start. /help lists what I can do.", outcome=CommandOutcome.REFUSED
    )


def test_what_strangers_may_say_is_a_command() -> None:
    assert all(find(word) is not None for word in STRANGERS)


def test_every_order_is_in_the_audit_with_its_outcome(busy: Shop) -> None:
    for line in ("/tag wang gold", "/tag nobody gold", "/tag", "/broadcast all hello", "/nonsense"):
        busy.orders(line)
    given = [event for event in busy.events_of(CommandGiven) if event.line != Personal("/tag wang vip")]
    assert [(event.command, event.line.value, event.outcome) for event in given] == [
        ("tag", "/tag wang gold", CommandOutcome.DONE),
        ("tag", "/tag nobody gold", CommandOutcome.FAILED),
        ("tag", "/tag", CommandOutcome.REFUSED),
        ("broadcast", "/broadcast all hello", CommandOutcome.ASKED),
        ("unknown", "/nonsense", CommandOutcome.REFUSED),
    ]


REPEATABLE = [
    "/tag wang gold",
    "/untag wang vip",
    "/bot wang",
    "/reply wang hello",
    "/send wang hello",
    "/send wang --at 15:00 hello",
    '/send wang --every "mon 10:00" hello',
    "/send group:tea hello",
    "/broadcast all hello",
    "/broadcast all --yes hello",
    "/rule add contains 退款 => tag:refund",
    "/pause all",
    "/resolve UNKNOWN sent",
]


@pytest.mark.parametrize("line", REPEATABLE)
def test_an_order_that_is_carried_out_twice_happens_once(busy: Shop, line: str) -> None:
    if "UNKNOWN" in line:
        line = line.replace("UNKNOWN", f"delivery:{_lost(busy)}")
    busy.orders("/reply wang a person answers")
    request, before = busy.request(), busy.log.head()
    first = busy.asks(line, request=request)
    again = busy.asks(line, request=request)  # the crash came before the views saw it
    assert again == first
    must(busy.append(line, first, request))
    after = busy.log.head()
    assert busy.new_events(before) != []
    busy.append(line, again, request)
    assert busy.log.head() == after


def _lost(shop: Shop) -> DeliveryId:
    delivery = shop.plans("wang")
    shop.claims(delivery)
    must(shop.do(LoseTrackOfDelivery(delivery=delivery, attempt=1, reason=Slug("timeout"))))
    return delivery


def test_two_orders_of_the_same_words_happen_twice(busy: Shop) -> None:
    first, second = busy.orders("/send wang hello"), busy.orders("/send wang hello")
    assert first.commands != second.commands


SNIPPETS = """
/ ／ 、 tag send note reply broadcast rule find confirm resolve bind timeline customers add welcome 群发 定时 标签
wang #1 ＃1 @wang_x telegram:wang all tag:vip group:tea --in --at --every --service --yes —at 2h 10:00 明天10点 mon
=> in:group any regex ( hello {{ }} {%
"""
WORDS = st.sampled_from([*SNIPPETS.split(), "\n"])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text() | st.lists(WORDS, max_size=8).map(" ".join))
def test_any_line_gets_a_reply(busy: Shop, line: str) -> None:
    reply = busy.asks(line)
    assert reply.text
    assert reply.outcome in CommandOutcome
