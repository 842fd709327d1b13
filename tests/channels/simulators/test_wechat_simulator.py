import aiohttp
import pytest

from channels.simulators.wechat import ImpossibleAction, Sent, Via, WeChatSimulator
from tests.channels.simulators.bot_side import Clock, Json
from tests.channels.simulators.wechat_side import WeChatApi

HOUR = 3_600
TEXT = {"touser": "o-mei", "msgtype": "text", "text": {"content": "hello"}}


def code(answer: Json) -> int:
    return int(answer.get("errcode", 0))


# --- tokens ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed, errcode",
    [
        ({"grant_type": "password"}, 40002),
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
        ({"appid": "wx0"}, 40013),
        ({"secret": "guessed"}, 40125),
    ],
)
async def test_wrong_credentials_get_no_token(
    weixin: WeChatApi, changed: dict[str, str], errcode: int
) -> None:
    account = weixin.wechat.account
    right = {"grant_type": "client_credential", "appid": account.app_id, "secret": account.app_secret}
    assert code(await weixin.get("token", **(right | changed))) == errcode
    assert code(await weixin.stable_token(**changed)) == errcode


async def test_only_listed_addresses_get_a_token(weixin: WeChatApi) -> None:
    weixin.wechat.account.white_list = {"203.0.113.9"}
    refused = await weixin.new_token()
    assert code(refused) == 40164
    assert refused["errmsg"].startswith("invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist rid: ")
    weixin.wechat.account.white_list.add("127.0.0.1")
    assert (await weixin.new_token())["expires_in"] == 7200


async def test_a_token_is_missing_invalid_expired_or_good(weixin: WeChatApi, clock: Clock) -> None:
    assert code(await weixin.get("getcallbackip", access_token="")) == 41001
    assert code(await weixin.get("getcallbackip", access_token="guessed")) == 40001
    assert await weixin.get("getcallbackip") == {"ip_list": ["127.0.0.1"]}
    clock.now += 7199
    assert code(await weixin.get("getcallbackip")) == 0
    clock.now += 1
    assert code(await weixin.get("getcallbackip")) == 42001


async def test_a_new_token_ends_the_old_one_five_minutes_later(weixin: WeChatApi, clock: Clock) -> None:
    old = (await weixin.new_token())["access_token"]
    new = (await weixin.new_token())["access_token"]
    assert new != old
    clock.now += 299
    assert code(await weixin.get("getcallbackip", access_token=old)) == 0
    clock.now += 1
    assert code(await weixin.get("getcallbackip", access_token=old)) == 40001
    assert code(await weixin.get("getcallbackip", access_token=new)) == 0


async def test_stable_token_stays_the_same_until_its_last_five_minutes(
    weixin: WeChatApi, clock: Clock
) -> None:
    first = await weixin.stable_token()
    await weixin.new_token()
    clock.now += 6899
    assert await weixin.stable_token() == {"access_token": first["access_token"], "expires_in": 301}
    clock.now += 1
    second = await weixin.stable_token()
    assert second["access_token"] != first["access_token"]
    assert second["expires_in"] == 7200
    assert code(await weixin.get("getcallbackip", access_token=first["access_token"])) == 0


async def test_a_forced_refresh_ends_the_old_token_at_once_but_not_twice_in_30_s(
    weixin: WeChatApi, clock: Clock
) -> None:
    first = (await weixin.stable_token())["access_token"]
    second = (await weixin.stable_token(force_refresh=True))["access_token"]
    assert code(await weixin.get("getcallbackip", access_token=first)) == 40001
    assert (await weixin.stable_token(force_refresh=True))["access_token"] == second
    for _ in range(19):
        clock.now += 30
        assert code(await weixin.stable_token(force_refresh=True)) == 0
    clock.now += 30
    assert code(await weixin.stable_token(force_refresh=True)) == 45009


