import aiohttp
import pytest
from structlog.testing import capture_logs

from channels.channel import Adapter
from domain.conversations.commands import Message
from domain.conversations.events import MessageReceived, UpdateNotUnderstood
from domain.errors import StoreUnavailable
from domain.groups.events import GroupMigrated
from domain.identity import Slug
from tests.channels.house import House, Web, until
from tests.channels.telegram.harness import Pauses, TelegramHarness, open_adapter
from tests.channels.telegram.scripted import ScriptedApi, text_update

DEEP = b"[" * 100_000 + b"]" * 100_000


def texts(house: House) -> list[str]:
    return [message.text.value for message in house.events(MessageReceived)]


async def call(simulator_base: str, token: str, method: str, **parameters: object) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{simulator_base}/bot{token}/{method}", json=parameters) as response,
    ):
        assert response.status in (200, 409), await response.text()


async def test_the_offset_moves_after_the_commit(polling: TelegramHarness, house: House) -> None:
    house.gate.clear()
    update_id = polling.simulator.push({"message": polling.mei.says("hello")})
    assert update_id is not None
    await until(lambda: house.handed_in)
    assert house.cursors.values == {}
    house.gate.set()
    await until(lambda: polling.waiting() == 0)
    assert house.cursors.values == {"telegram:1234567890:offset": str(update_id["update_id"] + 1)}


async def test_what_comes_while_the_bot_is_down_is_taken_afterwards_and_nothing_twice(house: House) -> None:
    async with ScriptedApi() as api:
        for number in range(1, 4):
            api.updates.append((number, text_update(number, f"message {number}")))
        async with Web().serving(open_adapter(house, api)):
            await until(lambda: len(texts(house)) == 3)
        api.updates = [(number, text_update(number, f"message {number}")) for number in range(3, 6)]
        async with Web().serving(open_adapter(house, api)):
            await until(lambda: len(texts(house)) == 5)
    assert texts(house) == [f"message {number}" for number in range(1, 6)]


async def test_an_offset_that_could_not_be_stored_brings_the_same_again_and_harms_nothing(
    polling: TelegramHarness, house: House
) -> None:
    house.lost_answers = 3
    polling.mei.says("one")
    polling.mei.says("two")
    await until(lambda: polling.waiting() == 0)
    assert (texts(house), len(house.handed_in) >= 5) == (["one", "two"], True)


async def test_what_the_domain_refuses_is_recorded_without_a_meaning_and_blocks_nothing(
    scripted: ScriptedApi, house: House
) -> None:
    house.refuses = lambda received: isinstance(received.content, Message) and received.content.text == "two"
    for number, text in enumerate(("one", "two", "three"), start=1):
        scripted.updates.append((number, text_update(number, text)))
    async with Web().serving(open_adapter(house, scripted)):
        await until(lambda: not scripted.updates)
    assert texts(house) == ["one", "three"]
    assert [one.reason for one in house.events(UpdateNotUnderstood)] == [Slug("malformed")]


@pytest.mark.parametrize(
    "poison",
    [
        pytest.param(b'{"update_id":2,"message":' + DEEP + b"}", id="deep"),
        pytest.param(b'{"update_id":2,"message":{"date":' + b"9" * 5_000 + b"}}", id="long-number"),
        pytest.param(b'{"update_id":2,"message":{"text":"\xff\xfe"}}', id="no-utf-8"),
        pytest.param(b'{"update_id":2,"message":{"date":NaN}}', id="nan"),
        pytest.param(b'{"update_id":2,"message":5}', id="other-shape"),
    ],
)
async def test_an_update_that_cannot_be_read_is_recorded_and_blocks_nothing(
    poison: bytes, scripted: ScriptedApi, house: House
) -> None:
    scripted.updates = [(1, text_update(1, "one")), (2, poison), (3, text_update(3, "three"))]
    async with Web().serving(open_adapter(house, scripted)):
        await until(lambda: not scripted.updates)
        await until(lambda: scripted.limits[-1] == 100)
    assert texts(house) == ["one", "three"]
    (recorded,) = house.events(UpdateNotUnderstood)
    assert recorded.reason == Slug("malformed")
    assert recorded.raw is not None
    assert poison in recorded.raw.value


async def test_lone_surrogates_and_nul_are_no_poison(scripted: ScriptedApi, house: House) -> None:
    scripted.updates = [(1, text_update(1, "a\ud800b\x00c")), (2, text_update(2, "שלום \u202e😀"))]
    async with Web().serving(open_adapter(house, scripted)):
        await until(lambda: not scripted.updates)
    assert texts(house) == ["a\ufffdb\ufffdc", "שלום \u202e😀"]


async def test_a_house_that_cannot_take_more_leaves_the_updates_at_telegram(
    scripted: ScriptedApi, house: House
) -> None:
    pauses = Pauses()
    house.failures = [StoreUnavailable("disk full") for _ in range(3)]
    scripted.updates = [(1, text_update(1, "one"))]
    async with Web().serving(open_adapter(house, scripted, pauses=pauses)):
        await until(lambda: not scripted.updates)
    assert (texts(house), pauses.asked_s) == (["one"], [0.5, 1.0, 2.0])


