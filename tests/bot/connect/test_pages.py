"""The page: who may see it, what it refuses (X7), and that an account is opened while Siyu runs."""

import asyncio
import re
import stat

import aiohttp
import pytest

from bot.operations.registry import OPERATIONS
from channels.simulators.telegram import TelegramSimulator
from channels.simulators.wechat import WeChatSimulator
from tests.bot.connect.house import Page, Running, steps, until_state

CANARY = "canary0secret0of0the0shop"


def values(telegram: TelegramSimulator) -> dict[str, str]:
    return {"token": telegram.token}


# --- who may -----------------------------------------------------------------------------------------------------------


async def test_without_the_link_there_is_nothing_but_what_to_do(running: Running) -> None:
    async with aiohttp.ClientSession() as session:
        page = Page(session, running, form="x")
        for path in ("/connect", "/connect?key=wrong", "/connect/state?channel=telegram"):
            status, text, _ = await page.get(path)
            assert (status, "siyu connect --link" in text) == (403, True), path
        status, told = await page.saves("telegram", {"token": CANARY})
        assert (status, "siyu connect --link" in told["error"]) == (403, True)
    assert not (running.folder / "siyu.toml").exists()


async def test_a_link_works_once_and_its_browser_comes_back_without_it(running: Running, page: Page) -> None:
    assert (await page.get("/connect"))[0] == 200
    link = await running.link()
    async with aiohttp.ClientSession() as first, aiohttp.ClientSession() as second:
        async with first.get(link) as response:
            assert response.status == 200
        async with second.get(link) as response:
            assert response.status == 403


async def test_the_cookie_is_for_this_page_alone_and_no_script_reads_it(page: Page) -> None:
    name, *flags = (part.strip().lower() for part in page.cookie.split(";"))
    assert re.fullmatch(r"siyu_connect=[a-z0-9_-]{43}", name)
    assert {"httponly", "samesite=strict", "path=/connect", "max-age=7200"} <= set(flags)


@pytest.mark.parametrize("path", ["/", "/connect"])
async def test_nobody_frames_a_page_and_nothing_from_elsewhere_runs_in_it(page: Page, path: str) -> None:
    _, text, headers = await page.get(path)
    policy = headers["content-security-policy"]
    nonce = re.search(r"script-src 'nonce-([A-Za-z0-9_-]{22})'", policy)
    assert nonce is not None
    assert {"default-src 'none'", "frame-ancestors 'none'", "form-action 'none'"} <= set(policy.split("; "))
    assert (headers["x-frame-options"], headers["referrer-policy"]) == ("DENY", "no-referrer")
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert re.findall(r'(?:src|href)="(?!/)', text) == []
    assert text.count(f'nonce="{nonce[1]}"') == len(re.findall(r"<script|<link nonce", text))
    again = (await page.get(path))[2]["content-security-policy"]
    assert nonce[1] not in again


# --- X7 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"X-Siyu-Form": ""},
        {"X-Siyu-Form": "0" * 64},
        {"Host": "evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
    ],
    ids=str,
)
async def test_what_another_site_sends_with_our_cookie_is_refused(
    running: Running, page: Page, headers: dict[str, str]
) -> None:
    status, told = await page.saves("telegram", {"token": f"12345:{CANARY}"}, **headers)
    assert (status, set(told)) == (403, {"error"})
    assert not (running.folder / "siyu.toml").exists()


async def test_a_name_that_was_made_to_lead_here_sees_nothing(page: Page) -> None:
    for path in ("/connect", "/connect/state?channel=telegram"):
        assert (await page.get(path, Host="evil.example:8000"))[0] == 403


async def test_a_form_as_other_sites_can_send_them_is_refused(running: Running, page: Page) -> None:
    headers = {"Origin": running.address, "X-Siyu-Form": page.form}
    for kind, body in (
        ("text/plain", b'{"channel":"telegram","account":"main","values":{}}'),
        ("application/json", b"["),
        ("application/json", b'{"channel":"telegram","account":"main","values":{},"more":1}'),
        ("application/json", b'{"values":"' + b"x" * 20_000),
    ):
        async with page.session.post(
            f"{running.address}/connect/save", data=body, headers={**headers, "Content-Type": kind}
        ) as response:
            assert response.status == 400, body[:40]


# --- what it does ------------------------------------------------------------------------------------------------------


async def test_a_bot_is_connected_while_siyu_runs_and_each_step_is_ticked_off(
    running: Running, page: Page, telegram: TelegramSimulator
) -> None:
    running.premises.house.variables = {
        **running.premises.house.variables,
        "SIYU_TELEGRAM__API_BASE": telegram.base,
    }
    fresh = await page.state("telegram")
    assert (fresh["running"], fresh["done"], steps(fresh)["token"]["state"]) == (True, False, "waiting")
    assert await page.saves("telegram", values(telegram)) == (200, {"made": {}})
    told = await until_state(page, "telegram", "delivered", "passed")
    assert steps(told)["known"]["said"] == "this is Siyu, @siyu_bot"
    assert steps(told)["privacy"]["state"] == "failed"
    assert "/setprivacy" in steps(told)["privacy"]["said"]
    assert (steps(told)["first-message"]["state"], told["done"]) == ("waiting", False)
    telegram.user(77, "Ada").says("hello")
    told = await until_state(page, "telegram", "first-message", "passed")
    assert told["done"]
    house = running.premises.house
    await asyncio.to_thread(lambda: list(OPERATIONS["do"](house, "/reply #1 Welcome!")))
    await telegram.wait_for(lambda sent: [s for s in sent if s.text == "Welcome!"])
    assert telegram.token not in str(told)
    assert [ask["set"] for ask in told["asks"]] == [True]
    assert (running.folder / "siyu.toml").read_text("utf8") == f'[telegram]\ntoken = "{telegram.token}"\n'
    assert stat.S_IMODE((running.folder / "siyu.toml").stat().st_mode) == 0o600


