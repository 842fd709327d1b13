import asyncio
import base64
import re
from collections.abc import Callable

import pytest
from wechatpy.crypto import WeChatCrypto

from channels.simulators.wechat import (
    OUT_OF_ORDER,
    Callback,
    EchoCheck,
    ImpossibleAction,
    OfficialAccount,
    Outcome,
    Via,
    WeChatSimulator,
)
from channels.simulators.wechat.crypto import Envelopes, signed
from tests.channels.simulators.bot_side import Clock
from tests.channels.simulators.wechat_side import AccountServer, Received, WeChatApi, never

NOW = int(Clock().now)
HEADER = (
    "<xml><ToUserName><![CDATA[gh_0123456789ab]]></ToUserName>\n"
    "<FromUserName><![CDATA[o-mei]]></FromUserName>\n"
    f"<CreateTime>{NOW}</CreateTime>\n"
)


def content(xml: str) -> str:
    """What follows the header, ids replaced by a word."""
    assert xml.startswith(HEADER)
    without = re.sub(r"<MsgId>(\d+)</MsgId>", "<MsgId>N</MsgId>", xml.removeprefix(HEADER))
    without = re.sub(r"CDATA\[gQ[\w=-]{80,}]", "CDATA[TICKET]", without)
    without = re.sub(r"http://127\.0\.0\.1:\d+/mmbiz/[\w-]+", "PICTURE", without)
    return re.sub(r"CDATA\[[\w-]{64}]", "CDATA[MEDIA]", without)


def events(xml: str) -> str:
    return f"<MsgType><![CDATA[event]]></MsgType>\n{xml}\n</xml>"


async def last(wechat: WeChatSimulator, server: AccountServer) -> str:
    await wechat.settled()
    return server.received[-1].xml


# --- what is posted -------------------------------------------------------------------------------


async def test_the_url_is_checked_with_a_plain_signature_and_echostr(
    wechat: WeChatSimulator, server: AccountServer
) -> None:
    check = await wechat.checks_url()
    assert (check.status, check.accepted, check.body.isdigit()) == (200, True, True)
    server.echo = '"{}"'
    quoted = await wechat.checks_url()
    assert (quoted.status, quoted.accepted) == (200, False)
    assert await wechat.checks_url(genuine=False) == EchoCheck(401, b"", accepted=False)
    await server.stop()
    assert await wechat.checks_url() == EchoCheck(None, b"", accepted=False)


async def test_a_text_arrives_signed_and_encrypted_as_wechatpy_reads_it(
    wechat: WeChatSimulator, server: AccountServer
) -> None:
    callback = await wechat.user("o-mei").says("你好 ]]> <b>").finished()
    [received] = server.received
    assert set(received.query) == {
        "signature",
        "timestamp",
        "nonce",
        "openid",
        "encrypt_type",
        "msg_signature",
    }
    assert (received.query["openid"], received.query["encrypt_type"]) == ("o-mei", "aes")
    assert received.query["timestamp"] == str(NOW)
    assert "你好" not in received.body.decode()
    assert received.xml.encode() == callback.xml
    assert content(received.xml) == (
        "<MsgType><![CDATA[text]]></MsgType>\n"
        "<Content><![CDATA[你好 ]]]]><![CDATA[> <b>]]></Content>\n"
        "<MsgId>N</MsgId>\n</xml>"
    )
    assert int(re.findall(r"<MsgId>(\d+)<", received.xml)[0]) > 1 << 53
    assert callback.outcome is Outcome.ACCEPTED


