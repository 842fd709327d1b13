import asyncio
import re

import pytest

from channels.simulators.wechat import CallbackFaultKind, OfficialAccountUser, Outcome, WeChatSimulator
from channels.simulators.wechat.callback_faults import FORGERIES
from tests.channels.simulators.bot_side import Clock
from tests.channels.simulators.wechat_side import AccountServer, Received

NOW = int(Clock().now)


@pytest.mark.parametrize("kind", ["drop_at_once", "drop_answer"])
async def test_an_answer_that_was_not_read_is_asked_for_again(
    wechat: WeChatSimulator, server: AccountServer, kind: str
) -> None:
    async def answer(_received: Received) -> bytes:
        return server.passive_text("o-mei", "hello")

    server.answer = answer
    wechat.callback_faults.add(kind=kind)
    mei = wechat.user("o-mei")
    callback = await mei.says("hi").finished()
    assert [attempt.outcome for attempt in callback.tries] == [Outcome.DROPPED, Outcome.REPLIED]
    assert {received.xml for received in server.received} == {callback.xml.decode()}
    assert mei.reads == ["hello"]


async def test_a_callback_may_come_twice_at_once(wechat: WeChatSimulator, server: AccountServer) -> None:
    both = asyncio.Barrier(2)

    async def answer(_received: Received) -> bytes:
        await both.wait()
        return b"success"

    server.answer = answer
    wechat.callback_faults.add(kind=CallbackFaultKind.TWICE)
    callback = await wechat.user("o-mei").says("hi").finished()
    assert [attempt.outcome for attempt in callback.tries] == [Outcome.ACCEPTED] * 2
    assert [received.xml for received in server.received] == [callback.xml.decode()] * 2


async def test_callbacks_may_be_reordered_and_delayed(wechat: WeChatSimulator, server: AccountServer) -> None:
    wechat.callback_faults.add(kind="reorder", openid="o-mei")
    wechat.callback_faults.add(kind="delay", openid="o-lin", delay_s=0.01)
    mei, lin = wechat.user("o-mei"), wechat.user("o-lin")
    for person in (mei, lin):
        person.says("first.")
        person.says("second.")
    await wechat.settled()

    def order(person: OfficialAccountUser) -> list[str]:
        own = [received.xml for received in server.received if received.query["openid"] == person.openid]
        return re.findall(r"(\w+)\.", "".join(own))

    assert (order(mei), order(lin)) == (["second", "first"], ["first", "second"])


async def test_the_same_bytes_may_be_posted_again(wechat: WeChatSimulator, server: AccountServer) -> None:
    callback = await wechat.user("o-mei").says("hi").finished()
    [attempt] = callback.tries
    again = await wechat.posts(attempt.query, attempt.body)
    assert again == attempt
    first, second = server.received
    assert first == second


_UNDATED = {CallbackFaultKind.OLD_TIMESTAMP, CallbackFaultKind.FUTURE_TIMESTAMP}


@pytest.mark.parametrize("kind", sorted(FORGERIES))
async def test_a_forgery_is_posted_once_and_shows_nothing(
    wechat: WeChatSimulator, server: AccountServer, kind: CallbackFaultKind
) -> None:
    async def answer(_received: Received) -> int:
        return 401

    server.answer = answer
    wechat.callback_faults.add(kind=kind)
    mei = wechat.user("o-mei")
    callback = await mei.says("hi").finished()
    assert [(attempt.outcome, attempt.status) for attempt in callback.tries] == [(Outcome.REFUSED, 401)]
    [received] = server.received
    readable = received.xml == callback.xml.decode()
    assert readable is (kind in _UNDATED)
    shift_s = int(received.query["timestamp"]) - NOW
    assert shift_s == {"old_timestamp": -3600, "future_timestamp": 3600}.get(kind, 0)
    assert ("encrypt_type" in received.query) is (kind is not CallbackFaultKind.PLAIN)
    assert (b"<!DOCTYPE" in received.body) is (kind in {"entity_bomb", "xxe", "dtd"})
    assert mei.screen == []


@pytest.mark.parametrize(
    "kind, part",
    [
        ("malformed", "<MsgId>"),
        ("entity_bomb", '<!ENTITY e9 "&e8;&e8;'),
        ("xxe", "file:///etc/hostname"),
        ("dtd", "evil.dtd"),
    ],
)
async def test_a_hazard_may_be_inside_a_good_envelope(
    wechat: WeChatSimulator, server: AccountServer, kind: str, part: str
) -> None:
    wechat.callback_faults.add(kind=kind, inside=True)
    callback = await wechat.user("o-mei").says("hi").finished()
    [received] = server.received
    assert received.xml != callback.xml.decode()
    assert part in received.xml
