"""A WeChat account end to end: the real program answers in WeChat's own request, and the log says how it went."""

import asyncio
import time
from http import HTTPStatus

from channels.simulators.wechat import OfficialAccount, Outcome, Via, WeChatSimulator
from channels.simulators.wechat.callback_faults import letter
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import Event, Installation, free_port, until, until_async
from tests.scenarios.test_main_job import HELLO, HELP

PEOPLE = 30
TAKEN = {Outcome.ACCEPTED, Outcome.REPLIED}


def of_wechat(wechat: WeChatSimulator, **further: str) -> dict[str, str]:
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


def account_at(port: int) -> OfficialAccount:
    return OfficialAccount(webhook_url=f"http://127.0.0.1:{port}/webhooks/wechat")


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
        assert {(shown.text, shown.via) for shown in mei.screen} == {
            (HELLO, Via.PASSIVE),
            (HELP, Via.SERVICE),
        }

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