async def test_every_message_has_the_fields_that_wechat_sends(
    wechat: WeChatSimulator, server: AccountServer
) -> None:
    mei = wechat.user("o-mei")
    actions: dict[Callable[[], Callback], str] = {
        mei.sends_image: (
            "<MsgType><![CDATA[image]]></MsgType>\n<PicUrl><![CDATA[PICTURE]]></PicUrl>\n"
            "<MediaId><![CDATA[MEDIA]]></MediaId>"
        ),
        mei.sends_voice: (
            "<MsgType><![CDATA[voice]]></MsgType>\n<MediaId><![CDATA[MEDIA]]></MediaId>\n"
            "<Format><![CDATA[amr]]></Format>"
        ),
        mei.sends_video: (
            "<MsgType><![CDATA[video]]></MsgType>\n<MediaId><![CDATA[MEDIA]]></MediaId>\n"
            "<ThumbMediaId><![CDATA[MEDIA]]></ThumbMediaId>"
        ),
        mei.sends_short_video: (
            "<MsgType><![CDATA[shortvideo]]></MsgType>\n<MediaId><![CDATA[MEDIA]]></MediaId>\n"
            "<ThumbMediaId><![CDATA[MEDIA]]></ThumbMediaId>"
        ),
        lambda: mei.sends_location(23.134521, 113.358803, label="广州"): (
            "<MsgType><![CDATA[location]]></MsgType>\n<Location_X>23.134521</Location_X>\n"
            "<Location_Y>113.358803</Location_Y>\n<Scale>16</Scale>\n<Label><![CDATA[广州]]></Label>"
        ),
        lambda: mei.sends_link("茶", "https://example.com/", "new"): (
            "<MsgType><![CDATA[link]]></MsgType>\n<Title><![CDATA[茶]]></Title>\n"
            "<Description><![CDATA[new]]></Description>\n<Url><![CDATA[https://example.com/]]></Url>"
        ),
    }
    for act, expected in actions.items():
        act()
        assert content(await last(wechat, server)) == f"{expected}\n<MsgId>N</MsgId>\n</xml>"


async def test_every_event_has_the_fields_that_wechat_sends_and_no_msgid(
    wechat: WeChatSimulator, server: AccountServer
) -> None:
    mei = wechat.user("o-mei", subscribed=False)
    popup = (
        "<Event><![CDATA[subscribe_msg_popup_event]]></Event>\n<SubscribeMsgPopupEvent><List>"
        "<TemplateId><![CDATA[T1]]></TemplateId>"
        "<SubscribeStatusString><![CDATA[accept]]></SubscribeStatusString>"
        "<PopupScene><![CDATA[2]]></PopupScene></List></SubscribeMsgPopupEvent>"
    )
    change = (
        "<Event><![CDATA[subscribe_msg_change_event]]></Event>\n<SubscribeMsgChangeEvent><List>"
        "<TemplateId><![CDATA[T1]]></TemplateId>"
        "<SubscribeStatusString><![CDATA[reject]]></SubscribeStatusString></List></SubscribeMsgChangeEvent>"
    )
    ticket = "<Ticket><![CDATA[TICKET]]></Ticket>"
    actions: list[tuple[Callable[[], Callback], str]] = [
        (
            lambda: mei.scans("poster"),
            "<Event><![CDATA[subscribe]]></Event>\n<EventKey><![CDATA[qrscene_poster]]></EventKey>\n"
            + ticket,
        ),
        (
            lambda: mei.scans("poster"),
            f"<Event><![CDATA[SCAN]]></Event>\n<EventKey><![CDATA[poster]]></EventKey>\n{ticket}",
        ),
        (
            mei.unsubscribes,
            "<Event><![CDATA[unsubscribe]]></Event>\n<EventKey><![CDATA[]]></EventKey>",
        ),
        (
            mei.subscribes,
            "<Event><![CDATA[subscribe]]></Event>\n<EventKey><![CDATA[]]></EventKey>",
        ),
        (
            lambda: mei.clicks("HOURS"),
            "<Event><![CDATA[CLICK]]></Event>\n<EventKey><![CDATA[HOURS]]></EventKey>",
        ),
        (
            lambda: mei.views("https://example.com/"),
            (
                "<Event><![CDATA[VIEW]]></Event>\n<EventKey><![CDATA[https://example.com/]]></EventKey>\n"
                "<MenuId>425000000</MenuId>"
            ),
        ),
        (lambda: mei.answers_popup({"T1": "accept"}), popup),
        (lambda: mei.withdraws(["T1"]), change),
    ]
    for act, expected in actions:
        act()
        assert content(await last(wechat, server)) == events(expected)