async def test_a_token_that_nobody_knows_is_the_steps_failure_and_another_one_replaces_it(
    running: Running, page: Page, telegram: TelegramSimulator
) -> None:
    running.premises.house.variables = {
        **running.premises.house.variables,
        "SIYU_TELEGRAM__API_BASE": telegram.base,
    }
    await page.saves("telegram", {"token": f"12345:{CANARY}"})
    told = await until_state(page, "telegram", "known", "failed")
    assert (steps(told)["known"]["ask"], steps(told)["delivered"]["state"]) == ("token", "blocked")
    before = running.app.accounts.adapter("telegram", "main")
    await page.saves("telegram", values(telegram))
    await until_state(page, "telegram", "delivered", "passed")
    after = running.app.accounts.adapter("telegram", "main")
    assert before is not after
    assert "telegram-12345" not in {task.get_name() for task in asyncio.all_tasks()}
    assert [(a.channel, a.account) for a in running.app.accounts.adapters] == [
        ("webchat", "main"),
        ("telegram", "1234567890"),
    ]
    assert set(running.app.courier.posts) == {("webchat", "main"), ("telegram", "1234567890")}


async def test_what_makes_no_sense_is_told_and_nothing_is_kept(running: Running, page: Page) -> None:
    status, told = await page.saves("telegram", {"token": CANARY})
    assert (status, CANARY in told["error"]) == (400, False)
    assert told["error"].startswith("SIYU_TELEGRAM__TOKEN")
    assert (await page.saves("telegram", {"token": "1:a\nb"}))[0] == 400
    assert (await page.saves("pigeons", {}))[0] == 400
    assert not (running.folder / "siyu.toml").exists()
    assert "SIYU_TELEGRAM__TOKEN" not in running.premises.house.variables


async def test_what_is_no_question_of_the_page_is_not_set_by_it(running: Running, page: Page) -> None:
    await page.saves("telegram", {"token": f"12345:{CANARY}", "api_base": "http://127.0.0.1:1"})
    assert "api_base" not in running.file()


async def test_an_official_account_is_connected_and_what_was_made_for_it_is_shown_once(
    running: Running, page: Page, wechat: WeChatSimulator
) -> None:
    running.premises.house.variables = {
        **running.premises.house.variables,
        "SIYU_WECHAT__API_BASE": wechat.api_base,
    }
    wechat.account.unauthorised = {"tags/get"}
    wechat.account.white_list = {"10.9.8.7"}
    asked = {
        "kind": "service",
        "app_id": wechat.account.app_id,
        "app_secret": wechat.account.app_secret,
        "public_url": running.address,
    }
    status, told = await page.saves("wechat", asked)
    made = told["made"]
    assert (status, set(made), len(made["aes_key"])) == (200, {"token", "aes_key"}, 43)
    told = await until_state(page, "wechat", "known", "failed")
    assert "add 127.0.0.1 to the IP white list" in steps(told)["known"]["said"]
    assert [secret for secret in (*made.values(), wechat.account.app_secret) if secret in str(told)] == []
    wechat.account.white_list = None
    told = await until_state(page, "wechat", "known", "passed")
    assert (steps(told)["may-tag"]["state"], steps(told)["may-send"]["state"]) == ("failed", "passed")
    assert steps(told)["echo"]["state"] == "waiting"
    wechat.account.token, wechat.account.aes_key = made["token"], made["aes_key"]
    wechat.account.webhook_url = f"{running.address}/webhooks/wechat"
    assert (await wechat.checks_url()).accepted
    await until_state(page, "wechat", "echo", "passed")
    await wechat.user("o-mei").says("hi").finished()
    told = await until_state(page, "wechat", "first-message", "passed")
    assert told["done"]
    assert (await page.saves("wechat", {}))[1] == {"made": {}}


@pytest.mark.parametrize("language,title", [("zh-CN,zh;q=0.9", "接入渠道"), ("en", "Connect a channel")])
async def test_the_page_speaks_the_browsers_language(page: Page, language: str, title: str) -> None:
    header = {"Accept-Language": language}
    assert f"<h1>{title}</h1>" in (await page.get("/connect", **header))[1]
    told = await page.state("telegram", **header)
    assert ("机器人" in str(told)) is (title == "接入渠道")


# --- the first page ----------------------------------------------------------------------------------------------------


async def test_a_fresh_start_offers_the_chat_and_both_channels(running: Running, page: Page) -> None:
    text = (await page.get("/"))[1]
    links = re.findall(r'class="card" href="([^"]+)"><strong>([^<]+)<', text)
    assert links == [
        ("/chat", "Try the chat"),
        ("/connect#telegram", "Connect Telegram"),
        ("/connect#wechat", "Connect WeChat"),
    ]
    assert "试试聊天" in (await page.get("/", **{"Accept-Language": "zh"}))[1]
    for path in ("/chat", "/connect", "/start/static/page.css", "/connect/static/connect.js"):
        assert (await page.get(path))[0] == 200, path
    assert (await page.get("/connect/static/connect.html"))[0] == 404


async def test_once_a_channel_is_configured_the_first_page_says_that_all_is_well(
    running: Running, page: Page
) -> None:
    await page.saves("telegram", {"token": f"12345:{CANARY}"})
    text = (await page.get("/"))[1]
    assert "All is well" in text
    assert CANARY not in text
