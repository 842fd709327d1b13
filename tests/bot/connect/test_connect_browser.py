"""The pages in a real browser, on a phone and on a desk. ``SCREENSHOTS``: a folder for what they look like."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from channels.simulators.telegram import TelegramSimulator
from channels.simulators.wechat import WeChatSimulator
from tests.bot.connect.house import Running
from tests.channels.webchat.browser import Browser, Tab

pytestmark = pytest.mark.nightly

STATES = "Object.fromEntries([...document.querySelectorAll('.step')].map(s => [s.dataset.step, s.className.split(' ')[1]]))"
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}


@pytest.fixture(params=["en", "zh"])
async def browser(request: pytest.FixtureRequest) -> AsyncIterator[Browser]:
    async with Browser(language=str(request.param)) as browser:
        yield browser


async def looks(tab: Tab, name: str) -> None:
    """Nothing is wider than the screen; and keep a picture, where somebody wants one."""
    assert await tab.run("document.documentElement.scrollWidth <= innerWidth") is True
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        await tab.screenshot(Path(folder, f"{name}.png"))


async def enters(tab: Tab, field: str, text: str) -> None:
    await tab.until(f"document.getElementById('field-{field}') !== null")
    await tab.run(f"document.getElementById('field-{field}').focus()")
    await tab.types(text)


async def test_a_bot_is_connected_with_a_browser_and_the_steps_tick_by_themselves(
    running: Running, telegram: TelegramSimulator, browser: Browser
) -> None:
    known = running.premises.house
    known.variables = {**known.variables, "SIYU_TELEGRAM__API_BASE": telegram.base}
    tab = await browser.tab(await running.link(), shows="form")
    await enters(tab, "token", telegram.token)
    assert await tab.run("location.href") == f"{running.address}/connect#telegram"  # the key is gone from it
    await tab.run("document.getElementById('save').click()")
    await tab.until("document.querySelector('[data-step=delivered].passed') !== null")
    await tab.until("document.getElementById('field-token').value === ''")
    await looks(tab, f"connect-telegram-{browser.language}")
    telegram.user(77, "Ada").says("hello")
    await tab.until("document.querySelector('[data-step=first-message].passed') !== null")
    await tab.until("!document.getElementById('done').hidden")
    assert telegram.token not in str(await tab.run("document.documentElement.outerHTML"))
    assert browser.problems == []


async def test_an_official_account_on_a_phone(
    running: Running, wechat: WeChatSimulator, browser: Browser
) -> None:
    known, account = running.premises.house, wechat.account
    known.variables = {**known.variables, "SIYU_WECHAT__API_BASE": wechat.api_base}
    account.unauthorised = {"message/template/send"}
    tab = await browser.tab(await running.link(), shows="form")
    await tab.call("Emulation.setDeviceMetricsOverride", **PHONE)
    await tab.run("document.querySelector('[data-channel=wechat]').click()")
    await enters(tab, "app_id", account.app_id)
    await enters(tab, "app_secret", account.app_secret)
    await enters(tab, "public_url", running.address)
    await tab.run("document.getElementById('save').click()")
    await tab.until("document.querySelectorAll('#made output').length === 2")
    token, key = str(
        await tab.run("[...document.querySelectorAll('#made output')].map(o => o.textContent).join()")
    ).split(",")
    account.token, account.aes_key = token, key
    account.webhook_url = f"{running.address}/webhooks/wechat"
    await tab.until("document.querySelector('[data-step=echo].waiting') !== null")
    await looks(tab, f"connect-wechat-phone-{browser.language}")
    assert (await wechat.checks_url()).accepted
    await tab.until("document.querySelector('[data-step=echo].passed') !== null")
    await wechat.user("o-mei").says("hi").finished()
    await tab.until("!document.getElementById('done').hidden")
    states = await tab.run(STATES)
    assert isinstance(states, dict)
    assert (states["may-send-templates"], states["may-send"]) == ("failed", "passed")
    assert browser.problems == []


async def test_the_first_page_leads_on(running: Running, browser: Browser) -> None:
    tab = await browser.tab(f"{running.address}/", shows="start")
    await looks(tab, f"start-{browser.language}")
    await tab.run("document.querySelector('.card').click()")
    await tab.until("location.pathname === '/chat' && document.getElementById('text') !== null")
    assert browser.problems == []
    await tab.go(f"{running.address}/connect", shows="refused")
    await looks(tab, f"refused-{browser.language}")