async def test_what_is_tapped_comes_back_as_a_text_with_its_menu_id(
    wechat: WeChatSimulator, server: AccountServer, weixin: WeChatApi
) -> None:
    mei = wechat.user("o-mei")
    mei.says("hi")
    menu = {"head_content": "?", "list": [{"id": 101, "content": "满意"}], "tail_content": ""}
    await weixin.post("message/custom/send", {"touser": "o-mei", "msgtype": "msgmenu", "msgmenu": menu})
    link = '<a href="weixin://bizmsgmenu?msgmenucontent=预约&amp;msgmenuid=7">点这里</a>'
    assert await weixin.says("o-mei", f"要不要{link}?") == 0
    expected = (
        "<MsgType><![CDATA[text]]></MsgType>\n<Content><![CDATA[{}]]></Content>\n<MsgId>N</MsgId>\n"
        "<bizmsgmenuid><![CDATA[{}]]></bizmsgmenuid>\n</xml>"
    )
    mei.taps("满意")
    assert content(await last(wechat, server)) == expected.format("满意", "101")
    mei.taps("点这里")
    assert content(await last(wechat, server)) == expected.format("预约", "7")
    with pytest.raises(ImpossibleAction, match="nothing to tap"):
        mei.taps("不满意")


async def test_one_persons_callbacks_come_in_order_and_without_a_webhook_they_are_lost(
    wechat: WeChatSimulator, server: AccountServer
) -> None:
    mei = wechat.user("o-mei")
    for number in range(20):
        mei.says(f"n{number}.")
    await wechat.settled()
    assert re.findall(r"n(\d+)\.", "".join(received.xml for received in server.received)) == [
        str(number) for number in range(20)
    ]
    wechat.account.webhook_url = ""
    lost = await mei.says("anyone?").finished()
    assert (lost.tries, lost.outcome, len(server.received)) == ([], None, 20)


# --- what the account answers ---------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"success"])
async def test_success_and_nothing_end_a_callback_and_show_nothing(
    wechat: WeChatSimulator, server: AccountServer, body: bytes
) -> None:
    async def answer(_received: Received) -> bytes:
        return body

    server.answer = answer
    mei = wechat.user("o-mei")
    callback = await mei.says("hi").finished()
    assert [attempt.outcome for attempt in callback.tries] == [Outcome.ACCEPTED]
    assert mei.screen == []


async def test_an_encrypted_reply_of_wechatpys_is_verified_and_shown(
    wechat: WeChatSimulator, server: AccountServer, clock: Clock
) -> None:
    async def answer(_received: Received) -> bytes:
        return server.passive_text("o-mei", "欢迎")

    server.answer = answer
    mei = wechat.user("o-mei")
    callback = await mei.says("hi").finished()
    assert [attempt.outcome for attempt in callback.tries] == [Outcome.REPLIED]
    assert [(shown.via, shown.kind, shown.text, shown.at) for shown in mei.screen] == [
        (Via.PASSIVE, "text", "欢迎", clock.now)
    ]
    assert wechat.sent == mei.screen


def _signed_envelope(server: AccountServer, envelope: str) -> bytes:
    signature = signed(server.account.token, "1", "n0nce", envelope)
    return (
        f"<xml><Encrypt>{envelope}</Encrypt><MsgSignature>{signature}</MsgSignature>"
        "<TimeStamp>1</TimeStamp><Nonce>n0nce</Nonce></xml>"
    ).encode()


def _wrong_answers(server: AccountServer) -> dict[str, bytes]:
    good = server.passive_text("o-mei", "hi")
    news = "<MsgType><![CDATA[image]]></MsgType><Image><MediaId>unknown</MediaId></Image>"
    head = "<ToUserName>o-mei</ToUserName><FromUserName>gh_0123456789ab</FromUserName>"
    stranger = WeChatCrypto(server.account.token, server.account.aes_key, "wx0000000000000000")
    return {
        "neither success nor XML": b'{"ok": true}',
        "Encrypt is missing": b"<xml><Content>in clear</Content></xml>",
        "wrong signature": good.replace(b"<TimeStamp>1795000000", b"<TimeStamp>1795000001"),
        "another app id, or no app id": stranger.encrypt_message("<xml></xml>", "n0nce", "1").encode(),
        "no ciphertext": _signed_envelope(server, "bm90IG9mIGJsb2Nrcw=="),
        "the reply goes to somebody else": server.passive_text("o-lin", "hi"),
        "the text is too long": server.passive_text("o-mei", "a" * 2049),
        "there is no such MediaId": server.passive(f"<xml>{head}<CreateTime>1</CreateTime>{news}</xml>"),
        "the reply comes from somebody else": server.passive(
            "<xml><ToUserName>o-mei</ToUserName><FromUserName>gh_other</FromUserName></xml>"
        ),
        "CreateTime is no number of seconds": server.passive(
            f"<xml>{head}<CreateTime>now</CreateTime></xml>"
        ),
        "a document type": b"<!DOCTYPE xml><xml></xml>",
    }


