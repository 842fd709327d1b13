"""Who a follower is: one person on two Official Accounts of one platform is one customer. Real stores, real sockets."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from channels.simulators.wechat import OfficialAccount, WeChatSimulator
from domain.contacts.events import ContactCompleted, ContactIdentified, ContactSeen
from tests.bot.official_account import APP_ID, at_work, until

SHOP_ID = "wx0000000000000002"


@pytest.fixture
async def accounts() -> AsyncIterator[dict[str, WeChatSimulator]]:
    """Two accounts, the second with a secret of its own."""
    second = OfficialAccount(app_id=SHOP_ID, app_secret="another-secret-for-tests-only--32")
    async with WeChatSimulator() as main, WeChatSimulator(second) as shop:
        yield {"main": main, "shop": shop}


async def test_a_person_on_two_accounts_with_one_unionid_is_one_customer(
    tmp_path: Path, accounts: dict[str, WeChatSimulator]
) -> None:
    here = accounts["main"].user("o-here", unionid="u-mei", subscribed=False)
    there = accounts["shop"].user("o-there", unionid="u-mei", subscribed=False)
    other = accounts["shop"].user("o-other", unionid="u-wang", subscribed=False)
    nobody = accounts["main"].user("o-nobody", subscribed=False)
    async with at_work(tmp_path / "data", accounts) as siyu:
        await here.subscribes("door-2").finished()
        for person in (there, other, nobody):
            await person.subscribes().finished()
        await until(lambda: len(siyu.events(ContactIdentified)) == 3)
        await until(lambda: len(siyu.events(ContactCompleted)) == 4)
        mei = siyu.customer("o-here")
        assert mei == siyu.customer("o-there", SHOP_ID)
        assert {contact.account for contact in mei.contacts} == {APP_ID, SHOP_ID}
        assert len({mei.id, siyu.customer("o-other", SHOP_ID).id, siyu.customer("o-nobody").id}) == 3
        assert {contact.language for contact in mei.contacts} == {"zh_CN"}
        told = (simulator.calls("user/info") for simulator in accounts.values())
        assert tuple(told) == (2, 2)
        assert b"u-mei" not in (tmp_path / "data" / "log.db").read_bytes()
        await siyu.do("/tag wechat:o-here vip")
        assert siyu.tags("o-there", SHOP_ID) == {"vip"}


async def test_who_followed_before_us_is_known_by_the_code_of_then(
    tmp_path: Path, accounts: dict[str, WeChatSimulator]
) -> None:
    mei = accounts["main"].user("o-mei")
    mei.person.scene = "poster"
    async with at_work(tmp_path / "data", accounts) as siyu:
        await mei.says("你好").finished()
        await until(lambda: siyu.events(ContactCompleted))
        assert "came by poster" in await siyu.do("/find wechat:o-mei")


async def test_an_account_that_may_not_ask_is_asked_no_more_and_its_health_says_so(
    tmp_path: Path, accounts: dict[str, WeChatSimulator]
) -> None:
    accounts["main"].account.unauthorised |= {"user/info"}
    async with at_work(tmp_path / "data", accounts) as siyu:
        for openid in ("o-mei", "o-wang"):
            await accounts["main"].user(openid).says("你好").finished()
        await accounts["shop"].user("o-lin", unionid="u-lin").says("你好").finished()
        await until(lambda: siyu.events(ContactIdentified))
        await until(lambda: accounts["main"].calls("user/info"))
        siyu.wake("profiles")
        adapter = next(a for a in siyu.app.accounts.adapters if a.account == APP_ID)
        assert getattr(adapter, "health").state == "not-authorised:user/info"  # noqa: B009  # WeChat's own
        assert (accounts["main"].calls("user/info"), len(siyu.events(ContactSeen))) == (1, 3)