async def test_a_path_has_a_quota_a_day(weixin: WeChatApi, clock: Clock) -> None:
    weixin.wechat.account.quotas["getcallbackip"] = 2
    assert [code(await weixin.get("getcallbackip")) for _ in range(3)] == [0, 0, 45009]
    clock.now += 24 * HOUR
    weixin.token = ""
    assert code(await weixin.get("getcallbackip")) == 0
    assert weixin.wechat.calls("/cgi-bin/getcallbackip") == 4


# --- calls ----------------------------------------------------------------------------------------


async def test_an_unknown_path_is_404_and_counted(
    wechat: WeChatSimulator, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{wechat.api_base}/cgi-bin/fly/to/the/moon") as response:
        assert response.status == 404
    assert wechat.calls("fly/to/the/moon") == 1


async def test_wrong_bodies_and_verbs_are_refused(weixin: WeChatApi) -> None:
    path = "message/custom/send"
    assert code(await weixin.post(path, b"{not json")) == 47001
    assert code(await weixin.post(path, b"[]")) == 47001
    assert code(await weixin.post(path, '{"touser": "你"}'.encode("gb18030"))) == 47001
    assert code(await weixin.post(path, b"")) == 44002
    assert code(await weixin.get(path)) == 43002
    assert code(await weixin.post("getcallbackip", {})) == 43001


async def test_a_subscription_account_may_not_call_everything(weixin: WeChatApi) -> None:
    weixin.wechat.account.kind = "subscription"
    assert code(await weixin.post("qrcode/create", {})) == 48001
    weixin.wechat.account.kind = "service"
    assert code(await weixin.post("qrcode/create", {})) == 40052
    weixin.wechat.account.unauthorised.add("message/custom/send")
    assert code(await weixin.post("message/custom/send", TEXT)) == 48001


async def test_every_call_can_be_read_back_without_its_token(weixin: WeChatApi, clock: Clock) -> None:
    weixin.wechat.user("o-mei").says("hi")
    assert await weixin.says("o-mei", "你好") == 0
    assert await weixin.says("o-lin", "你好") == 40003
    shown = [(call.verb, call.path, dict(call.query), call.errcode) for call in weixin.wechat.requests]
    assert shown == [
        ("GET", "token", {"grant_type": "client_credential", "appid": weixin.wechat.account.app_id}, 0),
        ("POST", "message/custom/send", {}, 0),
        ("POST", "message/custom/send", {}, 40003),
    ]
    assert weixin.wechat.requests[1].json == {
        "touser": "o-mei",
        "msgtype": "text",
        "text": {"content": "你好"},
    }


# --- customer-service messages --------------------------------------------------------------------


async def test_after_a_message_five_may_be_sent_within_48_hours(weixin: WeChatApi, clock: Clock) -> None:
    mei = weixin.wechat.user("o-mei")
    assert await weixin.says("o-mei", "too early") == 45015
    mei.says("hi")
    assert [await weixin.says("o-mei", str(number)) for number in range(6)] == [0, 0, 0, 0, 0, 45047]
    mei.says("hi again")
    clock.now += 48 * HOUR
    weixin.token = ""
    assert await weixin.says("o-mei", "just in time") == 0
    clock.now += 1
    assert await weixin.says("o-mei", "too late") == 45015
    assert mei.reads == ["0", "1", "2", "3", "4", "just in time"]


@pytest.mark.parametrize("action", ["subscribes", "scans", "clicks"])
async def test_after_an_action_three_may_be_sent_within_a_minute(
    weixin: WeChatApi, clock: Clock, action: str
) -> None:
    mei = weixin.wechat.user("o-mei", subscribed=action == "clicks")
    arguments = {"subscribes": [], "scans": ["poster"], "clicks": ["MENU"]}[action]
    getattr(mei, action)(*arguments)
    assert [await weixin.says("o-mei", str(number)) for number in range(4)] == [0, 0, 0, 45047]
    clock.now += 61
    assert await weixin.says("o-mei", "too late") == 45015


async def test_an_opened_page_opens_no_window_and_an_actions_messages_are_used_up_first(
    weixin: WeChatApi, clock: Clock
) -> None:
    mei = weixin.wechat.user("o-mei")
    mei.views("https://example.com/")
    assert await weixin.says("o-mei", "no") == 45015
    mei.says("hi")
    mei.clicks("MENU")
    assert [await weixin.says("o-mei", "a") for _ in range(3)] == [0, 0, 0]
    clock.now += 61
    assert [await weixin.says("o-mei", "b") for _ in range(6)] == [0, 0, 0, 0, 0, 45047]


async def test_strangers_and_who_left_get_nothing(weixin: WeChatApi) -> None:
    mei = weixin.wechat.user("o-mei")
    mei.says("hi")
    mei.unsubscribes()
    assert await weixin.says("o-mei", "wait") == 43004
    assert await weixin.says("o-nobody", "hello") == 40003
    with pytest.raises(ImpossibleAction, match="does not follow"):
        mei.says("hi")
    mei.subscribes()
    assert await weixin.says("o-mei", "welcome back") == 0


async def test_a_text_has_2048_bytes(weixin: WeChatApi) -> None:
    weixin.wechat.user("o-mei").says("hi")
    assert await weixin.says("o-mei", "你" * 683) == 45002
    assert await weixin.says("o-mei", "你" * 682 + "ab") == 0
    assert await weixin.says("o-mei", "") == 44004


async def test_escapes_are_shown_as_they_were_sent(weixin: WeChatApi) -> None:
    mei = weixin.wechat.user("o-mei")
    mei.says("hi")
    raw = '{"touser":"o-mei","msgtype":"text","text":{"content":"你好\\n\\"a\\" \\\\u4f60 '
    await weixin.post("message/custom/send", (raw + '\\u4f60"}}').encode())
    assert mei.reads == ['你好\n"a" \\u4f60 \\u4f60']


async def test_every_kind_of_message_is_checked_and_shown(weixin: WeChatApi, clock: Clock) -> None:
    mei = weixin.wechat.user("o-mei")
    image = (await weixin.upload("image", "a.png", b"\x89PNG\r\n\x1a\n..."))["media_id"]
    article = {"title": "Tea", "description": "new", "url": "https://example.com/", "picurl": ""}
    menu = {"head_content": "Good?", "list": [{"id": "101", "content": "Yes"}], "tail_content": "Thanks"}
    cases: list[tuple[str, Json, int, str | None]] = [
        ("image", {"media_id": image}, 0, None),
        ("image", {"media_id": "unknown"}, 40007, None),
        ("image", {}, 41006, None),
        ("voice", {"media_id": image}, 40007, None),
        ("news", {"articles": [article]}, 0, "Tea\nnew"),
        ("news", {"articles": [article, article]}, 45008, None),
        ("news", {"articles": []}, 44003, None),
        ("msgmenu", menu, 0, "Good?\nYes\nThanks"),
        ("telegram", {}, 40008, None),
    ]
    for kind, content, errcode, text in cases:
        mei.says("hi")
        before = len(mei.screen)
        message = {"touser": "o-mei", "msgtype": kind, kind: content}
        assert code(await weixin.post("message/custom/send", message)) == errcode, kind
        shown = [Sent(Via.SERVICE, "o-mei", kind, text, content, clock.now)] if errcode == 0 else []
        assert mei.screen[before:] == shown
    assert weixin.wechat.sent == mei.screen


async def test_typing_needs_a_message_of_the_last_30_s_and_is_shown_once(
    weixin: WeChatApi, clock: Clock
) -> None:
    mei = weixin.wechat.user("o-mei")
    path, typing = "message/custom/typing", {"touser": "o-mei", "command": "Typing"}
    assert code(await weixin.post(path, typing)) == 45080
    mei.says("hi")
    assert code(await weixin.post(path, typing)) == 0
    assert code(await weixin.post(path, typing)) == 45081
    assert code(await weixin.post(path, {"touser": "o-mei", "command": "Sleeping"})) == 45072
    clock.now += 15
    assert code(await weixin.post(path, typing)) == 0
    clock.now += 16
    assert code(await weixin.post(path, typing)) == 45080
    assert mei.screen == []
