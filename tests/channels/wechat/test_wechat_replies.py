"""Passive replies over real sockets: in time, too late, repeated, lost, and many at once."""

import asyncio

import pytest

from channels.simulators.wechat import Callback, CallbackFaultKind, Outcome, Via
from channels.simulators.wechat.callback_faults import letter
from channels.wechat.replies import SUCCESS, Timing
from domain.conversations.events import MessageReceived
from domain.deliveries.events import ANSWERED_IN_REQUEST
from domain.errors import OutcomeUnknown, PermanentFailure, StoreUnavailable
from domain.ports.messenger import Outbound
from tests.channels.house import House, until
from tests.channels.wechat.harness import WeChatHarness, address, callback, wechat

SHORT = Timing(passive_s=0.25, proof_s=0.3)
UNPROVEN = Timing(passive_s=4.5, proof_s=60.0)


async def answers(channel: WeChatHarness, text: str = "您好", key: str = "d1", openid: str = "o-mei") -> str:
    """Send, as the courier does, and return how it went."""
    try:
        await channel.adapter.messenger.send(Outbound(key, address(openid), text))
    except OutcomeUnknown as unknown:
        proven_later = unknown.proof_follows and unknown.reason == ANSWERED_IN_REQUEST
        return "in-request" if proven_later else unknown.reason
    except PermanentFailure as failure:
        return failure.reason
    return "service"


async def says(channel: WeChatHarness, house: House, text: str = "hello") -> Callback:
    """Let Mei write, and return once her request waits."""
    house.said.clear()
    posted = channel.mei.says(text)
    await until(lambda: texts(house)[-1:] == [text])
    await asyncio.sleep(0.02)  # from the commit to the slot is one turn of the loop
    return posted


def texts(house: House) -> list[str]:
    return [message.text.value for message in house.events(MessageReceived)]


def screen(channel: WeChatHarness) -> list[tuple[Via, str | None]]:
    return [(shown.via, shown.text) for shown in channel.mei.screen]


async def test_a_reply_that_is_ready_goes_in_the_request_and_is_proven_by_silence(
    auto: WeChatHarness, house: House
) -> None:
    posted = await says(auto, house)
    assert await answers(auto, "1 < 2 & 您好 ]]>") == "in-request"
    await posted.finished()
    assert (posted.outcome, screen(auto)) == (Outcome.REPLIED, [(Via.PASSIVE, "1 < 2 & 您好 ]]>")])
    assert house.proven == []
    await until(lambda: house.proven)
    assert (house.proven, auto.simulator.calls("message/custom/send")) == (["d1"], 0)


async def test_a_reply_is_told_as_accepted_again_until_the_log_takes_it(house: House) -> None:
    class Away(House):
        away = 2

        async def _accepted(self, delivery: str) -> None:
            if self.away:
                self.away -= 1
                raise StoreUnavailable("disk full")
            await super()._accepted(delivery)

    forgetful = Away()
    async with wechat(forgetful, timing=Timing(4.5, 0.05)) as channel:
        await says(channel, forgetful)
        assert await answers(channel) == "in-request"
        await until(lambda: forgetful.proven == ["d1"])


async def test_nothing_about_to_be_said_lets_the_request_go_at_once(
    auto: WeChatHarness, house: House
) -> None:
    posted = await says(auto, house)
    house.said.set()
    await posted.finished()
    assert (posted.outcome, posted.tries[0].answer) == (Outcome.ACCEPTED, SUCCESS)
    assert await answers(auto) == "service"
    assert screen(auto) == [(Via.SERVICE, "您好")]


async def test_a_reply_that_is_too_late_is_a_service_message(house: House) -> None:
    async with wechat(house, timing=SHORT) as channel:
        posted = await says(channel, house)
        await posted.finished()
        assert posted.tries[0].answer == SUCCESS
        assert await answers(channel) == "service"
        assert screen(channel) == [(Via.SERVICE, "您好")]


async def test_a_second_message_of_the_same_answer_is_a_service_message(
    auto: WeChatHarness, house: House
) -> None:
    posted = await says(auto, house)
    assert [await answers(auto, text, text) for text in ("one", "two")] == ["in-request", "service"]
    await posted.finished()
    assert sorted(screen(auto)) == [(Via.PASSIVE, "one"), (Via.SERVICE, "two")]


async def test_in_passive_mode_what_finds_no_request_is_refused(house: House) -> None:
    async with wechat(house, reply="passive") as channel:
        assert await answers(channel) == "no-open-request"
        posted = await says(channel, house)
        assert [await answers(channel, text, text) for text in ("one", "two")] == [
            "in-request",
            "no-open-request",
        ]
        await posted.finished()
        assert (screen(channel), channel.simulator.calls("message/custom/send")) == (
            [(Via.PASSIVE, "one")],
            0,
        )


