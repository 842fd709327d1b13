"""An Official Account of the simulator's as a running Siyu has it, and how WeChat finds that Siyu again after it died."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from channels.simulators.wechat import OfficialAccount, WeChatSimulator
from tests.scenarios.installation import LOOK_EVERY_S


@dataclass(slots=True)
class Later:
    """A clock that is ahead of the real one, as the ``--ahead`` of tests.scenarios.crashing."""

    ahead_s: int = 0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


def of_wechat(wechat: WeChatSimulator, **further: str) -> dict[str, str]:
    """Return the settings of its account, without any pacing."""
    account = wechat.account
    return {
        "SIYU_WECHAT__APP_ID": account.app_id,
        "SIYU_WECHAT__APP_SECRET": account.app_secret,
        "SIYU_WECHAT__TOKEN": account.token,
        "SIYU_WECHAT__AES_KEY": account.aes_key,
        "SIYU_WECHAT__API_BASE": wechat.api_base,
        "SIYU_WECHAT__RATE_PER_S": "0",
        "SIYU_WECHAT__CHAT_RATE_PER_S": "0",
    } | {f"SIYU_WECHAT__{name.upper()}": value for name, value in further.items()}


def webhook_at(port: int) -> str:
    return f"http://127.0.0.1:{port}/webhooks/wechat"


def account_at(port: int) -> OfficialAccount:
    return OfficialAccount(webhook_url=webhook_at(port))


@asynccontextmanager
async def patient_wechat(port: int, clock: Callable[[], float] = time.time) -> AsyncIterator[WeChatSimulator]:
    """A WeChat that posts again once somebody listens there: its three tries take 15 s, and Siyu is back by then."""

    async def listening() -> None:
        while not await _listens(port):
            await asyncio.sleep(LOOK_EVERY_S)

    async with WeChatSimulator(account_at(port), clock=clock, before_again=listening) as wechat:
        yield wechat


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
