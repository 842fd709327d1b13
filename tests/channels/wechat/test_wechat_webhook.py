"""The webhook over real sockets: who is let in, what is refused, and what comes twice."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from channels.simulators.wechat import CallbackFaultKind, OfficialAccount, Outcome, WeChatSimulator
from channels.simulators.wechat.callback_faults import letter
from channels.simulators.wechat.crypto import signed
from domain.contacts.events import ContactSeen
from domain.conversations.commands import Message
from domain.conversations.events import MessageReceived, ReachabilityReported, UpdateNotUnderstood
from domain.errors import StoreUnavailable
from domain.identity import Slug
from tests.channels.house import House, Web
from tests.channels.wechat.harness import Clock, WeChatHarness, callback, open_adapter

ID = "24000000000000001"
TEXT = callback(MsgType="text", Content="hello", MsgId=ID)


def texts(house: House) -> list[str]:
    return [message.text.value for message in house.events(MessageReceived)]


def sealed(channel: WeChatHarness, xml: bytes = TEXT) -> tuple[Mapping[str, str], bytes]:
    posted = letter(channel.simulator.account, "o-mei", xml, channel.clock())
    return posted.query, posted.body


def signed_query(channel: WeChatHarness, **changes: str) -> dict[str, str]:
    """A query that is signed but for the body."""
    now, nonce = str(int(channel.clock())), "n"
    query = {
        "signature": signed(channel.simulator.account.token, now, nonce),
        "timestamp": now,
        "nonce": nonce,
    }
    return query | {"encrypt_type": "aes", "msg_signature": "0" * 40} | changes


async def post(channel: WeChatHarness, query: Mapping[str, str], body: bytes) -> int | None:
    return (await channel.simulator.posts(query, body, "o-mei")).status


# --- the check of the address ---------------------------------------------------------------------------------------


async def test_the_check_of_the_address_is_answered_with_the_echo_only_if_it_is_signed(
    channel: WeChatHarness,
) -> None:
    assert channel.adapter.heard.echo_at is None
    forged = await channel.simulator.checks_url(genuine=False)
    assert (forged.status, channel.adapter.heard.echo_at) == (401, None)
    assert (await channel.simulator.checks_url()).accepted
    assert channel.adapter.heard.echo_at is not None


async def test_a_signed_check_with_an_old_time_stamp_or_a_strange_echo_is_refused(
    channel: WeChatHarness,
) -> None:
    token, url = channel.simulator.account.token, channel.simulator.account.webhook_url
    now, old = str(int(channel.clock())), str(int(channel.clock()) - 301)

    async def status(timestamp: str, **further: str) -> int:
        query = {"signature": signed(token, timestamp, "n"), "timestamp": timestamp, "nonce": "n"} | further
        async with session.get(url, params=query) as response:
            return response.status

    async with aiohttp.ClientSession() as session:
        assert await status(old, echostr="1") == 401
        assert await status("", echostr="1") == 401
        assert await status(now, echostr="<script>") == 400
        assert await status(now) == 400
        assert await status(now, echostr="1") == 200


# --- who is let in ----------------------------------------------------------------------------------------------------


async def test_a_callback_is_answered_success_once_it_is_in_the_log(
    channel: WeChatHarness, house: House
) -> None:
    done = await channel.posts(TEXT)
    assert (done.status, done.answer, done.outcome) == (200, b"success", Outcome.ACCEPTED)
    assert texts(house) == ["hello"]
    assert channel.adapter.heard.callback_at is not None


@pytest.mark.parametrize(
    "fault",
    [
        CallbackFaultKind.OLD_TIMESTAMP,
        CallbackFaultKind.FUTURE_TIMESTAMP,
        CallbackFaultKind.WRONG_APP_ID,
        CallbackFaultKind.TAMPERED,
        CallbackFaultKind.TAMPERED_SIGNED,
        CallbackFaultKind.PLAIN,
        CallbackFaultKind.BAD_SIGNATURE,
    ],
)
async def test_a_forgery_is_401_and_leaves_nothing(
    fault: CallbackFaultKind, channel: WeChatHarness, house: House
) -> None:
    channel.simulator.callback_faults.add(kind=fault)
    callback_ = await channel.mei.says("hello").finished()
    assert [done.status for done in callback_.tries] == [401]
    assert (house.handed_in, house.log.head()) == ([], 0)


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    "fault",
    [
        CallbackFaultKind.MALFORMED,
        CallbackFaultKind.ENTITY_BOMB,
        CallbackFaultKind.XXE,
        CallbackFaultKind.DTD,
    ],
)
async def test_xml_that_is_none_or_has_a_document_type_is_400_and_leaves_nothing(
    fault: CallbackFaultKind, inside: bool, channel: WeChatHarness, house: House
) -> None:
    channel.simulator.callback_faults.add(kind=fault, inside=inside)
    callback_ = await channel.mei.says("hello").finished()
    assert [done.status for done in callback_.tries] == [400]
    assert (house.handed_in, house.log.head()) == ([], 0)


@pytest.mark.parametrize(
    "body, status",
    [
        (b"", 400),
        (b"<xml></xml>", 400),
        (b"no xml", 400),
        (b'{"update_id": 5}', 400),
        (b"<xml>" + b"<a>" * 20_000 + b"</a>" * 20_000 + b"</xml>", 400),
        (b"<xml>" + b"<a/>" * 60_000 + b"</xml>", 400),
        (b"<xml><a>" + b"x" * 300_000 + b"</a></xml>", 400),
        (b"<xml><Encrypt>\xff\xfe</Encrypt></xml>", 400),
        (b'<?xml version="1.0" encoding="utf-7"?><xml><Encrypt>+ADw</Encrypt></xml>', 401),
        (b"<xml><Encrypt>&#0;</Encrypt></xml>", 400),
        (b"<xml><Encrypt>&hazard;</Encrypt></xml>", 400),
        (b"<html><Encrypt>AAAA</Encrypt></html>", 400),
        (b"<xml><MsgType>text</MsgType></xml>", 401),
        (b"<xml><Encrypt><a>AAAA</a></Encrypt></xml>", 401),
        (b"<xml><Encrypt>AAAA</Encrypt></xml>", 401),
    ],
)
async def test_a_body_that_is_no_callback_is_refused(
    body: bytes, status: int, channel: WeChatHarness, house: House
) -> None:
    query = signed_query(channel)
    assert await post(channel, query, body) == status
    assert house.handed_in == []


async def test_an_envelope_that_holds_nothing_readable_is_401_whatever_its_length(
    channel: WeChatHarness, house: House
) -> None:
    token = channel.simulator.account.token
    for sealed_text in ("AAAA", "A" * 43 + "=", "====", "您好", "A" * 64, "A" * 4096):
        query = signed_query(channel)
        query["msg_signature"] = signed(token, query["timestamp"], query["nonce"], sealed_text)
        body = f"<xml><Encrypt>{sealed_text}</Encrypt></xml>".encode()
        assert await post(channel, query, body) == 401
    assert house.handed_in == []


@pytest.mark.parametrize("missing", ["signature", "timestamp", "nonce", "msg_signature", "encrypt_type"])
async def test_a_query_that_lacks_something_is_401(
    missing: str, channel: WeChatHarness, house: House
) -> None:
    query, body = sealed(channel)
    short = {name: value for name, value in query.items() if name != missing}
    assert await post(channel, short, body) == 401
    assert await post(channel, short | {missing: "密"}, body) == 401
    assert house.handed_in == []


async def test_another_content_type_encoding_or_a_crowded_query_is_400(
    channel: WeChatHarness, house: House
) -> None:
    query, body = sealed(channel)
    url = channel.simulator.account.webhook_url

    async def status(headers: Mapping[str, str], **further: str) -> int:
        async with session.post(url, params={**query, **further}, data=body, headers=headers) as response:
            return response.status

    async with aiohttp.ClientSession() as session:
        assert await status({"Content-Type": "application/json"}) == 400
        assert await status({"Content-Type": "text/xml", "Content-Encoding": "gzip"}) == 400
        assert await status({"Content-Type": "text/xml"}, **{f"a{n}": "" for n in range(30)}) == 400
    assert house.handed_in == []


# --- what comes twice, late, or all at once ---------------------------------------------------------------------------


async def test_a_replay_of_the_same_bytes_is_success_and_no_second_event(
    channel: WeChatHarness, house: House
) -> None:
    query, body = sealed(channel)
    answers = [(await channel.simulator.posts(query, body, "o-mei")).answer for _ in range(3)]
    assert (answers, texts(house)) == ([b"success"] * 3, ["hello"])
    channel.clock.at += 301  # the simulator's own clock: what it signs now is from our future
    assert await post(channel, *sealed(channel)) == 401


@pytest.mark.parametrize("times", [2, 10])
@pytest.mark.parametrize(
    "xml", [TEXT, callback(MsgType="event", Event="CLICK", EventKey="HELP")], ids=["message", "event"]
)
async def test_a_callback_that_comes_often_at_once_is_one_event(
    times: int, xml: bytes, channel: WeChatHarness, house: House
) -> None:
    done = await asyncio.gather(*(channel.posts(xml) for _ in range(times)))
    assert [one.answer for one in done] == [b"success"] * times
    assert len({one.key for one in house.handed_in}) == 1
    inbound = [one for one in house.log.read(0, 100) if one.stream.startswith("inbound-")]
    assert len(inbound) == 1


async def test_two_clicks_of_one_second_are_two_events(channel: WeChatHarness, house: House) -> None:
    for key in ("A", "B", "A"):
        await channel.posts(callback(MsgType="event", Event="CLICK", EventKey=key))
    inbound = [one for one in house.log.read(0, 100) if one.stream.startswith("inbound-")]
    assert len(inbound) == 2


async def test_fifty_messages_at_once_of_somebody_new_are_one_contact_and_fifty_messages(
    channel: WeChatHarness, house: House
) -> None:
    wang = channel.simulator.user("o-wang")
    for number in range(50):
        wang.says(f"message {number}")
    await channel.simulator.settled()
    assert texts(house) == [f"message {number}" for number in range(50)]
    assert len(house.events(ContactSeen)) == 1


async def test_late_and_reordered_callbacks_leave_the_same_facts(
    channel: WeChatHarness, house: House
) -> None:
    channel.simulator.callback_faults.add(kind=CallbackFaultKind.REORDER)
    channel.mei.says("first")
    channel.clock.at -= 60
    channel.mei.says("second")
    await channel.simulator.settled()
    assert sorted(texts(house)) == ["first", "second"]
    happened = {one.event.text.value: one.occurred_at for one in recorded(house)}
    assert (happened["first"] - happened["second"]).total_seconds() == 60


def recorded(house: House) -> list[Any]:
    return [one for one in house.log.read(0, 100) if isinstance(one.event, MessageReceived)]


async def test_following_is_seen_with_its_source(channel: WeChatHarness, house: House) -> None:
    wang = channel.simulator.user("o-wang", subscribed=False)
    await wang.subscribes("door-2").finished()
    await wang.unsubscribes().finished()
    reported = [(one.reachable, one.source) for one in house.events(ReachabilityReported)]
    assert reported == [(True, Slug("door-2")), (False, None)]


# --- what the house does ----------------------------------------------------------------------------------------------


async def test_a_log_that_cannot_take_it_is_503_and_wechat_comes_again(
    channel: WeChatHarness, house: House
) -> None:
    house.failures = [StoreUnavailable("disk full")]
    done = await channel.mei.says("hello").finished()
    assert [one.status for one in done.tries] == [503, 200]
    assert texts(house) == ["hello"]


async def test_what_the_domain_refuses_is_recorded_without_a_meaning_and_does_not_come_again(
    channel: WeChatHarness, house: House
) -> None:
    house.refuses = lambda received: isinstance(received.content, Message)
    done = await channel.mei.says("hello").finished()
    assert [one.status for one in done.tries] == [200]
    assert [one.reason for one in house.events(UpdateNotUnderstood)] == [Slug("malformed")]


async def test_each_account_has_its_path_its_keys_and_its_own_numbers(house: House) -> None:
    """The same person with the same message number in two accounts is two contacts and two messages."""
    first, second = Web(), Web()
    shop = OfficialAccount(
        app_id="wxabcdefabcdefabcd", token="shopToken", webhook_url=f"{second.url}/webhooks/wechat/shop"
    )
    main = OfficialAccount(webhook_url=f"{first.url}/webhooks/wechat")
    clock = Clock()
    async with WeChatSimulator(main, clock=clock) as one, WeChatSimulator(shop, clock=clock) as other:
        adapters = (open_adapter(house, one), open_adapter(house, other, name="shop"))
        async with first.serving(adapters[0]), second.serving(adapters[1]):
            for simulator in (one, other):
                sealed_ = letter(simulator.account, "o-mei", TEXT, clock())
                assert (await simulator.posts(sealed_.query, sealed_.body, "o-mei")).status == 200
            crossed = letter(main, "o-mei", TEXT, clock())
            assert (await other.posts(crossed.query, crossed.body, "o-mei")).status == 401
    assert texts(house) == ["hello", "hello"]
    accounts = [one.account for one in house.handed_in]
    assert (accounts, len(house.events(ContactSeen))) == (["wx1234567890abcdef", "wxabcdefabcdefabcd"], 2)
