"""Tags on both sides: an operator's reach WeChat, and those of WeChat's console reach the customer. Real stores, real sockets."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.reading import SqlTagLedger
from channels.simulators.wechat import WeChatSimulator
from channels.wechat.adapter import WeChatAdapter
from channels.wechat.client import WeChatClient
from domain.customers.events import CustomerTagged
from domain.identity import Account, Tag
from domain.mirrors.events import TagMirrored
from domain.ports.tag_ledger import Page
from scheduler.follower import Follower
from scheduler.tag_sync import LOOK_OVER_THERE_EVERY_S, TagSync
from tests.bot.official_account import APP_ID, WECHAT, Siyu, at_work, until

MEI, WANG = "o-mei", "o-wang"
VIP, TEA = Tag("vip"), Tag("茶")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
async def wechat() -> AsyncIterator[WeChatSimulator]:
    async with WeChatSimulator() as simulator:
        yield simulator


@pytest.fixture
async def siyu(folder: Path, wechat: WeChatSimulator) -> AsyncIterator[Siyu]:
    """Mei and Wang follow the account, and wrote. Tags are synchronised by nobody but ``Looking``."""
    async with at_work(folder, {"main": wechat}, without="tags") as running:
        for openid in (MEI, WANG):
            await wechat.user(openid).says("你好").finished()
        yield running


class Looking:
    """The synchronisation with a clock of its own: every step asks the provider."""

    def __init__(self, siyu: Siyu) -> None:
        self.at, house = 0.0, siyu.house
        ledger = SqlTagLedger(house.views, house.catch_up)
        follower = Follower("tag-sync", house.log, house.submit, house.clock)
        mirrors = {(WECHAT, Account(APP_ID)): _adapter(siyu).tags}
        self._sync = TagSync(lambda: mirrors, ledger, follower, lambda: self.at)  # type: ignore[arg-type,return-value]  # it has tags

    async def __call__(self) -> None:
        self.at += LOOK_OVER_THERE_EVERY_S
        while await self._sync.step() == 0.0:
            pass


def _adapter(siyu: Siyu) -> WeChatAdapter:
    found = next(adapter for adapter in siyu.app.accounts.adapters if adapter.channel == WECHAT)
    assert isinstance(found, WeChatAdapter)
    return found


async def console(client: WeChatClient, openid: str) -> set[str]:
    """The tags that WeChat's console shows for somebody."""
    names = {tag.id: tag.name for tag in await client.tags()}
    return {names[tag] for tag in await client.tags_of(openid)}


async def id_of(client: WeChatClient, name: str) -> int:
    return next(tag.id for tag in await client.tags() if tag.name == name)


async def test_a_tag_goes_and_comes_on_both_sides_and_the_timeline_tells_of_it(siyu: Siyu) -> None:
    look, client = Looking(siyu), _adapter(siyu).client
    await siyu.do(f"/tag wechat:{MEI} vip")
    await look()
    assert await console(client, MEI) == {"vip"}
    made = await client.create_tag("茶")
    await client.tag(made.id, [MEI, WANG])
    await look()
    assert (siyu.tags(MEI), siyu.tags(WANG)) == ({VIP, TEA}, {TEA})
    assert "tag 茶" in await siyu.do(f"/timeline wechat:{WANG}")
    await siyu.do(f"/untag wechat:{MEI} vip")
    await client.untag(made.id, [MEI])
    await look()
    assert (await console(client, MEI), siyu.tags(MEI)) == (set(), set())
    assert (await console(client, WANG), siyu.tags(WANG)) == ({"茶"}, {TEA})


async def test_over_a_restart_each_side_learns_what_changed_meanwhile(
    folder: Path, wechat: WeChatSimulator
) -> None:
    async with at_work(folder, {"main": wechat}) as siyu:
        await wechat.user(MEI).says("你好").finished()
        await siyu.do(f"/tag wechat:{MEI} vip")
        siyu.wake("tags")
        await until(lambda: siyu.events(TagMirrored))
    wechat.user(MEI).person.tags.clear()
    async with at_work(folder, {"main": wechat}) as siyu:
        await until(lambda: len(siyu.events(TagMirrored)) == 2)
        assert siyu.tags(MEI) == set()
        calls = wechat.calls("tags/members/batchtagging")
        siyu.wake("tags")
        await asyncio.sleep(0.1)
        assert (len(siyu.events(CustomerTagged)), wechat.calls("tags/members/batchtagging")) == (1, calls)


async def test_after_a_merge_both_accounts_of_a_person_have_the_tags_of_both(siyu: Siyu) -> None:
    look, client = Looking(siyu), _adapter(siyu).client
    await siyu.do(f"/tag wechat:{MEI} vip")
    await siyu.do(f"/tag wechat:{WANG} 茶")
    await look()
    await siyu.do(f"/merge wechat:{MEI} wechat:{WANG}")
    await look()
    assert await console(client, MEI) == await console(client, WANG) == {"vip", "茶"}
    await client.untag(await id_of(client, "vip"), [WANG])
    await look()
    await look()
    assert (siyu.tags(MEI), await console(client, MEI)) == ({TEA}, {"茶"})


async def test_who_is_forgotten_is_left_alone_and_the_others_go_on(siyu: Siyu) -> None:
    look, client = Looking(siyu), _adapter(siyu).client
    await siyu.do(f"/tag wechat:{MEI} vip")
    await siyu.do(f"/tag wechat:{WANG} vip")
    await look()
    forgotten = siyu.contact(MEI)
    await siyu.siyu("forget", customer=f"wechat:{MEI}", yes=True)
    await siyu.do(f"/untag wechat:{WANG} vip")
    await look()
    assert await console(client, WANG) == set()
    ledger = SqlTagLedger(siyu.house.views, siyu.house.catch_up)
    page = await asyncio.to_thread(ledger.page, WECHAT, Account(APP_ID), "", 10)
    assert (page.ours, page.mirrored, MEI in page.people) == (frozenset(), frozenset(), False)
    assert forgotten not in {contact for contact, _ in page.people.values()}


async def test_a_tag_that_wechat_takes_not_keeps_no_other_from_going(siyu: Siyu) -> None:
    look, client = Looking(siyu), _adapter(siyu).client
    for name in ("很" * 11, "vip"):
        await siyu.do(f"/tag wechat:{MEI} {name}")
    await look()
    assert (await console(client, MEI), siyu.tags(MEI)) == ({"vip"}, {VIP, "很" * 11})


async def test_the_ledger_knows_tags_by_hand_of_who_can_be_reached_on_the_account(
    siyu: Siyu, wechat: WeChatSimulator
) -> None:
    ledger = SqlTagLedger(siyu.house.views, siyu.house.catch_up)
    await siyu.do(f"/tag wechat:{MEI} vip")
    await siyu.do("/rule add contains 茶 => tag:茶")
    await wechat.user(WANG).says("我要茶").finished()
    mei, wang = siyu.contact(MEI), siyu.contact(WANG)
    people = {MEI: (mei, siyu.customer(MEI).id), WANG: (wang, siyu.customer(WANG).id)}
    assert siyu.tags(WANG) == {TEA}
    assert await asyncio.to_thread(ledger.page, WECHAT, Account(APP_ID), "", 10) == Page(
        frozenset({(mei, VIP)}), frozenset(), people
    )
    assert await asyncio.to_thread(ledger.page, WECHAT, Account("wx-other"), "", 10) == Page()
    await wechat.user(MEI).unsubscribes().finished()
    page = await asyncio.to_thread(ledger.page, WECHAT, Account(APP_ID), "", 10)
    assert page.people == {WANG: people[WANG]}
