"""Simulated providers, and a Siyu with an empty folder."""

import gc
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from bot.settings import environment
from channels.simulators.telegram import TelegramSimulator, WebhookRetry
from channels.simulators.wechat import WeChatSimulator
from tests.bot.connect.house import DEADLINE_S, Page, Running, at_work
from tests.bot.premises import Premises


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramSimulator]:
    retry = WebhookRetry(first_s=0.05, cap_s=0.2)
    async with TelegramSimulator(privacy_mode=True, webhook_retry=retry) as simulator:
        yield simulator


@pytest.fixture
async def wechat() -> AsyncIterator[WeChatSimulator]:
    async with WeChatSimulator() as simulator:
        yield simulator


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, without a setting of whoever runs the tests."""
    for name in environment(Path("no file")):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def process_as_before() -> Iterator[None]:
    """What an app sets for its whole process is afterwards as it was."""
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)


@pytest.fixture
async def running(folder: Path, process_as_before: None) -> AsyncIterator[Running]:
    premises = Premises(folder / "data")
    premises.now = datetime.now(UTC)  # WeChat signs the time
    async with at_work(premises, folder) as siyu:
        yield siyu
    premises.close()


@pytest.fixture
async def page(running: Running) -> AsyncIterator[Page]:
    """A browser that opened the link."""
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address without a name
    timeout = aiohttp.ClientTimeout(total=DEADLINE_S)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=timeout) as session:
        opened = Page(session, running)
        await opened.enters()
        yield opened
