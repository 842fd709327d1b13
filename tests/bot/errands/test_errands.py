"""Codes and menus from the command line, beside a running Siyu and alone, over the simulators."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.bootstrap import configured, open_account, open_house
from bot.control_server import perform
from bot.errands import Errands, alone
from bot.settings import load
from channels.channel import SourceCode
from channels.download import Downloads
from channels.memory import MemoryAdapter
from channels.simulators.telegram import TelegramSimulator
from channels.simulators.wechat import OfficialAccount, WeChatSimulator
from domain.contacts.events import ContactSeen
from domain.identity import Slug
from tests.bot.official_account import at_work, until, variables_of
from tests.bot.premises import Premises, unused_desk

MENU = '[[button]]\nname = "营业时间"\nsay = "几点开门"\n'


@pytest.fixture
async def wechat() -> AsyncIterator[WeChatSimulator]:
    async with WeChatSimulator() as simulator:
        yield simulator


async def by_itself(folder: Path, variables: dict[str, str], operation: str, **arguments: Any) -> list[Any]:  # noqa: ANN401  # JSON values
    """What the command line does where no Siyu runs."""

    def done() -> list[Any]:
        known = {"SIYU_DATA": str(folder), "SIYU_LOCALE": "en", **variables}
        house = open_house(load(known), known)
        try:
            errands = Errands(alone(partial(open_account, house), partial(configured, house)))
            return list(perform(house, operation, arguments, None, errands.operations()))
        finally:
            house.close()

    return await asyncio.to_thread(done)


def lines(said: Sequence[dict[str, Any]]) -> list[str]:
    return [message["line"] for message in said if "line" in message]


async def test_who_follows_or_scans_a_code_has_its_name_as_source(
    tmp_path: Path, wechat: WeChatSimulator
) -> None:
    mei, wang = wechat.user("o-mei", subscribed=False), wechat.user("o-wang")
    async with at_work(tmp_path / "data", {"main": wechat}) as siyu:
        await wang.says("你好").finished()
        url, told = lines(await siyu.siyu("qr", name="Door-2"))
        assert told == "Whoever comes by it arrives with the source door-2."
        assert url.startswith("http://weixin.qq.com/q/")
        assert wechat.requests[-1].json == {
            "action_name": "QR_LIMIT_STR_SCENE",
            "action_info": {"scene": {"scene_str": "door-2"}},
        }
        for person in (mei, wang):
            await person.scans("door-2").finished()
        seen = {event.external_id.value: event.source for event in siyu.events(ContactSeen)}  # type: ignore[attr-defined]  # ContactSeen
        assert seen == {"o-mei": "door-2", "o-wang": None}
        assert "followed us, by the code door-2" in await siyu.do("/timeline wechat:o-mei")
        assert "scanned the code door-2" in await siyu.do("/timeline wechat:o-wang")
        assert "came by door-2" in await siyu.do("/find wechat:o-mei")
        assert "Came by: door-2 1" in await siyu.do("/stats")
        said = await siyu.siyu("qr", name="week", days=7, out=str(tmp_path / "week.jpg"))
        assert lines(said)[-2:] == [
            "It ends after 7 days.",
            "There is no picture of it to be had: make one of the address above.",
        ]
        assert (said[-1], (tmp_path / "week.jpg").exists()) == ({"exit": 1}, False)


@pytest.mark.parametrize("name", ["张三", "a b", "x" * 65, "", "138-0013-8000"])
async def test_what_is_no_code_makes_none(tmp_path: Path, wechat: WeChatSimulator, name: str) -> None:
    said = await by_itself(tmp_path / "data", variables_of("main", wechat), "qr", name=name)
    assert (said[-1]["exit"], wechat.calls("qrcode/create")) == (2, 0)
    assert "cannot be a source" in said[-1]["error"]


async def test_a_subscription_account_may_make_none_and_is_told_so(tmp_path: Path) -> None:
    async with WeChatSimulator(OfficialAccount(kind="subscription")) as wechat:
        said = await by_itself(tmp_path / "data", variables_of("main", wechat), "qr", name="door")
    assert said == [
        {
            "error": "This account may not do that: providers keep it for verified service accounts.",
            "exit": 2,
        }
    ]


async def test_an_account_that_is_not_there_is_named(tmp_path: Path, wechat: WeChatSimulator) -> None:
    said = await by_itself(tmp_path / "data", variables_of("main", wechat), "qr", name="door", account="shop")
    assert said == [{"error": "no account of wechat is called shop: siyu connect wechat", "exit": 2}]
    async with at_work(tmp_path / "more", {"main": wechat}) as siyu:
        assert await siyu.siyu("qr", name="door", account="shop") == said


async def test_a_provider_that_is_away_is_told(tmp_path: Path) -> None:
    async with WeChatSimulator() as wechat:
        variables = variables_of("main", wechat)
    said = await by_itself(tmp_path / "data", variables, "menu-show")
    assert said == [{"error": "wechat cannot be asked now (unreachable): try again", "exit": 1}]


async def test_telegrams_code_is_a_link_that_starts_the_bot(tmp_path: Path) -> None:
    async with TelegramSimulator() as telegram:
        variables = {"SIYU_TELEGRAM__TOKEN": telegram.token, "SIYU_TELEGRAM__API_BASE": telegram.base}
        said = await by_itself(tmp_path / "data", variables, "qr", name="poster", channel="telegram")
        forever = await by_itself(
            tmp_path / "data", variables, "qr", name="poster", channel="telegram", days=3
        )
    assert lines(said)[0].startswith("https://t.me/")
    assert lines(said)[0].endswith("?start=poster")
    assert forever == [{"error": "A link of this channel lives for ever: leave out --days.", "exit": 2}]


class Pictured:
    """Codes with a picture at an address."""

    def __init__(self, image: str) -> None:
        self.image = image

    async def make(self, source: Slug, lives_s: int | None) -> SourceCode:
        return SourceCode(f"https://code.example/{source}", self.image, lives_s)


@asynccontextmanager
async def pictures(content_type: str) -> AsyncIterator[str]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=b"a picture", content_type=content_type)

    app = web.Application()
    app.router.add_get("/picture", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/picture"
    finally:
        await runner.cleanup()


def drawn(premises: Premises, image: str, out: Path, *, trusted: bool = True) -> list[dict[str, Any]]:
    adapter = MemoryAdapter("memory", unused_desk(premises))
    adapter.codes = Pictured(image)
    errands = Errands(
        alone(lambda _channel, _name: adapter, lambda: [("memory", "main")]),
        Downloads(trusted=(image,) if trusted else ()),
    )
    arguments = {"name": "door", "channel": "memory", "out": str(out)}
    return list(perform(premises.house, "qr", arguments, None, errands.operations()))


async def test_the_picture_is_fetched_into_a_new_file(premises: Premises, tmp_path: Path) -> None:
    out = tmp_path / "door.jpg"
    async with pictures("image/jpeg") as image:
        said = await asyncio.to_thread(drawn, premises, image, out)
        assert (out.read_bytes(), said[-1]) == (b"a picture", {"exit": 0})
        again = await asyncio.to_thread(drawn, premises, image, out)
        assert again == [{"error": f"{out} exists already: name another file", "exit": 2}]


async def test_what_is_no_picture_or_lies_in_our_own_network_is_not_kept(
    premises: Premises, tmp_path: Path
) -> None:
    out = tmp_path / "door.jpg"
    async with pictures("text/html") as image:
        said = await asyncio.to_thread(drawn, premises, image, out)
        assert said == [{"error": "memory refused it: no-picture", "exit": 2}]
        said = await asyncio.to_thread(partial(drawn, trusted=False), premises, image, out)
        assert said == [{"error": "memory refused it: not-allowed", "exit": 2}]
    assert not out.exists()


async def test_a_menu_is_set_shown_and_taken_away_without_a_running_siyu(
    tmp_path: Path, wechat: WeChatSimulator
) -> None:
    do = partial(by_itself, tmp_path / "data", variables_of("main", wechat))
    assert lines(await do("menu-show")) == ["There is no menu."]
    wrong = await do("menu-set", text='[[button]]\nname = "a"\nurl = "shop"')
    assert wrong == [
        {"line": "line 3: this is no address such as https://shop.example/new"},
        {"exit": 2},
    ]
    assert wechat.calls("menu/create") == 0
    assert (await do("menu-set", text=MENU))[-1] == {"exit": 0}
    assert wechat.requests[-1].json == {
        "button": [{"type": "click", "name": "营业时间", "key": "say:几点开门"}]
    }
    assert "\n".join(lines(await do("menu-show"))) == MENU
    assert (await do("menu-delete"))[-1] == {"exit": 0}
    assert lines(await do("menu-show")) == ["There is no menu."]


async def test_a_pressed_button_is_answered_as_if_its_words_had_been_said(
    tmp_path: Path, wechat: WeChatSimulator
) -> None:
    mei = wechat.user("o-mei")
    async with at_work(tmp_path / "data", {"main": wechat}) as siyu:
        await siyu.do("/rule add contains 开门 => 九点到六点")
        await siyu.do("/rule add contains 开门 => tag:问时间")
        await siyu.siyu("menu-set", text=MENU)
        await mei.clicks("say:几点开门").finished()
        await until(lambda: "九点到六点" in mei.reads)
        assert siyu.tags("o-mei") == {"问时间"}
        assert "pressed 几点开门" in await siyu.do("/timeline wechat:o-mei")


async def test_web_chat_has_neither_codes_nor_a_menu(tmp_path: Path) -> None:
    said = [
        (await by_itself(tmp_path / "data", {}, operation, channel="webchat", **arguments))[-1]["error"]
        for operation, arguments in (("qr", {"name": "door"}), ("menu-show", {}))
    ]
    assert said == ["webchat has no codes by which people come", "webchat has no menu of buttons"]
