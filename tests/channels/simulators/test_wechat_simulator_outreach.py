"""Messages beyond the window: template, subscribe and mass messages, each with its own quota and duplicate key."""

import re

import pytest

from channels.simulators.wechat import Via, WeChatSimulator
from tests.channels.simulators.bot_side import Clock, Json
from tests.channels.simulators.wechat_side import AccountServer, WeChatApi

DAY_S = 24 * 3_600
DATA = {"first": {"value": "Your tea"}, "time": {"value": "16:00"}}


def code(answer: Json) -> int:
    return int(answer["errcode"])


def template(**fields: object) -> Json:
    return {"touser": "o-mei", "template_id": "T1", "data": DATA, **fields}


def mass(text: str, *openids: str, **fields: object) -> Json:
    return {"touser": list(openids), "msgtype": "text", "text": {"content": text}, **fields}


# --- template messages ----------------------------------------------------------------------------


async def test_a_template_message_is_shown_and_its_result_pushed(
    wechat: WeChatSimulator, weixin: WeChatApi, server: AccountServer
) -> None:
    mei = wechat.user("o-mei")
    answer = await weixin.post("message/template/send", template())
    assert answer == {"errcode": 0, "errmsg": "ok", "msgid": answer["msgid"]}
    assert [(shown.via, shown.text, shown.msg_id) for shown in mei.screen] == [
        (Via.TEMPLATE, "Your tea\n16:00", answer["msgid"])
    ]
    await wechat.settled()
    assert server.received[0].xml.partition("</CreateTime>\n")[2] == (
        "<MsgType><![CDATA[event]]></MsgType>\n<Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event>\n"
        f"<MsgID>{answer['msgid']}</MsgID>\n<Status><![CDATA[success]]></Status>\n</xml>"
    )


async def test_the_same_client_msg_id_is_sent_once_in_ten_minutes(
    wechat: WeChatSimulator, weixin: WeChatApi, clock: Clock
) -> None:
    mei, lin = wechat.user("o-mei"), wechat.user("o-lin")
    once = template(client_msg_id="visit-7")
    first = await weixin.post("message/template/send", once)
    clock.now += 599
    assert await weixin.post("message/template/send", once) == first
    other = await weixin.post("message/template/send", once | {"touser": "o-lin"})
    assert other["msgid"] != first["msgid"]
    assert (len(mei.screen), len(lin.screen)) == (1, 1)
    clock.now += 1
    assert (await weixin.post("message/template/send", once))["msgid"] != first["msgid"]
    assert len(mei.screen) == 2


async def test_a_template_message_needs_a_follower_a_template_and_data(
    wechat: WeChatSimulator, weixin: WeChatApi, server: AccountServer
) -> None:
    path = "message/template/send"
    wechat.user("o-mei", subscribed=False)
    wechat.account.templates = {"T1"}
    assert code(await weixin.post(path, template())) == 43004
    assert code(await weixin.post(path, template(template_id="T2"))) == 40037
    assert code(await weixin.post(path, template(data={"first": "Your tea"}))) == 47003
    mei = wechat.user("o-mei")
    mei.subscribes()
    mei.withdraws(["T1"])
    assert code(await weixin.post(path, template())) == 0
    await wechat.settled()
    assert "failed:user block" in server.received[-1].xml
    assert mei.screen == []


# --- subscribe messages ---------------------------------------------------------------------------


async def test_each_consent_is_one_subscribe_message(
    wechat: WeChatSimulator, weixin: WeChatApi, server: AccountServer, clock: Clock
) -> None:
    path, mei = "message/subscribe/bizsend", wechat.user("o-mei")
    assert code(await weixin.post(path, template())) == 43101
    mei.answers_popup({"T1": "accept", "T2": "reject"})
    mei.answers_popup({"T1": "accept"})
    clock.now += 400 * DAY_S
    weixin.token = ""
    assert [code(await weixin.post(path, template())) for _ in range(3)] == [0, 0, 43101]
    assert code(await weixin.post(path, template(template_id="T2"))) == 43101
    await wechat.settled()
    assert "<ErrorStatus><![CDATA[success]]></ErrorStatus>" in server.received[-1].xml
    assert [shown.via for shown in mei.screen] == [Via.SUBSCRIPTION, Via.SUBSCRIPTION]
    mei.answers_popup({"T1": "accept"})
    mei.withdraws(["T1"])
    assert code(await weixin.post(path, template())) == 43101


# --- mass messages --------------------------------------------------------------------------------


async def test_a_mass_message_reaches_followers_only_and_its_result_is_pushed(
    wechat: WeChatSimulator, weixin: WeChatApi, server: AccountServer
) -> None:
    mei, lin = wechat.user("o-mei"), wechat.user("o-lin", subscribed=False)
    answer = await weixin.post("message/mass/send", mass("Sale", "o-mei", "o-lin", "o-nobody"))
    assert (code(answer), answer["errmsg"]) == (0, "send job submission success")
    assert [(shown.via, shown.text, shown.msg_id) for shown in mei.screen] == [
        (Via.MASS, "Sale", answer["msg_id"])
    ]
    assert lin.screen == []
    await wechat.settled()
    [received] = server.received
    assert "<Event><![CDATA[MASSSENDJOBFINISH]]></Event>" in received.xml
    assert f"<MsgID>{answer['msg_id']}</MsgID>\n<Status><![CDATA[send success]]></Status>" in received.xml
    counts = dict(re.findall(r"<(\w+Count)>(\d+)<", received.xml))
    assert counts == {"TotalCount": "3", "FilterCount": "1", "SentCount": "1", "ErrorCount": "0"}


