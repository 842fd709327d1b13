"""An operator's line, as phones and people write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.line import Line, is_command, taken_apart


@pytest.mark.parametrize(
    "text, expected",
    [
        ("/tag #1042 vip", Line("tag", "#1042 vip")),
        ("／tag ＃1042 vip", Line("tag", "＃1042 vip")),
        ("、tag #1042 vip", Line("tag", "#1042 vip")),
        ("/TAG #1042 vip", Line("tag", "#1042 vip")),
        ("  /help  ", Line("help", "")),
        ("/tag＃1042 vip", Line("tag", "＃1042 vip")),
        ("/find@tea_house_bot 退款", Line("find", "退款", "tea_house_bot")),
        ("/note #1 two\nlines, and  blanks", Line("note", "#1 two\nlines, and  blanks")),
        ("/note\n#1 below", Line("note", "#1 below")),
        ("/reply #1 价格：100元 — 含税", Line("reply", "#1 价格：100元 — 含税")),
        ("帮助", Line("help", "")),
        ("/帮助", Line("help", "")),
        ("查找 退款", Line("find", "退款")),
        ("标签 #1042 vip", Line("tag", "#1042 vip")),
        ("备注 #1042 爱喝茶", Line("note", "#1042 爱喝茶")),
        ("回复 #1042 您好", Line("reply", "#1042 您好")),
        ("定时 #1042 明天10点 您好", Line("send", "--timed #1042 明天10点 您好")),
        ("群发 tag:vip 上新了", Line("broadcast", "tag:vip 上新了")),
        ("统计", Line("stats", "")),
        ("全部暂停", Line("pause", "all")),
        ("绑定 ABC234", Line("bind", "ABC234")),
        ("/nonsense here", Line("nonsense", "here")),
    ],
)
def test_a_line_is_taken_apart(text: str, expected: Line) -> None:
    assert taken_apart(text) == expected


@pytest.mark.parametrize(
    "text", ["", "   ", "hello", "/", "/ hello", "绑定手机", "统计一下", "help", "tag #1 vip", "10/20 ok"]
)
def test_what_is_said_is_no_command(text: str) -> None:
    assert taken_apart(text) is None


@pytest.mark.parametrize(
    "text, bound, stranger",
    [
        ("/bind ABC234", True, True),
        ("/bind", True, True),
        ("绑定 ABC234", True, True),
        ("绑定 手机", True, False),
        ("绑定", True, False),
        ("/link", True, True),
        ("关联", True, True),
        ("绑定账号", True, True),
        ("关联 ABCD2345", True, True),
        ("关联 手机", True, False),
        ("/start bind_ABC234", True, False),
        ("/start", True, False),
        ("/help", True, False),
        ("/broadcast all --yes free tea", True, False),
        ("帮助", True, False),
        ("hello", False, False),
    ],
)
def test_a_stranger_may_only_try_a_bind_code(text: str, bound: bool, stranger: bool) -> None:
    assert (is_command(text, bound=True), is_command(text, bound=False)) == (bound, stranger)


@given(st.text())
def test_any_text_can_be_taken_apart(text: str) -> None:
    found = taken_apart(text)
    assert found is None or (found.name == found.name.casefold() and found.rest == found.rest.strip())


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1))
def test_the_text_behind_a_command_stays_as_it_was_typed(text: str) -> None:
    assert taken_apart(f"/note {text}") == Line("note", text)
