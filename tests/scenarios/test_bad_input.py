"""I1, I2, X1 at the running server: what is forged or no update is refused and leaves no trace; what is strange is recorded."""

import base64
import gzip
import json
from collections.abc import AsyncIterator

import pytest

from channels.simulators.telegram import FaultKind, TelegramSimulator
from channels.simulators.wechat import CallbackFaultKind, Outcome, WeChatSimulator
from channels.simulators.wechat.callback_faults import FORGERIES
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import Event, Installation, by_polling, by_webhook, free_port, until_async
from tests.scenarios.visits import HEADER, deliver, get, post, post_callback, update
from tests.scenarios.wechat_account import account_at, of_wechat

GOOD = json.dumps(update(1, "hello")).encode()
FORGED = {
    "a wrong secret": {HEADER: "not-the-secret"},
    "no secret": {HEADER: ""},
    "a secret that is no ASCII": {HEADER: "密"},
    "a beginning of the secret": {HEADER: "webhook-secret"},
}
UNREADABLE = {
    "nothing": b"",
    "half an object": GOOD[:-1],
    "a list": b"[]",
    "a text": b'"hello"',
    "no update_id": b'{"message": {}}',
    "an update_id that is a text": b'{"update_id": "1"}',
    "an update_id that is true": b'{"update_id": true}',
    "an update_id of 5,000 digits": b'{"update_id": ' + b"9" * 5_000 + b"}",
    "a number of 5,000 digits": b'{"update_id": 1, "message": ' + b"9" * 5_000 + b"}",
    "arrays nested 100,000 deep": b'{"update_id": 1, "message": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "objects nested 100,000 deep": b'{"update_id": 1, "message": '
    + b'{"a":' * 100_000
    + b"1"
    + b"}" * 100_001,
    "no UTF-8": b'{"update_id": 1, "message": "\xff\xfe"}',
    "5 MB": b'{"update_id": 1, "message": "' + b"a" * 5 * 1024 * 1024 + b'"}',
}
WRAPPED = {
    "a form": (GOOD, {"Content-Type": "application/x-www-form-urlencoded"}),
    "plain text": (GOOD, {"Content-Type": "text/plain"}),
    "no content type": (GOOD, {"Content-Type": ""}),
    "gzip": (gzip.compress(GOOD), {"Content-Encoding": "gzip"}),
    "a gzip bomb": (gzip.compress(b" " * 50_000_000), {"Content-Encoding": "gzip"}),
}
STRANGE = {
    "NUL": "one\x00two",
    "lone surrogates": "one\ud800two\udfff",
    "1 MB": "长" * 350_000,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈 👍🏽 🇨🇳",
    "right to left": "\u202eevil\u202c שלום مرحبا",
    "zero width": "S\u200bT\u200dO\u2060P?",
    "a look-alike": "ЅТОР it",
    "nothing but space": " \u3000 ",
    "a template": "{{ brand }} {% for x in (1..1000000) %}x{% endfor %} ${jndi:ldap://127.0.0.1/}",
    "markup": "<script>alert(1)</script> *bold* [link](tg://user?id=1)",
}
IN_NO_CALLBACK = {"NUL", "lone surrogates", "1 MB"}
LONGEST_IN_WECHAT = "长" * 60_000
"""Less than 256 KiB once it is encrypted: far more than WeChat lets anybody write."""
BEYOND_XML = {
    "NUL": b"one\x00two",
    "a lone surrogate": b"one\xed\xa0\x80two",
    "1 MB": "长".encode() * 350_000,
}
UNREADABLE_XML = {
    CallbackFaultKind.MALFORMED,
    CallbackFaultKind.ENTITY_BOMB,
    CallbackFaultKind.XXE,
    CallbackFaultKind.DTD,
}
REPLACED = {0: "�", 0xD800: "�", 0xDFFF: "�"}


@pytest.fixture
async def wechat(installs: Installs) -> AsyncIterator[tuple[Installation, WeChatSimulator]]:
    """An installation with an Official Account, and somebody who wrote to it."""
    port = free_port()
    async with WeChatSimulator(account_at(port)) as simulator:
        siyu = installs(of_wechat(simulator), port=port)
        await siyu.start()
        await simulator.user("o-mei").says("hello").finished()
        await until_async(siyu.settled)
        yield siyu, simulator


@pytest.fixture
async def siyu(telegram: TelegramSimulator, installs: Installs) -> Installation:
    port = free_port()
    siyu = installs(by_webhook(telegram, port), port=port)
    await siyu.start()
    telegram.user(5001, "Ada").starts()
    await telegram.wait_for(bool)
    await until_async(siyu.settled)
    return siyu


async def test_forged_requests_are_refused_and_leave_no_event(siyu: Installation) -> None:
    before = await siyu.events()
    answers = {name: await post(siyu, GOOD, headers) for name, headers in FORGED.items()}
    assert answers == dict.fromkeys(FORGED, 401)
    assert await siyu.events() == before


async def test_what_is_no_update_is_refused_and_leaves_no_event(siyu: Installation) -> None:
    before = await siyu.events()
    answers = {name: await post(siyu, body) for name, body in UNREADABLE.items()}
    answers |= {name: await post(siyu, body, headers) for name, (body, headers) in WRAPPED.items()}
    assert {name: status for name, status in answers.items() if status not in {400, 413, 415}} == {}
    assert (await get(f"{siyu.address}/webhooks/telegram"))[0] == 405
    assert await siyu.events() == before


async def test_strange_texts_are_recorded_normalised_and_the_rest_goes_on(
    siyu: Installation, telegram: TelegramSimulator
) -> None:
    for number, text in enumerate(STRANGE.values(), start=1):
        assert await deliver(siyu, update(number, text)) == 200
    assert await deliver(siyu, update(1_000, "help")) == 200
    await telegram.wait_for(lambda sent: len(sent) >= 2)
    events = await until_async(siyu.settled)
    said = [event["data"]["text"] for event in events if event["type"] == "message-received/1"]
    assert said == ["/start", *(text.translate(REPLACED) for text in STRANGE.values()), "help"]
    assert [event for event in events if event["type"] == "consent-withdrawn/1"] == []
    assert (await siyu.siyu("verify")).code == 0
    shown = (await siyu.siyu("timeline", "#1", "--json")).lines()
    assert [entry["text"] for entry in shown if entry["kind"] == "message"] == said
    assert b"Traceback" not in siyu.output


async def test_forged_and_unreadable_callbacks_of_wechat_are_refused_and_leave_no_event(
    wechat: tuple[Installation, WeChatSimulator],
) -> None:
    siyu, simulator = wechat
    before = await siyu.events()
    answers = {}
    for kind in FORGERIES:
        for inside in (False, True) if kind in UNREADABLE_XML else (False,):
            simulator.callback_faults.add(kind=kind, inside=inside)
            (tried,) = (await simulator.user("o-mei").says("STOP").finished()).tries
            answers[kind, inside] = tried.status
    assert answers == {at: 400 if at[0] in UNREADABLE_XML else 401 for at in answers}
    assert await siyu.events() == before


def inbound(events: list[Event]) -> int:
    """How many facts came from outside."""
    return sum(event["stream"].startswith("inbound-") for event in events)


async def test_strange_texts_over_wechat_are_recorded_and_what_no_xml_holds_is_refused(
    wechat: tuple[Installation, WeChatSimulator],
) -> None:
    siyu, simulator = wechat
    mei = simulator.user("o-mei")
    texts = [text for name, text in STRANGE.items() if name not in IN_NO_CALLBACK]
    texts += [LONGEST_IN_WECHAT, "help"]
    for text in texts:
        assert (await mei.says(text).finished()).outcome in {Outcome.ACCEPTED, Outcome.REPLIED}
    before = await until_async(siyu.settled)
    simulator.account.webhook_url = ""  # what is said now is only written down
    answers = {}
    for name, beyond in BEYOND_XML.items():
        xml = mei.says("{}").xml.replace(b"{}", beyond)
        answers[name], _ = await post_callback(siyu, simulator.account, mei.openid, xml)
    assert answers == {"NUL": 400, "a lone surrogate": 401, "1 MB": 400}
    events = await until_async(siyu.settled)
    said = [event["data"]["text"] for event in events if event["type"] == "message-received/1"]
    assert said == ["hello", *texts]
    assert inbound(events) == inbound(before)
    assert [event for event in events if event["type"] == "consent-withdrawn/1"] == []
    assert (await siyu.siyu("verify")).code == 0
    shown = (await siyu.siyu("timeline", "#1", "--json")).lines()
    assert [entry["text"] for entry in shown if entry["kind"] == "message"] == said
    assert b"Traceback" not in siyu.output


async def test_an_update_of_a_kind_from_the_future_is_kept_and_taken(siyu: Installation) -> None:
    assert await deliver(siyu, {"update_id": 7, "hologram": {"from": {"id": 5001}}}) == 200
    (kept,) = await siyu.events("update-not-understood")
    assert json.loads(base64.b64decode(kept["data"]["raw"]))["hologram"] == {"from": {"id": 5001}}


async def test_polling_goes_on_behind_garbage_and_strange_updates(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    siyu = installs(by_polling(telegram))
    ada = telegram.user(5001, "Ada")
    telegram.faults.add(kind=FaultKind.GARBAGE, method="getUpdates")
    telegram.faults.add(kind=FaultKind.SERVER_ERROR_BEFORE, method="getUpdates")
    await siyu.start()
    ada.starts()
    for text in STRANGE.values():
        ada.says(text)
    telegram.push({"hologram": {}})
    telegram.push({"message": {"message_id": "seven", "chat": [], "text": {"a": "b"}}})
    telegram.push({"message": None})
    ada.says("help")
    await telegram.wait_for(lambda sent: len(sent) >= 2, timeout_s=30)
    events = await until_async(siyu.settled)
    said = [event["data"]["text"] for event in events if event["type"] == "message-received/1"]
    assert said == ["/start", *(text.translate(REPLACED) for text in STRANGE.values()), "help"]
    assert sum(event["type"] == "update-not-understood/1" for event in events) == 3
    assert telegram.pending_updates == []


@pytest.mark.parametrize(
    "missing, named",
    [
        ("SIYU_TELEGRAM__WEBHOOK_SECRET", "SIYU_TELEGRAM__WEBHOOK_SECRET is missing"),
        ("SIYU_TELEGRAM__TOKEN", "SIYU_TELEGRAM__TOKEN is missing"),
        ("SIYU_PUBLIC_URL", "SIYU_PUBLIC_URL is missing"),
    ],
)
async def test_a_channel_without_its_secret_refuses_to_start_and_names_it(
    missing: str, named: str, telegram: TelegramSimulator, installs: Installs
) -> None:
    settings = {name: value for name, value in by_webhook(telegram, 1).items() if name != missing}
    ran = await installs(settings).siyu("run", "--port", "0")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(f"siyu: {named}")
    assert telegram.token not in ran.err


@pytest.mark.parametrize("missing", ["APP_ID", "APP_SECRET", "TOKEN", "AES_KEY"])
async def test_wechat_without_one_of_its_secrets_refuses_to_start_and_names_it(
    missing: str, installs: Installs
) -> None:
    settings = of_wechat(WeChatSimulator())
    secrets = [settings[f"SIYU_WECHAT__{name}"] for name in ("APP_SECRET", "TOKEN", "AES_KEY")]
    del settings[f"SIYU_WECHAT__{missing}"]
    ran = await installs(settings).siyu("run", "--port", "0")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(f"siyu: SIYU_WECHAT__{missing} is missing")
    assert [secret for secret in secrets if secret in ran.err] == []