async def test_in_service_mode_no_request_waits(channel: WeChatHarness, house: House) -> None:
    house.said.clear()
    posted = await channel.mei.says("hello").finished()
    assert posted.tries[0].answer == SUCCESS
    assert await answers(channel) == "service"


async def test_what_is_said_to_another_does_not_go_into_the_request(
    auto: WeChatHarness, house: House
) -> None:
    wang = auto.simulator.user("o-wang")
    wang.person.window.message_came(auto.clock())
    posted = await says(auto, house)
    assert await answers(auto, "for Wang", openid="o-wang") == "service"
    assert await answers(auto, "for Mei") == "in-request"
    await posted.finished()
    assert (wang.reads, auto.mei.reads) == (["for Wang"], ["for Mei"])


async def test_a_callback_repeated_after_its_answer_gets_the_same_answer_and_the_wait_begins_anew(
    house: House,
) -> None:
    async with wechat(house, timing=Timing(4.5, 0.4)) as channel:
        channel.simulator.callback_faults.add(kind=CallbackFaultKind.DROP_ANSWER)
        posted = await says(channel, house)
        assert await answers(channel) == "in-request"
        await posted.finished()
        assert [done.outcome for done in posted.tries] == [Outcome.DROPPED, Outcome.REPLIED]
        assert (screen(channel), house.proven) == ([(Via.PASSIVE, "您好")], [])
        await until(lambda: house.proven)
        assert (house.proven, texts(house)) == (["d1"], ["hello"])


async def test_a_callback_repeated_while_it_waits_is_answered_when_the_first_is(
    auto: WeChatHarness, house: House
) -> None:
    auto.simulator.callback_faults.add(kind=CallbackFaultKind.TWICE)
    posted = await says(auto, house)
    await until(lambda: len(house.handed_in) == 2)
    await asyncio.sleep(0.05)
    assert await answers(auto) == "in-request"
    await posted.finished()
    assert [done.reply.text for done in posted.tries if done.reply] == ["您好", "您好"]
    await until(lambda: house.proven == ["d1"])
    assert texts(house) == ["hello"]


async def test_when_all_of_wechats_tries_are_used_up_silence_is_no_proof(house: House) -> None:
    async with wechat(house, timing=Timing(4.5, 0.2)) as channel:
        channel.simulator.callback_faults.add(kind=CallbackFaultKind.DROP_ANSWER, times=3)
        posted = await says(channel, house)
        assert await answers(channel) == "in-request"
        await posted.finished()
        assert [done.outcome for done in posted.tries] == [Outcome.DROPPED] * 3
        await asyncio.sleep(0.5)
        assert house.proven == []


async def test_tries_that_the_log_refused_count_too(house: House) -> None:
    async with wechat(house, timing=Timing(4.5, 0.2)) as channel:
        house.failures = [StoreUnavailable("disk full"), StoreUnavailable("disk full")]
        posted = await says(channel, house)
        assert await answers(channel) == "in-request"
        await posted.finished()
        assert [done.status for done in posted.tries] == [503, 503, 200]
        await asyncio.sleep(0.5)
        assert house.proven == []


async def test_a_connection_lost_before_the_answer_leaves_the_reply_to_a_service_message(
    auto: WeChatHarness, house: House
) -> None:
    auto.simulator.callback_faults.add(kind=CallbackFaultKind.DROP_AT_ONCE, times=3)
    house.said.clear()
    posted = auto.mei.says("hello")
    await posted.finished()
    await until(lambda: texts(house))
    await asyncio.sleep(0.1)
    assert await answers(auto) == "service"
    assert house.proven == []


async def test_in_passive_mode_the_repeat_after_a_lost_connection_gets_the_reply(house: House) -> None:
    async with wechat(house, reply="passive", timing=Timing(4.5, 1.0)) as channel:
        house.said.clear()
        xml = callback(MsgType="text", Content="hello", MsgId="24000000000000001")
        first = letter(channel.simulator.account, "o-mei", xml, channel.clock())
        given_up = asyncio.create_task(channel.simulator.posts(first.query, first.body, "o-mei"))
        await until(lambda: texts(house))
        await asyncio.sleep(0.05)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        await asyncio.sleep(0.05)
        assert await answers(channel) == "in-request"
        assert (await channel.posts(xml)).reply is not None
        await until(lambda: house.proven == ["d1"])


