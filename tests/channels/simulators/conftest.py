from collections.abc import AsyncIterator

import aiohttp
import pytest

from channels.simulators.telegram import TelegramSimulator, WebhookRetry
from channels.simulators.wechat import WeChatSimulator
from tests.channels.simulators.bot_side import DEADLINE_S, Api, Clock, Receiver
from tests.channels.simulators.wechat_side import AccountServer, WeChatApi


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def telegram(clock: Clock) -> AsyncIterator[TelegramSimulator]:
    retry = WebhookRetry(first_s=0.01, cap_s=0.04)
    async with TelegramSimulator(webhook_retry=retry, clock=clock) as simulator:
        yield simulator


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE_S)) as session:
        yield session


@pytest.fixture
def api(telegram: TelegramSimulator, http: aiohttp.ClientSession) -> Api:
    return Api(f"{telegram.base}/bot{telegram.token}", http)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


@pytest.fixture
async def wechat(clock: Clock) -> AsyncIterator[WeChatSimulator]:
    async with WeChatSimulator(answer_wait_s=2.0, clock=clock) as simulator:
        yield simulator


@pytest.fixture
def weixin(wechat: WeChatSimulator, http: aiohttp.ClientSession) -> WeChatApi:
    return WeChatApi(wechat, http)


@pytest.fixture
async def server(wechat: WeChatSimulator) -> AsyncIterator[AccountServer]:
    server = AccountServer(wechat.account)
    await server.start()
    yield server
    await server.stop()
