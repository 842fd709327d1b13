"""A menu as a file: each fault with its line, and what a good one means."""

from datetime import date

import pytest

from bot.errands.menu_file import faults_of, read, written
from bot.texts import Texts
from channels.channel import Button, ButtonLimits

LIMITS = ButtonLimits("a test", date(2026, 11, 22), 3, 5, 16, 60, 20, 40)
GOOD = """
# Ours
[[button]]
name = "营业时间"
say = "几点开门"

[[ button ]]  # with two below
name = "商店"

[[button.below]]
name = "新品"
url = "https://shop.example/new"

[[button.below]]
name = "客服"
say = "人工"
"""
MENU = (
    Button("营业时间", say="几点开门"),
    Button("商店", below=(Button("新品", url="https://shop.example/new"), Button("客服", say="人工"))),
)


def told(text: str, locale: str = "en") -> list[tuple[int, str]]:
    return [(line, Texts(locale).shown(fault)) for line, fault in faults_of(text, LIMITS)]


def test_a_good_file_is_read_as_it_is_meant() -> None:
    assert (told(GOOD), read(GOOD)) == ([], MENU)


def test_what_is_shown_can_be_set_again() -> None:
    text = "\n".join(map(str, written(MENU)))
    assert (told(text), read(text)) == ([], MENU)


def test_a_button_that_was_made_elsewhere_is_shown_and_cannot_be_set_unseen() -> None:
    lines = [Texts("en").shown(line) for line in written([Button("扫一扫")])]
    assert lines[2] == "# made elsewhere, with what only WeChat's console can show"
    assert told("\n".join(lines)) == [(1, "a button does one thing: say, url, or those below it")]


DOES = "a button does one thing: say, url, or those below it"


@pytest.mark.parametrize(
    "text, line, fault",
    [
        ('[[button]]\nname = "a"\nsay = "b\n', 3, "this is no TOML: Illegal character '\\n'"),
        ("", 1, "there is no button: siyu menu delete takes a menu away"),
        ('name = "a"', 1, "write each button as [[button]], and those below it as [[button.below]]"),
        (
            'button = [{name = "a", say = "b"}]',
            1,
            "write each button as [[button]], and those below it as [[button.below]]",
        ),
        ('[[button]]\nsay = "b"', 1, "this button has no name"),
        ('\n[[button]]\nname = "a"', 2, DOES),
        ('[[button]]\nname = "a"\nsay = "b"\nurl = "https://a.example"', 1, DOES),
        ('[[button]]\nname = "a"\n\nurl = "shop"', 4, "this is no address such as https://shop.example/new"),
        (
            '[[button]]\nsay = "b"\nname = "营业时间和地址"',
            3,
            "name has 21 bytes and may have 16: a Chinese character has 3",
        ),
        (
            '[[button]]\nname = "a"\nsay = "一二三四五六七"',
            3,
            "say has 21 bytes and may have 20: a Chinese character has 3",
        ),
        ('[[button]]\nname = "a"\nsay = 3', 3, "say is a text in quotation marks, and not empty"),
        (
            '[[button]]\nname = "a"\nsay = "b"\ncolour = "red"',
            4,
            "a button has no colour: it has name, and say, url or [[button.below]]",
        ),
        ('[[button]]\nname = "\ufffd"', 2, "this is no UTF-8"),
    ],
)
def test_a_fault_is_told_with_its_line(text: str, line: int, fault: str) -> None:
    assert (line, fault) in told(text)


def test_all_faults_are_told_at_once_and_in_chinese() -> None:
    text = '[[button]]\nname = "营业时间和地址"\nsay = "b"\n[[button]]\nname = "c"'
    assert told(text, "zh") == [
        (2, "name 有 21 个字节，最多 16 个：一个汉字占 3 个字节"),
        (4, "一个按钮只做一件事：say、url 或下级按钮"),
    ]


def test_the_fourth_button_and_the_sixth_below_one_are_too_many() -> None:
    one = '[[button]]\nname = "a"\nsay = "b"\n'
    below = '[[button.below]]\nname = "a"\nsay = "b"\n'
    assert told(one * 4) == [(10, "a menu has at most 3 buttons")]
    assert told('[[button]]\nname = "a"\n' + below * 6) == [(18, "below a button there are at most 5")]


def test_a_name_below_a_button_may_be_longer() -> None:
    text = '[[button]]\nname = "a"\n[[button.below]]\nname = "营业时间和地址"\nsay = "b"'
    assert told(text) == []
