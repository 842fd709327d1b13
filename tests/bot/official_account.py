"""Siyu at work with Official Accounts of the simulator, in one process: real stores, real sockets."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from bot.app import App, Binding
from bot.bootstrap import open_app, open_house, prepare
from bot.control import ask, running
from bot.settings import load
from channels.simulators.wechat import WeChatSimulator
from domain.identity import Account, Address, Channel, ContactId, Party
from domain.message import Event
from projections.people import contacts, customers
from projections.tags import tags_of
from tests.scenarios.installation import free_port

DEADLINE_S = 15.0
WECHAT, APP_ID = Channel("wechat"), "wx1234567890abcdef"


def variables_of(name: str, simulator: WeChatSimulator) -> dict[str, str]:
    """The settings of one account of a simulator's."""
    account, prefix = simulator.account, "SIYU_WECHAT__" + ("" if name == "main" else f"{name.upper()}__")
    values = {
        "APP_ID": account.app_id,
        "APP_SECRET": account.app_secret,
        "TOKEN": account.token,
        "AES_KEY": account.aes_key,
        "KIND": account.kind,
        "API_BASE": simulator.api_base,
    }
    return {f"{prefix}{key}": value for key, value in values.items()}


class Siyu:
    """One installation; ``app`` while it is at work."""

    def __init__(self, app: App) -> None:
        self.app, self.house = app, app.house

    def contact(self, openid: str, app_id: str = APP_ID) -> ContactId:
        found = self.house.vault.find(Address(Party.CONTACT, WECHAT, Account(app_id), openid))
        assert found is not None
        return ContactId(found)

    def customer(self, openid: str, app_id: str = APP_ID) -> customers.Customer:
        """As the views show them now."""
        self.house.catch_up()
        with self.house.views.read() as connection:
            seen = contacts.contact(connection, self.contact(openid, app_id))
            owner = None if seen is None else customers.customer(connection, seen.customer)
        assert owner is not None
        return owner

    def tags(self, openid: str, app_id: str = APP_ID) -> set[str]:
        """Those of whoever is behind a follower."""
        owner = self.customer(openid, app_id)
        with self.house.views.read() as connection:
            return {held.tag for held in tags_of(connection, owner.id)}

    def wake(self, name: str) -> None:
        """Let a driver step now instead of at its next poll."""
        next(driver for driver in self.app.drivers if driver.name == name).wake.set()

    def events(self, *kinds: type[Event]) -> list[Event]:
        return [r.event for r in self.house.log.read(0, 100_000) if isinstance(r.event, kinds)]

    async def siyu(self, operation: str, **arguments: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # JSON values
        """What the command line is answered by the running Siyu."""

        def asked() -> list[dict[str, Any]]:
            connection = running(self.house.settings.data)
            assert connection is not None
            return list(ask(connection, operation, arguments))

        return await asyncio.to_thread(asked)

    async def do(self, line: str) -> str:
        """Have an operator's command carried out, and return the answer."""
        *said, end = await self.siyu("do", line=line, yes=True)
        assert end == {"exit": 0}, (said, end)
        return "\n".join(str(message["line"]) for message in said)


@asynccontextmanager
async def at_work(
    folder: Path, accounts: dict[str, WeChatSimulator], *, without: str = "", **settings: str
) -> AsyncIterator[Siyu]:
    """An installation with these accounts, by what they are called in its settings; it ends in order.

    ``without``: the part that the test does itself.
    """
    port = free_port()
    variables = {
        "SIYU_DATA": str(folder),
        "SIYU_LOCALE": "en",
        "SIYU_STARTER_RULES": "false",
        "SIYU_PUBLIC_URL": f"http://127.0.0.1:{port}",
        **settings,
    }
    for name, simulator in accounts.items():
        path = "/webhooks/wechat" if name == "main" else f"/webhooks/wechat/{name}"
        simulator.account.webhook_url = f"http://127.0.0.1:{port}{path}"
        variables |= variables_of(name, simulator)
    with _collector_as_before():
        house = await asyncio.to_thread(open_house, load(variables), variables)
        try:
            await asyncio.to_thread(prepare, house)
            app = open_app(house, Binding("127.0.0.1", port))
            if without:
                app.drivers.remove(next(driver for driver in app.drivers if driver.name == without))
            told = asyncio.Event()
            serving = asyncio.create_task(app.run(told))
            ready = asyncio.create_task(app.ready.wait())
            await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
            try:
                if not serving.done():
                    yield Siyu(app)
            finally:
                told.set()
                async with asyncio.timeout(DEADLINE_S):
                    await serving
        finally:
            house.close()


@contextmanager
def _collector_as_before() -> Iterator[None]:
    """What an app sets for its whole process is afterwards as it was."""
    thresholds = gc.get_threshold()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


async def until(condition: Callable[[], object], then: Callable[[], object] = lambda: None) -> None:
    """Wait for a condition, with a deadline; ``then`` is done before each look."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            then()
            await asyncio.sleep(0.02)
