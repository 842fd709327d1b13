"""A WeChat account end to end: the real program answers in WeChat's own request, and the log says how it went."""

import asyncio
import time
from http import HTTPStatus

from channels.simulators.wechat import OfficialAccountUser, Outcome, Via, WeChatSimulator
from channels.simulators.wechat.callback_faults import letter
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import Event, Installation, free_port, until, until_async
from tests.scenarios.test_crash_points import CRASHING
from tests.scenarios.test_main_job import HELLO, HELP
from tests.scenarios.wechat_account import Later, account_at, of_wechat

PEOPLE = 30
HOUR_S = 3_600
NEXT_SECOND_S = 1.0
"""WeChat tells times in whole seconds: what was sent in the second of a message counts as sent after it."""
TAKEN = {Outcome.ACCEPTED, Outcome.REPLIED}


async def deliveries(siyu: Installation) -> dict[str, list[Event]]:
    """The events of each delivery, by its stream."""
    found: dict[str, list[Event]] = {}
    for event in await siyu.events():
        if event["stream"].startswith("delivery-"):
            found.setdefault(event["stream"], []).append(event)
    return found


async def test_a_question_is_answered_in_its_request_and_the_proof_makes_it_accepted(
    installs: Installs,
) -> None:
    port = free_port()
    async with WeChatSimulator(account_at(port)) as wechat:
        siyu = installs(of_wechat(wechat), port=port)
        await siyu.start()
        assert (await wechat.checks_url()).accepted
        mei = wechat.user("o-mei")
        asked = await mei.says("help").finished()
        assert len(asked.tries) == 1
        await wechat.wait_for(lambda _: len(mei.reads) == 2, timeout_s=30)
        assert sorted(mei.reads) == [HELLO, HELP]
        assert {shown.via for shown in mei.screen} == {Via.PASSIVE, Via.SERVICE}

        async def proven() -> bool:
            return any(
                [event["type"] for event in events][-2:] == ["delivery-unknown/1", "delivery-accepted/1"]
                for events in (await deliveries(siyu)).values()
            )

        await until_async(proven)
        assert wechat.calls("message/custom/send") == 1
        assert await siyu.stop() == 0


async def test_people_who_ask_at_once_are_each_answered_once(installs: Installs) -> None:
    port = free_port()
    async with WeChatSimulator(account_at(port)) as wechat:
        siyu = installs(of_wechat(wechat), port=port)
        await siyu.start()
        people = [wechat.user(f"o-{number}") for number in range(PEOPLE)]
        asked = [person.says("help") for person in people]
        await asyncio.gather(*(callback.finished() for callback in asked))
        assert {len(callback.tries) for callback in asked} == {1}
        await wechat.wait_for(lambda sent: len(sent) >= 2 * PEOPLE, timeout_s=30)
        assert [sorted(person.reads) for person in people] == [[HELLO, HELP]] * PEOPLE
        by = [person.screen[0].via for person in people]
        assert by.count(Via.PASSIVE) > PEOPLE // 2
        assert await siyu.stop() == 0


async def test_in_service_mode_the_same_goes_as_a_customer_service_message(installs: Installs) -> None:
    port = free_port()
    async with WeChatSimulator(account_at(port)) as wechat:
        siyu = installs(of_wechat(wechat, reply="service"), port=port)
        await siyu.start()
        mei = wechat.user("o-mei")
        await mei.says("help").finished()
        await wechat.wait_for(lambda _: sorted(mei.reads) == [HELLO, HELP], timeout_s=30)
        assert {shown.via for shown in mei.screen} == {Via.SERVICE}
        assert await siyu.stop() == 0


async def test_killed_among_callbacks_it_loses_none_that_it_answered_and_doubles_none(
    installs: Installs,
) -> None:
    port = free_port()
    async with WeChatSimulator(account_at(port)) as wechat:
        siyu = installs(of_wechat(wechat), port=port)
        await siyu.start()
        asked = [wechat.user(f"o-{number}").says(f"message {number}") for number in range(PEOPLE)]
        await until(lambda: any(callback.outcome in TAKEN for callback in asked))
        await siyu.kill()
        await wechat.settled()
        taken = {number for number, callback in enumerate(asked) if callback.outcome in TAKEN}
        assert taken
        await siyu.start()
        kept = [event["data"]["text"] for event in await siyu.events("message-received")]
        assert {f"message {number}" for number in taken} <= set(kept)
        for callback in asked:  # all of them come again, as what was not answered would
            again = letter(wechat.account, callback.openid, callback.xml, time.time())
            assert (await wechat.posts(again.query, again.body, callback.openid)).status == HTTPStatus.OK
        texts = [event["data"]["text"] for event in await siyu.events("message-received")]
        assert sorted(texts) == sorted(f"message {number}" for number in range(PEOPLE))
        assert await siyu.stop() == 0


async def test_our_gate_refuses_what_the_reply_window_does_not_hold_before_wechat_does(
    installs: Installs,
) -> None:
    port, clock = free_port(), Later()
    async with WeChatSimulator(account_at(port), clock=clock) as wechat:
        mei = wechat.user("o-mei")
        siyu = installs(of_wechat(wechat) | {"SIYU_STARTER_RULES": "false"}, port=port)
        await siyu.start("--ahead", "0", main=CRASHING)
        await mei.says("hello").finished()
        assert await shown(siyu, mei, 6) == 5
        await asyncio.sleep(NEXT_SECOND_S)
        await mei.says("hello again").finished()

        await later(siyu, clock, 48 * HOUR_S - 60)
        assert await shown(siyu, mei, 1) == 1
        await later(siyu, clock, 48 * HOUR_S + 60)
        assert await shown(siyu, mei, 1) == 0
        await mei.clicks("opening-hours").finished()
        assert await shown(siyu, mei, 4) == 3
        await asyncio.sleep(NEXT_SECOND_S)
        await mei.clicks("opening-hours").finished()
        assert await shown(siyu, mei, 1) == 1
        await later(siyu, clock, 48 * HOUR_S + 150)
        assert await shown(siyu, mei, 1) == 0

        refused = [event["data"] for event in await siyu.events("delivery-suppressed")]
        assert [(no["reason"], no["rule"]) for no in refused] == [("window-closed", "reply-window")] * 4
        asked = [call.errcode for call in wechat.requests if call.path == "message/custom/send"]
        assert asked == [0] * 10
        assert await siyu.stop() == 0


async def later(siyu: Installation, clock: Later, ahead_s: int) -> None:
    """Go on when it is so much later, for Siyu and for WeChat."""
    assert await siyu.stop() == 0
    clock.ahead_s = ahead_s
    await siyu.start("--ahead", str(ahead_s), main=CRASHING)


async def shown(siyu: Installation, mei: OfficialAccountUser, messages: int) -> int:
    """Send so many messages as an operator; return how many of them came to her screen."""
    before = len(mei.reads)
    for number in range(messages):
        await siyu.do(f"/send #1 message {number}")
    await until_async(siyu.settled)
    return len(mei.reads) - before
