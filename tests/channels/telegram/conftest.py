from collections.abc import AsyncIterator

import pytest

from tests.channels.house import House
from tests.channels.telegram.harness import TelegramHarness, telegram
from tests.channels.telegram.scripted import ScriptedApi


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def polling(house: House) -> AsyncIterator[TelegramHarness]:
    async with telegram(house) as harness:
        yield harness


@pytest.fixture
async def webhook(house: House) -> AsyncIterator[TelegramHarness]:
    async with telegram(house, "webhook") as harness:
        yield harness


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedApi]:
    async with ScriptedApi() as api:
        yield api
