"""Cards on the real program for operators who work in the Official Account, and in the web chat; the customer is in Telegram."""

import re
from collections.abc import Sequence

import pytest

from channels.simulators.telegram import Sent, TelegramSimulator, User
from channels.simulators.wechat import OfficialAccountUser, WeChatSimulator
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import Installation, by_polling, free_port, until_async
from tests.scenarios.visitor import Visitor
from tests.scenarios.wechat_account import account_at, of_wechat

REOPEN = "此渠道暂时不能再给您发卡片：随便回一句即可恢复。"
CARDS_OF_A_WINDOW = 3
"""Of the five messages of a window two are kept for the answers to commands; one of these may be the digest."""


def code_in(greeting: str) -> str:
    found = re.search(r"/bind (\S+)", greeting)
    assert found is not None, greeting
    return found[1]


async def told(telegram: TelegramSimulator, whom: User, text: str) -> list[Sent]:
    """Wait until somebody was sent a text, and return how that came, each time."""

    def found(sent: Sequence[Sent]) -> list[Sent]:
        return [one for one in sent if one.chat_id == whom.id and one.text == text]

    return await telegram.wait_for(found, timeout_s=30)


async def reads(wechat: WeChatSimulator, whom: OfficialAccountUser, *parts: str) -> str:
    """Wait until somebody reads something with all of this in it, and return the last such."""

    def found(_sent: object) -> list[str]:
        return [text for text in whom.reads if all(part in text for part in parts)]

    return (await wechat.wait_for(found, timeout_s=30))[-1]


async def all_said(siyu: Installation, messages: int) -> bool:
    return len(await siyu.events("message-received")) == messages


async def bound(siyu: Installation, wechat: WeChatSimulator) -> OfficialAccountUser:
    """An operator whose account is bound as one does it in WeChat, in Chinese."""
    code = code_in(await siyu.start())
    li = wechat.user("o-li")
    await li.says(f"绑定 {code}").finished()
    await wechat.wait_for(lambda _: li.reads, timeout_s=30)
    await until_async(lambda: siyu.events("contact-completed"))  # from here on in Li's language
    await until_async(siyu.settled)
    return li


async def test_an_operator_in_the_official_account_answers_by_number_and_by_the_cards_link_also_after_a_restart(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    port = free_port()
    async with WeChatSimulator(account_at(port)) as wechat:
        settings = {**by_polling(telegram), **of_wechat(wechat), "SIYU_STARTER_RULES": "false"}
        siyu = installs(settings, port=port)
        li = await bound(siyu, wechat)
        ann = telegram.user(5001, "Ann")
        ann.says("how much is the tea?")
        card = await reads(wechat, li, "how much is the tea?")
        assert card.split("\n")[:3] == [
            "#2 Ann · Telegram 电报",
            "how much is the tea?",
            "回复请写：2 内容",
        ]
        await li.says("#2 你好").finished()
        await told(telegram, ann, "你好")
        await reads(wechat, li, "正在发给 #2 Ann")
        await until_async(siyu.settled)
        await siyu.kill()
        await siyu.start()
        await li.taps("回复").finished()
        await reads(wechat, li, "要对 #2 Ann 说什么？")
        await li.says("100 a tin").finished()
        await told(telegram, ann, "100 a tin")
        await li.says("2 and 180 for two").finished()
        await told(telegram, ann, "and 180 for two")
        await until_async(siyu.settled)
        texts = [one.text for one in telegram.sent if one.chat_id == ann.id]
        assert texts == ["你好", "100 a tin", "and 180 for two"]
        assert len([text for text in li.reads if "how much is the tea?" in text]) == 1
        assert await siyu.stop() == 0


@pytest.mark.nightly
async def test_the_operators_own_window_runs_down_to_a_digest_and_what_came_meanwhile_follows_when_they_write(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    port = free_port()
    async with WeChatSimulator(account_at(port)) as wechat:
        settings = {**by_polling(telegram), **of_wechat(wechat), "SIYU_STARTER_RULES": "false"}
        siyu = installs(settings, port=port)
        li = await bound(siyu, wechat)
        before = wechat.calls("message/custom/send")
        ann = telegram.user(5001, "Ann")
        for number in range(CARDS_OF_A_WINDOW):
            ann.says(f"question {number}")
            shown = await reads(wechat, li, f"question {number}")
            assert REOPEN not in shown
        ann.says("one more")
        digest = await reads(wechat, li, "one more")
        assert digest.split("\n") == ["1 位客户留言：", "#2 Ann · Telegram 电报: one more", REOPEN]
        assert wechat.calls("message/custom/send") - before == CARDS_OF_A_WINDOW + 1
        await until_async(siyu.settled)
        ann.says("held back")
        await until_async(lambda: all_said(siyu, CARDS_OF_A_WINDOW + 3))
        await siyu.kill()
        await siyu.start()
        await until_async(siyu.settled)
        assert [text for text in li.reads if "held back" in text] == []
        await li.says("go on").finished()
        await reads(wechat, li, "#2 Ann", "held back")
        await until_async(siyu.settled)
        assert len([text for text in li.reads if "held back" in text]) == 1
        assert [request.errcode for request in wechat.requests if request.errcode] == []
        assert await siyu.stop() == 0


async def test_an_operator_in_the_web_chat_answers_a_card_and_its_button_also_after_a_restart(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = installs({**by_polling(telegram), "SIYU_STARTER_RULES": "false"})
    code = code_in(await siyu.start())
    ann = telegram.user(5001, "Ann")
    async with Visitor(siyu.address) as li:
        await li.says(f"/bind {code}")
        await li.hears_of("This account is yours now")
        ann.says("how much is the tea?")
        card = await li.hears_of("how much is the tea?")
        assert li.shown[card] == "#2 Ann · Telegram\nhow much is the tea?"
        await li.says("100 a tin", reply_to=card)
        await told(telegram, ann, "100 a tin")
        await li.hears_of("✓ #2")
        await until_async(siyu.settled)
        await siyu.kill()
        await siyu.start()
        await li.connect(siyu.address)
        await li.says("and 180 for two", reply_to=card)
        await told(telegram, ann, "and 180 for two")
        ann.says("我叫安娜")
        await li.says("/tag vip", reply_to=await li.hears_of("我叫安娜"))
        await li.hears_of("has the tag vip now")
    await until_async(siyu.settled)
    assert [one.text for one in telegram.sent if one.chat_id == ann.id] == ["100 a tin", "and 180 for two"]
    assert await siyu.stop() == 0
