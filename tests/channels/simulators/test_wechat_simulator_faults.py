import asyncio
import json
import signal
import sys

import aiohttp
import pytest

from channels.simulators.wechat import FaultKind, WeChatSimulator
from tests.channels.simulators.bot_side import Json
from tests.channels.simulators.wechat_side import AccountServer, WeChatApi

OK = (200, '{"errcode": 0, "errmsg": "ok"}')


async def outcome(weixin: WeChatApi, text: str, timeout_s: float = 10.0) -> object:
    """What a client makes of a customer-service message: (status, body or errcode), or the name of its error."""
    if not weixin.token:
        weixin.token = (await weixin.new_token())["access_token"]
    url = f"{weixin.wechat.api_base}/cgi-bin/message/custom/send?access_token={weixin.token}"
    body = {"touser": "o-mei", "msgtype": "text", "text": {"content": text}}
    limit = aiohttp.ClientTimeout(total=timeout_s)
    try:
        async with weixin.session.post(url, json=body, timeout=limit) as response:
            answer = await response.text()
    except (aiohttp.ClientError, TimeoutError) as error:
        return type(error).__name__
    if answer.startswith("{") and (code := json.loads(answer)["errcode"]):
        return response.status, code
    return response.status, answer


@pytest.mark.parametrize(
    "kind, seen, accepted",
    [
        (FaultKind.SERVER_ERROR_BEFORE, (500, "Internal Server Error"), False),
        (FaultKind.SERVER_ERROR_AFTER, (502, "Bad Gateway"), True),
        (FaultKind.REFUSE, "ServerDisconnectedError", False),
        (FaultKind.RESET_AFTER, "ClientOSError", True),
        (FaultKind.HALF_CLOSE, "ClientPayloadError", True),
        (FaultKind.GARBAGE, (200, "<html><body>It works!</body></html>"), True),
        (FaultKind.DRIP, OK, True),
        (FaultKind.BUSY, (200, -1), False),
        (FaultKind.QUOTA, (200, 45009), False),
        (FaultKind.RATE, (200, 45011), False),
        (FaultKind.INVALID_TOKEN, (200, 40001), False),
        (FaultKind.REFUSED, (200, 50002), False),
    ],
)
async def test_a_fault_strikes_once_and_is_accepted_or_not(
    weixin: WeChatApi, kind: FaultKind, seen: object, accepted: bool
) -> None:
    mei = weixin.wechat.user("o-mei")
    mei.says("hi")
    weixin.wechat.faults.add(kind=kind, errcode=50002, drip_s=0.0)
    assert await outcome(weixin, "first") == seen
    assert mei.reads == (["first"] if accepted else [])
    assert await outcome(weixin, "second") == OK
    assert mei.reads[-1] == "second"
    assert weixin.wechat.calls("message/custom/send") == 2
    assert len(weixin.wechat.requests) == 3


async def test_an_accepted_call_may_never_be_answered(weixin: WeChatApi) -> None:
    mei = weixin.wechat.user("o-mei")
    mei.says("hi")
    weixin.wechat.faults.add(kind="timeout_after")
    assert await outcome(weixin, "lost?", timeout_s=0.2) == "TimeoutError"
    assert mei.reads == ["lost?"]


async def test_an_invalid_token_may_last_whatever_token_comes(weixin: WeChatApi) -> None:
    weixin.wechat.user("o-mei").says("hi")
    weixin.wechat.faults.add(kind=FaultKind.INVALID_TOKEN, path=None, times=None)
    for _ in range(3):
        weixin.token = (await weixin.stable_token(force_refresh=True))["access_token"]
        assert await outcome(weixin, "hello") == (200, 40001)
    assert weixin.wechat.calls("stable_token") == 3
    weixin.wechat.faults.clear()
    assert await outcome(weixin, "hello") == OK


async def test_a_fault_strikes_its_path_its_person_and_its_number_of_times(weixin: WeChatApi) -> None:
    for openid in ("o-mei", "o-lin"):
        weixin.wechat.user(openid).says("hi")
    weixin.wechat.faults.add(kind="busy", openid="o-lin", times=2)
    assert await weixin.says("o-mei", "a") == 0
    assert await weixin.get("getcallbackip") == {"ip_list": ["127.0.0.1"]}
    assert [await weixin.says("o-lin", text) for text in "bcd"] == [-1, -1, 0]


async def control(http: aiohttp.ClientSession, verb: str, url: str, body: Json | None = None) -> Json:
    async with http.request(verb, url, json=body) as response:
        answer: Json = await response.json()
        return answer | {"status": response.status}


async def test_as_a_process_it_is_controlled_over_http(
    wechat: WeChatSimulator, server: AccountServer, http: aiohttp.ClientSession
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "channels.simulators.wechat", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            base = (await process.stdout.readline()).decode().strip()
        root = f"{base}/control"
        setting = {"webhook_url": server.account.webhook_url, "white_list": ["127.0.0.1"]}
        settings = await control(http, "PATCH", f"{root}/account", setting)
        assert settings["result"]["webhook_url"] == server.account.webhook_url
        assert settings["result"]["white_list"] == ["127.0.0.1"]
        assert not {"app_secret", "token", "aes_key"} & settings["result"].keys()
        assert (await control(http, "POST", f"{root}/check-url"))["result"]["accepted"] is True
        assert (await control(http, "POST", f"{root}/users", {"openid": "o-mei"}))["result"] == "o-mei"
        says = f"{root}/users/o-mei/says"
        assert "hi" in (await control(http, "POST", says, {"text": "hi"}))["result"]["xml"]
        assert (await control(http, "POST", says, {"colour": "red"}))["status"] == 400
        assert (await control(http, "POST", f"{root}/users/o-mei/flies"))["status"] == 404
        assert (await control(http, "POST", f"{root}/users/o-nobody/says", {"text": "a"}))["status"] == 404
        assert (await control(http, "POST", f"{root}/users/o-mei/subscribes"))["status"] == 409
        assert (await control(http, "PATCH", f"{root}/account", {"colour": "red"}))["status"] == 400
        await control(http, "POST", f"{root}/faults", {"kind": "busy"})
        await control(http, "POST", f"{root}/callback-faults", {"kind": "tampered"})
        query = (
            f"grant_type=client_credential&appid={wechat.account.app_id}&secret={wechat.account.app_secret}"
        )
        token = (await control(http, "GET", f"{base}/cgi-bin/token?{query}"))["access_token"]
        send = f"{base}/cgi-bin/message/custom/send?access_token={token}"
        message = {"touser": "o-mei", "msgtype": "text", "text": {"content": "hello"}}
        assert (await control(http, "POST", send, message))["errcode"] == -1
        assert (await control(http, "POST", send, message))["errcode"] == 0
        sent = await control(http, "GET", f"{root}/sent?wait_s=5")
        assert [(shown["via"], shown["openid"], shown["text"]) for shown in sent["sent"]] == [
            ("service", "o-mei", "hello")
        ]
        assert (await control(http, "GET", f"{root}/users/o-mei/screen"))["screen"] == sent["sent"]
        assert (await control(http, "GET", f"{root}/calls?path=message/custom/send"))["calls"] == 2
        calls = (await control(http, "GET", f"{root}/requests?after=1"))["requests"]
        assert [call["errcode"] for call in calls] == [-1, 0]
        async with http.get(base) as page:
            assert (page.status, page.content_type) == (200, "text/html")
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await process.wait() == 0
