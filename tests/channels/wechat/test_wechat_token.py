"""The access token over real sockets: how often WeChat is asked for one, and what is said where it gives none."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from channels.simulators.wechat import FaultKind, OfficialAccount, WeChatSimulator
from channels.wechat.adapter import WeChatAdapter
from channels.wechat.calls import Calls
from channels.wechat.health import Health, HealthState
from channels.wechat.settings import read_settings
from channels.wechat.token import AccessToken, Issued
from domain.errors import SendFailed, TemporaryFailure
from domain.identity import Account, Slug
from domain.ports.messenger import Outbound
from tests.channels.house import NOW, House, until
from tests.channels.wechat.harness import Clock, Pauses, address, open_adapter, settings_of

HELLO = Outbound("d1", address("o-mei"), "hello")
SEND = "message/custom/send"


class Scene:
    """An adapter that was not started (so nothing but the test asks for a token), with a clock for both sides."""

    def __init__(self, simulator: WeChatSimulator, clock: Clock) -> None:
        self.simulator, self.clock = simulator, clock
        simulator.user("o-mei").person.window.message_came(clock())
        self.adapter: WeChatAdapter = open_adapter(House(), simulator)
        read = read_settings("main", settings_of(simulator))
        self.health = Health(Account("wx1234567890abcdef"), lambda: datetime.fromtimestamp(clock(), UTC))
        self.calls = Calls(read, self.health, 5.0, clock)

    async def fails(self) -> str:
        """Send once; how it failed."""
        with pytest.raises(SendFailed) as failed:
            await self.calls.post(SEND, {"touser": "o-mei", "msgtype": "text", "text": {"content": "hi"}})
        assert isinstance(failed.value, TemporaryFailure)
        assert failed.value.whole_account
        return failed.value.reason

    async def works(self) -> None:
        await self.calls.get("tags/get")

    @property
    def asked(self) -> tuple[int, int]:
        """How often a message was sent, and a token asked for."""
        return self.simulator.calls(SEND), self.simulator.calls("stable_token")


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    clock = Clock()
    async with WeChatSimulator(OfficialAccount(), clock=clock) as simulator:
        scene = Scene(simulator, clock)
        yield scene
        await scene.calls.close()
        await scene.adapter.stop()


async def test_twenty_cold_tasks_ask_for_one_token(scene: Scene) -> None:
    await asyncio.gather(*(scene.works() for _ in range(20)))
    assert (scene.simulator.calls("tags/get"), scene.simulator.calls("stable_token")) == (20, 1)
    assert scene.simulator.calls("token") == 0


async def test_twenty_tasks_whose_token_was_taken_from_them_ask_for_one_other(scene: Scene) -> None:
    await scene.works()
    scene.simulator.tokens.expire()
    await asyncio.gather(*(scene.works() for _ in range(20)))
    assert scene.simulator.calls("stable_token") == 2


async def test_a_token_is_renewed_five_minutes_before_its_end(scene: Scene) -> None:
    await scene.works()
    scene.clock.at += 7200 - 301
    await scene.works()
    assert scene.simulator.calls("stable_token") == 1
    scene.clock.at += 2
    await asyncio.gather(scene.works(), scene.works())
    assert scene.simulator.calls("stable_token") == 2


async def test_while_no_new_token_comes_the_old_one_is_used_to_its_end(scene: Scene) -> None:
    await scene.works()
    scene.clock.at += 7200 - 200
    scene.simulator.faults.add(kind=FaultKind.BUSY, path="stable_token", times=None)
    await scene.works()
    await scene.works()
    assert scene.simulator.calls("stable_token") == 2  # not with every call
    scene.clock.at += 201
    with pytest.raises(TemporaryFailure, match="busy"):
        await scene.works()


@pytest.mark.parametrize("code", [40001, 40014, 42001])
async def test_a_token_that_is_refused_once_is_replaced_and_the_call_made_again(
    code: int, scene: Scene
) -> None:
    await scene.works()
    scene.simulator.faults.add(kind=FaultKind.REFUSED, path="tags/get", errcode=code)
    await scene.works()
    forced = [
        one.json["force_refresh"]
        for one in scene.simulator.requests
        if one.path == "stable_token" and one.json
    ]
    assert (scene.simulator.calls("tags/get"), forced) == (3, [False, False, True])
    assert scene.health.state.state == "ok"


async def test_a_token_that_somebody_else_replaced_is_not_replaced_once_more(scene: Scene) -> None:
    await scene.works()
    scene.simulator.tokens.stable(forced=True)
    await scene.works()
    forced = [
        one.json["force_refresh"]
        for one in scene.simulator.requests
        if one.path == "stable_token" and one.json
    ]
    assert forced == [False, False]


async def test_a_lasting_40001_costs_two_calls_a_send_at_most_and_shows_in_the_health(scene: Scene) -> None:
    scene.simulator.faults.add(kind=FaultKind.INVALID_TOKEN, path=None, times=None)
    assert scene.health.state == HealthState(Slug("ok"), NOW)
    calls = []
    for _ in range(10):
        before = scene.asked
        assert await scene.fails() == "token-refused"
        calls.append(tuple(after - was for after, was in zip(scene.asked, before, strict=True)))
    assert calls[0] == (2, 3)  # the token, the same again, another by force
    assert calls[1:] == [(1, 0)] * 9
    assert scene.health.state == HealthState(Slug("token-refused"), NOW)
    scene.simulator.faults.clear()
    await scene.works()
    assert scene.health.state.state == "ok"


async def test_a_40001_that_lasts_a_day_uses_fewer_forced_tokens_than_wechat_allows(scene: Scene) -> None:
    scene.simulator.faults.add(kind=FaultKind.INVALID_TOKEN, path=None, times=None)
    for _ in range(24 * 60):
        assert await scene.fails() == "token-refused"
        scene.clock.at += 60
    assert scene.asked[0] <= 2 * 24 * 60
    forced = [one for one in scene.simulator.requests if one.json and one.json.get("force_refresh")]
    assert 1 < len(forced) <= 20


@pytest.mark.parametrize(
    "code, reason, state",
    [
        (40001, "secret-wrong", "secret-wrong"),
        (40013, "secret-wrong", "secret-wrong"),
        (40125, "secret-wrong", "secret-wrong"),
        (40164, "address-not-listed", "address-not-listed"),
        (50002, "account-frozen", "account-frozen"),
        (45009, "day-quota-reached", "ok"),
        (48001, "not-authorised", "ok"),
    ],
)
async def test_why_there_is_no_token_shows_in_the_health(
    code: int, reason: str, state: str, scene: Scene
) -> None:
    scene.simulator.faults.add(kind=FaultKind.REFUSED, path="stable_token", errcode=code)
    assert (await scene.fails(), scene.health.state.state) == (reason, state)
    assert scene.asked == (0, 1)
    await scene.works()
    assert scene.health.state.state == "ok"


async def test_an_address_that_is_not_listed_is_told(scene: Scene) -> None:
    scene.simulator.account.white_list = set()
    assert await scene.fails() == "address-not-listed"
    assert scene.health.state == HealthState(Slug("address-not-listed"), NOW, "127.0.0.1")


@pytest.mark.parametrize(
    "fault", [FaultKind.SERVER_ERROR_AFTER, FaultKind.RESET_AFTER, FaultKind.GARBAGE, FaultKind.HALF_CLOSE]
)
async def test_whatever_happens_to_a_call_for_a_token_nothing_was_sent(
    fault: FaultKind, scene: Scene
) -> None:
    scene.simulator.faults.add(kind=fault, path="stable_token")
    with pytest.raises(TemporaryFailure):
        await scene.works()
    await scene.works()


async def test_a_token_that_never_comes_is_waited_for_no_longer_than_the_call_may_take(scene: Scene) -> None:
    scene.simulator.faults.add(kind=FaultKind.TIMEOUT_AFTER, path="stable_token", times=None)
    adapter = open_adapter(House(), scene.simulator, deadline_s=0.2)
    with pytest.raises(TemporaryFailure):
        await adapter.messenger.send(HELLO)
    await adapter.stop()


async def test_who_gives_up_waiting_for_a_token_does_not_end_it_for_the_others() -> None:
    asked: list[bool] = []
    comes = asyncio.Event()

    async def fetch(force: bool) -> Issued:
        asked.append(force)
        await comes.wait()
        return Issued("t", 7200.0)

    token = AccessToken(fetch, lambda: 0.0)
    impatient, patient = asyncio.create_task(token.get()), asyncio.create_task(token.get())
    await until(lambda: asked)
    impatient.cancel()
    await asyncio.sleep(0)
    comes.set()
    assert (await patient, asked) == ("t", [False])


async def test_the_start_goes_on_looking_until_wechat_knows_us_and_waits_longer_each_time() -> None:
    pauses = Pauses()
    async with WeChatSimulator(OfficialAccount(), clock=Clock()) as simulator:
        simulator.faults.add(kind=FaultKind.REFUSED, path="stable_token", errcode=40125, times=12)
        adapter = open_adapter(House(), simulator, pauses=pauses)
        await adapter.start()
        await until(lambda: simulator.calls("getcallbackip"))
        await until(lambda: adapter.health.state == "ok")
        await adapter.stop()
    assert pauses.asked_s == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