async def test_another_poller_is_waited_out(polling: TelegramHarness, house: House) -> None:
    await until(lambda: polling.simulator.polling)
    simulator = polling.simulator
    await call(simulator.base, simulator.token, "getUpdates", timeout=0)
    polling.mei.says("hello")
    await until(lambda: polling.waiting() == 0)
    assert texts(house) == ["hello"]


async def test_a_webhook_left_from_before_is_removed_and_what_waited_is_kept(house: House) -> None:
    async with TelegramHarness.open(house) as harness:
        assert isinstance(harness, TelegramHarness)
        await harness.adapter.stop()
        simulator = harness.simulator
        await call(simulator.base, simulator.token, "setWebhook", url="http://127.0.0.1:9/nobody")
        harness.mei.says("hello")
        adapter: Adapter = open_adapter(house, simulator)
        await adapter.start()
        await until(lambda: harness.waiting() == 0)
        await adapter.stop()
    assert texts(house) == ["hello"]


async def test_a_429_is_obeyed(house: House) -> None:
    pauses = Pauses()
    async with TelegramHarness.open(house) as harness:
        assert isinstance(harness, TelegramHarness)
        await harness.adapter.stop()
        simulator = harness.simulator
        simulator.faults.add(kind="rate_limited", method="getUpdates", retry_after_s=17)
        adapter = open_adapter(house, simulator, pauses=pauses)
        await adapter.start()
        await until(lambda: simulator.polling)
        await adapter.stop()
    assert pauses.asked_s == [17.0]


async def test_the_start_is_tried_until_telegram_is_there(house: House) -> None:
    pauses = Pauses()
    async with TelegramHarness.open(house) as harness:
        assert isinstance(harness, TelegramHarness)
        await harness.adapter.stop()
        simulator = harness.simulator
        for method in ("getMe", "deleteWebhook", "getUpdates"):
            simulator.faults.add(kind="server_error_before", method=method, times=2)
        adapter = open_adapter(house, simulator, pauses=pauses)
        await adapter.start()
        harness.mei.says("hello")
        await until(lambda: harness.waiting() == 0)
        await adapter.stop()
    assert (texts(house), pauses.asked_s) == (["hello"], [0.5, 1.0] * 3)


async def test_a_token_telegram_does_not_know_is_told_by_the_settings_name_and_never_shown(
    scripted: ScriptedApi, house: House
) -> None:
    refused = b'{"ok":false,"error_code":401,"description":"Unauthorized"}'
    accepted, scripted.answers["getMe"] = scripted.answers["getMe"], (401, refused)
    pauses = Pauses()
    with capture_logs() as logs:
        async with Web().serving(open_adapter(house, scripted, name="shop", pauses=pauses)):
            await until(lambda: pauses.asked_s)
            scripted.answers["getMe"] = accepted
            await until(lambda: scripted.limits)
    assert logs[0] == {
        "event": "telegram does not know the token: check SIYU_TELEGRAM__SHOP__TOKEN",
        "log_level": "error",
        "account": "1234567890",
        "call": "getMe",
    }
    assert pauses.asked_s[0] == 60.0
    assert "scripted" not in str(logs)


async def test_updates_without_a_number_are_waited_out_and_not_committed(
    scripted: ScriptedApi, house: House
) -> None:
    scripted.updates = [(1, b'{"message":{}}')]
    pauses = Pauses()
    with capture_logs() as logs:
        async with Web().serving(open_adapter(house, scripted, pauses=pauses)):
            await until(lambda: len(pauses.asked_s) >= 2)
            scripted.updates = [(1, text_update(1, "one"))]
            await until(lambda: not scripted.updates)
    assert (texts(house), pauses.asked_s[:2]) == (["one"], [0.5, 1.0])
    assert logs[0]["event"] == "updates without a number are lost"


async def test_a_mistake_of_ours_is_told_and_does_not_make_the_bot_deaf(
    scripted: ScriptedApi, house: House
) -> None:
    house.cursors.values["telegram:1234567890:offset"] = "canary"
    scripted.updates = [(1, text_update(1, "one"))]
    pauses = Pauses()
    with capture_logs() as logs:
        async with Web().serving(open_adapter(house, scripted, pauses=pauses)):
            await until(lambda: pauses.asked_s)
            house.cursors.values.clear()
            await until(lambda: not scripted.updates)
    assert texts(house) == ["one"]
    assert logs[0]["event"] == "telegram stops receiving and begins anew: this is a bug"
    assert logs[0]["where"].startswith("ValueError at ")
    assert "canary" not in str(logs)


async def test_what_is_said_before_and_after_a_migration_is_said_in_one_group(
    polling: TelegramHarness, house: House
) -> None:
    house.gate.clear()
    tea = polling.simulator.group(-5, "Tea", "group")
    polling.mei.joins(tea)
    polling.mei.says("before", chat=tea)
    upgraded = tea.migrates(-1005, polling.mei)
    polling.mei.says("after", chat=upgraded)
    house.gate.set()
    await until(lambda: polling.waiting() == 0)
    assert texts(house) == ["before", "after"]
    assert len({message.group for message in house.events(MessageReceived)}) == 1
    assert len(house.events(GroupMigrated)) == 1
