from collections.abc import AsyncIterator

import pytest

from tests.channels.webchat.house import House, Server


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def server(house: House) -> AsyncIterator[Server]:
    async with Server(house) as server:
        yield server
