from collections.abc import AsyncIterator

import pytest

from tests.channels.house import House
from tests.channels.wechat.harness import WeChatHarness, wechat


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def channel(house: House) -> AsyncIterator[WeChatHarness]:
    """Answers by customer-service messages only."""
    async with wechat(house, reply="service") as harness:
        yield harness


@pytest.fixture
async def auto(house: House) -> AsyncIterator[WeChatHarness]:
    """Answers in the request where it can."""
    async with wechat(house) as harness:
        yield harness