async def test_the_same_clientmsgid_is_refused_for_a_day_with_the_earlier_number(
    wechat: WeChatSimulator, weixin: WeChatApi, clock: Clock
) -> None:
    mei = wechat.user("o-mei")
    once = mass("Sale", "o-mei", "o-lin", clientmsgid="sale-1")
    first = await weixin.post("message/mass/send", once)
    clock.now += DAY_S - 1
    weixin.token = ""
    again = await weixin.post("message/mass/send", once | {"text": {"content": "other"}})
    assert (again["errcode"], again["msg_id"]) == (45065, first["msg_id"])
    clock.now += 1
    assert code(await weixin.post("message/mass/send", once)) == 0
    assert mei.reads == ["Sale", "Sale"]
    assert code(await weixin.post("message/mass/send", once | {"clientmsgid": "a" * 65})) == 45067


async def test_without_a_clientmsgid_two_equal_messages_collide(
    wechat: WeChatSimulator, weixin: WeChatApi
) -> None:
    wechat.user("o-mei")
    equal = mass("Sale", "o-mei", "o-lin")
    answers = [code(await weixin.post("message/mass/send", equal)) for _ in range(2)]
    assert answers == [0, 45065]
    assert code(await weixin.post("message/mass/send", mass("Sale 2", "o-mei", "o-lin"))) == 0


async def test_a_service_accounts_follower_gets_four_a_month(
    wechat: WeChatSimulator, weixin: WeChatApi, server: AccountServer, clock: Clock
) -> None:
    mei = wechat.user("o-mei")
    for number in range(5):
        assert code(await weixin.post("message/mass/send", mass(str(number), "o-mei", "o-lin"))) == 0
    assert mei.reads == ["0", "1", "2", "3"]
    await wechat.settled()
    assert "<FilterCount>0</FilterCount>" in server.received[-1].xml
    clock.now += 31 * DAY_S
    weixin.token = ""
    assert code(await weixin.post("message/mass/send", mass("5", "o-mei", "o-lin"))) == 0
    assert mei.reads[-1] == "5"


@pytest.mark.parametrize("kind, calls", [("subscription", 1), ("service", 100)])
async def test_an_accounts_kind_says_how_many_mass_calls_a_day_it_has(
    wechat: WeChatSimulator, weixin: WeChatApi, clock: Clock, kind: str, calls: int
) -> None:
    wechat.account.kind = "service" if kind == "service" else "subscription"
    everybody = {"filter": {"is_to_all": True}, "msgtype": "text", "text": {"content": "Sale"}}
    answers = [
        code(await weixin.post("message/mass/sendall", everybody | {"clientmsgid": str(number)}))
        for number in range(calls + 1)
    ]
    assert answers == [0] * calls + [45028]
    clock.now += DAY_S
    weixin.token = ""
    assert code(await weixin.post("message/mass/sendall", everybody | {"clientmsgid": "next"})) == 0


async def test_a_mass_message_may_go_to_a_tag_and_a_video_be_taken_back(
    wechat: WeChatSimulator, weixin: WeChatApi, clock: Clock
) -> None:
    mei, lin = wechat.user("o-mei"), wechat.user("o-lin")
    tag = (await weixin.post("tags/create", {"tag": {"name": "VIP"}}))["tag"]["id"]
    await weixin.post("tags/members/batchtagging", {"tagid": tag, "openid_list": ["o-mei"]})
    video = (await weixin.upload("video", "a.mp4", b"\x00\x00\x00\x18ftypmp42"))["media_id"]
    body = {
        "filter": {"is_to_all": False, "tag_id": tag},
        "msgtype": "mpvideo",
        "mpvideo": {"media_id": video},
    }
    sent = await weixin.post("message/mass/sendall", body)
    assert (len(mei.screen), len(lin.screen)) == (1, 0)
    assert code(await weixin.post("message/mass/delete", {"msg_id": sent["msg_id"]})) == 0
    assert (mei.screen, len(wechat.sent)) == ([], 1)
    text = await weixin.post("message/mass/send", mass("Sale", "o-mei", "o-lin"))
    assert code(await weixin.post("message/mass/delete", {"msg_id": text["msg_id"]})) == 47003
    body["filter"] = {"tag_id": 999}
    assert code(await weixin.post("message/mass/sendall", body)) == 45159


async def test_a_mass_image_may_be_named_in_both_forms(wechat: WeChatSimulator, weixin: WeChatApi) -> None:
    mei = wechat.user("o-mei")
    image = (await weixin.upload("image", "a.png", b"\x89PNG\r\n\x1a\n"))["media_id"]
    path, receivers = "message/mass/send", {"touser": ["o-mei", "o-lin"], "msgtype": "image"}
    assert code(await weixin.post(path, receivers | {"images": {"media_ids": [image]}})) == 0
    assert code(await weixin.post(path, receivers | {"image": {"media_id": image}})) == 0
    assert code(await weixin.post(path, receivers | {"images": {"media_ids": []}})) == 41006
    assert [dict(shown.content) for shown in mei.screen] == [{"media_id": image}] * 2


async def test_a_mass_message_needs_two_openids_and_at_most_ten_thousand(weixin: WeChatApi) -> None:
    path = "message/mass/send"
    assert code(await weixin.post(path, mass("Sale", "o-mei"))) == 40130
    many = [f"o-{number}" for number in range(10_001)]
    assert code(await weixin.post(path, mass("Sale", *many))) == 40032
    assert code(await weixin.post(path, mass("Sale", "o-1", "o-2", msgtype="news", news={}))) == 40008
