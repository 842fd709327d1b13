"""Followers, tags, QR codes and the menu, over real sockets."""

import pytest

from channels.simulators.wechat import OfficialAccount
from channels.wechat.api import AccountTag, Follower, Reached
from domain.errors import PermanentFailure
from tests.channels.house import NOW, House
from tests.channels.wechat.harness import WeChatHarness, wechat


async def test_tags_are_made_given_listed_renamed_taken_and_deleted(channel: WeChatHarness) -> None:
    client = channel.adapter.client
    people = [channel.simulator.user(f"o-{number:03}").openid for number in range(120)]
    made = await client.create_tag("VIP 客户")
    await client.tag(made.id, people)
    assert channel.simulator.calls("tags/members/batchtagging") == 3
    assert [openid async for page in client.tagged(made.id) for openid in page] == people
    assert await client.tags_of("o-000") == (made.id,)
    assert AccountTag(made.id, "VIP 客户", 120) in await client.tags()
    await client.rename_tag(made.id, "VIP")
    await client.untag(made.id, people[1:])
    assert AccountTag(made.id, "VIP", 1) in await client.tags()
    await client.delete_tag(made.id)
    assert made.id not in {tag.id for tag in await client.tags()}


async def test_a_follower_is_told_of_without_a_name(channel: WeChatHarness) -> None:
    channel.simulator.user("o-wang", unionid="u-1")
    await channel.adapter.client.remark("o-wang", "老王")
    assert await channel.adapter.client.follower("o-wang") == Follower(
        "o-wang", follows=True, unionid="u-1", language="zh_CN", remark="老王", since=NOW
    )
    channel.simulator.user("o-li", subscribed=False)
    assert await channel.adapter.client.follower("o-li") == Follower("o-li", follows=False)
    with pytest.raises(PermanentFailure, match="unknown-openid"):
        await channel.adapter.client.follower("o-nobody")


async def test_a_qr_code_tells_its_scene_when_it_is_scanned(channel: WeChatHarness, house: House) -> None:
    code = await channel.adapter.client.qr_code("door-2", 3600)
    assert (code.lives_s, code.image.startswith("https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=")) == (
        3600,
        True,
    )
    assert (await channel.adapter.client.qr_code("door-3")).lives_s is None
    await channel.mei.scans("door-2").finished()
    assert getattr(house.handed_in[-1].content, "source", None) == "door-2"


async def test_a_subscription_account_has_no_qr_codes_and_asks_for_none(house: House) -> None:
    async with wechat(house, kind="subscription") as channel:
        with pytest.raises(PermanentFailure, match="not-authorised"):
            await channel.adapter.client.qr_code("door-2")
        assert channel.simulator.calls("qrcode/create") == 0


async def test_a_menu_is_shown_read_and_taken_away(channel: WeChatHarness) -> None:
    client = channel.adapter.client
    assert await client.menu() == ()
    button = {"type": "click", "name": "帮助", "key": "HELP"}
    await client.create_menu([button])
    assert await client.menu() == (button,)
    await client.delete_menu()
    assert await client.menu() == ()


async def test_who_connects_is_told_what_works_and_nothing_is_sent(channel: WeChatHarness) -> None:
    client = channel.adapter.client
    await client.check_token()
    assert await client.callback_addresses() == ("127.0.0.1",)
    assert await client.check_callback() == (Reached("127.0.0.1", "DEFAULT", "0%"),)
    channel.simulator.account.unauthorised |= {"tags/get", "menu/get"}
    assert await client.may_use() == {
        "message": True,
        "template": True,
        "tags": False,
        "follower": True,
        "qr-code": True,
        "menu": False,
    }
    assert channel.shown() == []


async def test_what_a_kind_of_account_may_use(house: House) -> None:
    account = OfficialAccount(kind="subscription")
    async with wechat(house, kind=account.kind) as channel:
        may = await channel.adapter.client.may_use()
    assert (may["qr-code"], may["template"], may["message"]) == (False, False, True)