async def test_a_reply_that_nobody_came_for_again_is_not_proven(house: House) -> None:
    async with wechat(house, reply="passive", timing=Timing(4.5, 0.2)) as channel:
        channel.simulator.callback_faults.add(kind=CallbackFaultKind.DROP_AT_ONCE, times=3)
        house.said.clear()
        posted = channel.mei.says("hello")
        await posted.finished()
        await until(lambda: texts(house))
        assert await answers(channel) == "in-request"
        await asyncio.sleep(0.4)
        assert house.proven == []


async def test_a_replay_after_the_proof_is_success_and_takes_no_reply(
    auto: WeChatHarness, house: House
) -> None:
    house.said.clear()
    xml = callback(MsgType="text", Content="hello", MsgId="24000000000000001")
    captured = letter(auto.simulator.account, "o-mei", xml, auto.clock())
    first = asyncio.create_task(auto.simulator.posts(captured.query, captured.body, "o-mei"))
    await until(lambda: texts(house))
    await asyncio.sleep(0.02)
    assert await answers(auto) == "in-request"
    assert (await first).reply is not None
    await until(lambda: house.proven)
    replayed = asyncio.create_task(auto.simulator.posts(captured.query, captured.body, "o-mei"))
    await until(lambda: len(house.handed_in) == 2)
    await asyncio.sleep(0.02)
    assert await answers(auto, "secret", "d2") == "service"
    assert (await replayed).answer == SUCCESS
    assert texts(house) == ["hello"]


async def test_the_same_bytes_again_neither_delay_the_proof_nor_use_up_a_try(
    auto: WeChatHarness, house: House
) -> None:
    house.said.clear()
    xml = callback(MsgType="text", Content="hello", MsgId="24000000000000001")
    captured = letter(auto.simulator.account, "o-mei", xml, auto.clock())
    posting = [
        asyncio.create_task(auto.simulator.posts(captured.query, captured.body, "o-mei")) for _ in range(10)
    ]
    await until(lambda: len(house.handed_in) == 10)
    await asyncio.sleep(0.1)
    assert await answers(auto) == "in-request"
    assert [done.reply is not None for done in await asyncio.gather(*posting)] == [True] * 10
    await until(lambda: house.proven == ["d1"])


async def test_each_message_of_one_person_has_its_own_request_and_the_oldest_is_answered_first(
    auto: WeChatHarness, house: House
) -> None:
    house.said.clear()
    bodies = [callback(MsgType="text", Content=text, MsgId=f"2400000000000000{text}") for text in "12"]
    posting = []
    for text, xml in zip("12", bodies, strict=True):
        posting.append(asyncio.create_task(auto.posts(xml)))
        while text not in texts(house):
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)
    assert [await answers(auto, text, text) for text in ("a", "b", "c")] == ["in-request"] * 2 + ["service"]
    assert [done.reply and done.reply.text for done in await asyncio.gather(*posting)] == ["a", "b"]


async def test_two_hundred_at_once_are_answered_in_their_requests_or_with_success(house: House) -> None:
    async with wechat(house) as channel:
        house.said.clear()
        people = [channel.simulator.user(f"o-{number}") for number in range(200)]
        posted = [person.says("hello") for person in people]
        await until(lambda: len(texts(house)) == 200)
        await asyncio.sleep(0.1)
        how = [await answers(channel, f"hi {p.openid}", f"d-{p.openid}", p.openid) for p in people]
        house.said.set()
        for callback_ in posted:
            await callback_.finished()
        assert {(len(one.tries), one.tries[0].status) for one in posted} == {(1, 200)}
        assert [person.reads for person in people] == [[f"hi {person.openid}"] for person in people]
        assert how.count("in-request") > 150


async def test_who_stops_answers_what_waits_and_leaves_unproven_what_is(house: House) -> None:
    async with wechat(house, timing=UNPROVEN) as channel:
        first = await says(channel, house, "one")
        assert await answers(channel) == "in-request"
        await first.finished()
        second = await says(channel, house, "two")
        await channel.adapter.stop()
        await second.finished()
        assert second.tries[0].answer == SUCCESS
        assert house.proven == []


@pytest.mark.parametrize("what", ["unsubscribe", "sent_from_the_future", "TEMPLATESENDJOBFINISH"])
async def test_nobody_waits_for_what_cannot_be_answered(what: str, auto: WeChatHarness, house: House) -> None:
    house.said.clear()
    done = await auto.posts(callback(MsgType="event", Event=what, MsgID="1", Status="success"))
    assert done.answer == SUCCESS
