import hypothesis.strategies as st
import pytest
from hypothesis import given

from domain.policies.introductions import LONGEST, introduced_as

NAMES = {
    "我叫王芳": "王芳",
    "我是王芳": "王芳",
    "我是李小龙": "李小龙",
    "我就是刘德华！": "刘德华",
    "我叫做欧阳娜娜": "欧阳娜娜",
    "我是司马光": "司马光",
    "你好，我叫王芳。": "王芳",
    "您好！我是张先生": "张先生",
    "我是王女士～": "王女士",
    "我是李经理": "李经理",
    "我是小王": "小王",
    "我叫老李": "老李",
    "我的名字是陈大文": "陈大文",
    "我的名字叫：任盈盈": "任盈盈",
    "我叫Ann": "Ann",
    "我叫 Lily Wang": "Lily Wang",
    "ＭＹ　ＮＡＭＥ　ＩＳ　Ａｎｎ": "Ann",
    "my name is Ann": "Ann",
    "My name's Ann Lee.": "Ann Lee",
    "I'm Ann": "Ann",
    "I’m Ann!": "Ann",
    "i am Mary-Jane O'Neil": "Mary-Jane O'Neil",
    "Hi, I'm McDonald": "McDonald",
    "Good morning, my name is José": "José",
}
NOBODY = """
我是来问价的
我是老客户
我是学生
我是老师
我是老板
我是小白
我是小学生
我是程序员
我是高中生
我是高度近视
我是顾客
我是常客
我是房东
我是贵宾
我是董事长
我是黄金会员
我是石材厂
我是安卓
我是单身
我是马上到
我是周五来
我是周末
我是昨天买的
我是许久没来
我是谢谢你
我是钱不够
我是何时能到
我是温州人
我是江苏人
我是武汉
我是韩国人
我是张家口人
我是查快递
我是包邮吗
我是田园犬
我是任何人
我是谁
我是
我叫不出来
我叫什么
我叫你呢
我叫车了
我叫外卖了
我叫滴滴
我叫iPhone
我叫VIP
我是Android
我叫王芳，多少钱？
我是王芳的朋友
我姓王
王芳
I'm Sorry
I'm Interested
I'm American
I'm Not Sure
I'm OK
I'M LATE
I'm late
I'm 25
I'm Coming Home
I'm Ann and I want tea
I'm Ann Marie Louise Smith
my name is on the list
my name is wrong
this is Ann
Ann
""".splitlines()  # a table


@pytest.mark.parametrize("text", NAMES)
def test_a_message_that_says_only_who_somebody_is_tells_their_name(text: str) -> None:
    assert introduced_as(text) == NAMES[text]


@pytest.mark.parametrize("text", NOBODY)
def test_anything_else_tells_none(text: str) -> None:
    assert introduced_as(text) is None


@given(st.text(max_size=2 * LONGEST))
def test_whatever_is_said_a_name_is_short_and_was_said(text: str) -> None:
    name = introduced_as(f"我叫{text}")
    assert name is None or len(name) <= LONGEST


def test_one_sign_that_stands_for_a_sentence_makes_no_name_longer() -> None:
    assert introduced_as("I'm A" + "\ufdfa" * (LONGEST - 5)) is None