async def test_a_wrong_answer_is_not_repeated_and_the_person_reads_that_the_server_is_out_of_order(
    wechat: WeChatSimulator, server: AccountServer
) -> None:
    mei = wechat.user("o-mei")
    for problem, body in _wrong_answers(server).items():

        async def answer(_received: Received, body: bytes = body) -> bytes:
            return body

        server.answer = answer
        callback = await mei.says("hi").finished()
        assert [(attempt.outcome, attempt.problem) for attempt in callback.tries] == [
            (Outcome.WRONG, problem)
        ]
        assert [(shown.via, shown.text) for shown in mei.screen] == [(Via.NOTICE, OUT_OF_ORDER)]
        mei.person.screen.clear()
    assert wechat.sent == []


async def test_without_an_answer_the_same_message_comes_three_times_each_time_newly_sealed(
    wechat: WeChatSimulator, server: AccountServer, clock: Clock
) -> None:
    async def answer(_received: Received) -> int:
        clock.now += 5
        return 503

    server.answer = answer
    mei = wechat.user("o-mei")
    callback = await mei.says("hi").finished()
    assert [attempt.outcome for attempt in callback.tries] == [Outcome.REFUSED] * 3
    assert len({received.xml for received in server.received}) == 1
    assert len({received.query["nonce"] for received in server.received}) == 3
    assert len({received.query["msg_signature"] for received in server.received}) == 3
    assert [received.query["timestamp"] for received in server.received] == [
        str(NOW),
        str(NOW + 5),
        str(NOW + 10),
    ]
    assert mei.reads == [OUT_OF_ORDER]


async def test_a_late_answer_is_not_shown_and_the_next_try_may_be_answered(
    wechat: WeChatSimulator, server: AccountServer
) -> None:
    late = asyncio.Event()

    async def answer(_received: Received) -> bytes:
        if len(server.received) == 1:
            await late.wait()
            return server.passive_text("o-mei", "late")
        return server.passive_text("o-mei", "in time")

    server.answer = answer
    wechat.answer_wait_s = 0.1
    mei = wechat.user("o-mei")
    callback = mei.says("hi")
    await callback.finished()
    late.set()
    assert [attempt.outcome for attempt in callback.tries] == [Outcome.TIMED_OUT, Outcome.REPLIED]
    assert mei.reads == ["in time"]


async def test_after_three_silent_tries_the_server_is_out_of_order(
    wechat: WeChatSimulator, server: AccountServer
) -> None:
    server.answer = never
    wechat.answer_wait_s = 0.05
    mei = wechat.user("o-mei")
    callback = await mei.says("hi").finished()
    assert [attempt.outcome for attempt in callback.tries] == [Outcome.TIMED_OUT] * 3
    assert mei.reads == [OUT_OF_ORDER]
    unseen = await mei.unsubscribes().finished()
    assert [attempt.outcome for attempt in unseen.tries] == [Outcome.TIMED_OUT] * 3
    assert mei.reads == [OUT_OF_ORDER]


async def test_a_server_that_is_down_is_tried_three_times(
    wechat: WeChatSimulator, server: AccountServer
) -> None:
    await server.stop()
    callback = await wechat.user("o-mei").says("hi").finished()
    assert [attempt.outcome for attempt in callback.tries] == [Outcome.UNREACHABLE] * 3


def test_an_envelope_is_padded_to_blocks_of_32_bytes() -> None:
    account = OfficialAccount()
    envelopes = Envelopes(account.token, account.aes_key, account.app_id)
    for length in range(40):
        envelope = envelopes.seal(b"x" * length)
        assert len(base64.b64decode(envelope)) % 32 == 0
        assert envelopes.open(envelope, signed(account.token, "1", "n", envelope), "1", "n") == b"x" * length
