"""Programs at work in a house where Wang and Li wrote."""

from collections.abc import AsyncIterator

import pytest

from tests.bot.api.programs import Programs, serving
from tests.bot.premises import Premises


@pytest.fixture
async def programs(premises: Premises) -> AsyncIterator[Programs]:
    premises.says("wang", "多少钱?")
    premises.says("li", "hello")
    premises.house.catch_up()  # as before Siyu serves
    async with serving(premises) as programs:
        yield programs
