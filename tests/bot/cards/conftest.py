"""One operator who has bound, and one customer."""

from datetime import timedelta

import pytest

from domain.operators.events import Role
from tests.bot.cards.phones import LI, WANG, Phones
from tests.bot.premises import Premises


@pytest.fixture
async def phones(premises: Premises) -> Phones:
    desk = await premises.desk()
    await premises.binds(desk, LI, Role.AGENT)
    phones = Phones(premises, desk)
    await phones.hear()
    premises.says(WANG, "hi")
    await phones.hear()
    premises.now += timedelta(minutes=5)
    return phones
