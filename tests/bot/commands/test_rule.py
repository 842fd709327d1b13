"""Rules: what the bot answers and tags by itself, changed while it runs."""

import pytest

from bot import matching
from bot.commands.command import Reply
from domain.identity import RuleId, Tag
from domain.message import Personal
from domain.operators.events import CommandOutcome
from domain.rules.commands import AddRule, RemoveRule, SetWelcome
from domain.rules.events import Match, RuleRemoved, WelcomeSet
from tests.bot.commands.shop import Shop


@pytest.mark.parametrize(
    "line, match, pattern, in_group, answer, tag",
    [
        ("/rule add exact 价格 => 100元", Match.EXACT, "价格", False, "100元", None),
        (
            "/rule add contains two words => hello\nyou",
            Match.CONTAINS,
            "two words",
            False,
            "hello\nyou",
            None,
        ),
        ("/rule add regex ^退(款|货) => tag:refund", Match.REGEX, "^退(款|货)", False, None, "refund"),
        ("/rule add contains 退款 in:group => 请私聊", Match.CONTAINS, "退款", True, "请私聊", None),
        ("/rule add contains 退款 in：group ＝＞ tag：refund", Match.CONTAINS, "退款", True, None, "refund"),
        ("/rule add any => 在的", Match.ANY, "", False, "在的", None),
        ("/rule add any in:group => 在的", Match.ANY, "", True, "在的", None),
        ("规则 添加 contains 茶 => tag:tea lovers", Match.CONTAINS, "茶", False, "tag:tea lovers", None),
        ("/rule add contains a=>b => yes", Match.CONTAINS, "a=>b", False, "yes", None),
    ],
)
def test_a_rule_is_added(
    shop: Shop, line: str, match: Match, pattern: str, in_group: bool, answer: str | None, tag: str | None
) -> None:
    request = shop.request()
    reply = shop.asks(line, request=request)
    expected = AddRule(
        rule=RuleId(shop.digest("request", request, "rule")),
        match=match,
        pattern=Personal(pattern),
        in_group=in_group,
        answer=None if answer is None else Personal(answer),
        tag=None if tag is None else Tag(tag),
    )
    told = f"Rule {expected.rule[:8]} is added, as the last one."
    assert reply == Reply(told, (expected,), command="rule")


@pytest.mark.parametrize(
    "line",
    [
        "/rule nonsense",
        "/rule add contains 退款",
        "/rule add contains => x",
        "/rule add sounds-like 退款 => x",
        "/rule add contains 退款 =>",
        "/rule remove",
        "/rule remove abc",
        "/rule welcome",
        "/rule welcome in:group",
    ],
)
def test_a_wrong_call_shows_the_usage(shop: Shop, line: str) -> None:
    reply = shop.asks(line)
    assert (reply.outcome, reply.commands) == (CommandOutcome.REFUSED, ())
    assert "/rule add exact|contains|regex|any PATTERN [in:group] => TEXT|tag:TAG" in reply.text


def test_a_pattern_that_cannot_be_used_is_refused(shop: Shop) -> None:
    broken = shop.asks("/rule add regex (a => x")
    assert broken.text == f"This is no regular expression: {matching.regex_fault('(a')}"
    endless = shop.asks(f"/rule add contains {'x' * 1_001} => x")
    assert endless.text == "This text has 1001 characters, 1000 are possible: shorten it by 1."
    template = shop.asks("/rule add any => hi {{ name")
    assert {reply.outcome for reply in (broken, endless, template)} == {CommandOutcome.FAILED}


def test_rules_are_listed_in_the_order_they_are_tried(shop: Shop) -> None:
    assert shop.asks("/rule list").text == "There are no rules yet."
    shop.orders("/rule add contains 退款 in:group => tag:refund")
    shop.orders("/rule add any => 在的")
    shop.orders("/rule welcome 您好")
    shop.orders("/rule welcome in:group 欢迎")
    first, second, *welcomes = shop.asks("/rule").text.splitlines()
    assert first[8:] == "  contains 退款 in:group => tag:refund"
    assert second[8:] == "  any => 在的"
    assert welcomes == ["Welcome: 您好", "Welcome in groups: 欢迎"]


def test_a_rule_is_removed_by_the_beginning_of_its_id(shop: Shop) -> None:
    (add,) = shop.orders("/rule add any => 在的").commands
    assert isinstance(add, AddRule)
    reply = shop.orders(f"/rule remove {add.rule[:8]}")
    assert reply == Reply(
        f"This rule is removed: {add.rule[:8]}  any => 在的", (RemoveRule(rule=add.rule),), command="rule"
    )
    assert shop.events_of(RuleRemoved) == [RuleRemoved(rule=add.rule)]
    gone = shop.asks(f"/rule remove {add.rule[:8]}")
    assert gone.text == f"There is no rule {add.rule[:8]}. /rule list shows them."


def test_the_welcomes_are_set_and_switched_off(shop: Shop) -> None:
    shop.orders("/rule welcome 您好，{{ name | default: '朋友' }}")
    shop.orders("/rule welcome in:group 欢迎\n入群")
    shop.orders("/rule welcome in：group off")
    assert shop.events_of(WelcomeSet) == [
        WelcomeSet(in_group=False, text=Personal("您好，{{ name | default: '朋友' }}")),
        WelcomeSet(in_group=True, text=Personal("欢迎\n入群")),
        WelcomeSet(in_group=True, text=Personal("")),
    ]
    assert shop.asks("/rule welcome hello").commands == (SetWelcome(in_group=False, text=Personal("hello")),)


def test_a_rule_works_from_then_on(shop: Shop) -> None:
    shop.orders("/rule add contains 退款 => tag:refund")
    shop.says("wang", "我要退款")
    assert shop.asks("/customers tag:refund").text.splitlines()[0] == "Customers: 1"
