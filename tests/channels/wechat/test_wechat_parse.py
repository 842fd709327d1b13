"""Every kind of message and event, and what is made of it."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from channels.wechat.parse import parse
from channels.wechat.xml import read_xml
from domain.conversations.commands import (
    Act,
    Content,
    Message,
    NotUnderstood,
    Press,
    Reachability,
    Receipt,
    Receive,
    Sender,
)
from domain.conversations.events import ContentKind
from domain.identity import Account, Channel, ProviderMessageId, Slug
from domain.message import Opening, Raw
from tests.channels.house import NOW
from tests.channels.wechat.harness import SENT, callback, callback_at

WX = Account("wx1234567890abcdef")
ID = "24000000000000001"
MESSAGE, ACTION = Opening(5, 48 * 3600), Opening(3, 60)


def read(xml: bytes) -> Receive:
    return parse(read_xml(xml), WX, xml, NOW)


def message(**fields: str) -> Receive:
    return read(callback(**fields, MsgId=ID))


def event(name: str, **fields: str) -> Receive:
    return read(callback(MsgType="event", Event=name, **fields))


def said(kind: ContentKind = ContentKind.TEXT, text: str = "", **details: object) -> Message:
    return Message(kind=kind, text=text, details=details, provider_message=ProviderMessageId(ID))


def test_a_text_is_a_message_with_its_number_as_key() -> None:
    xml = callback(MsgType="text", Content=" <![CDATA[您好 <b>]]> ", MsgId=ID)
    assert read(xml) == Receive(
        channel=Channel("wechat"),
        account=WX,
        key=f"message:{ID}",
        occurred_at=datetime.fromtimestamp(SENT, UTC),
        content=said(text=" 您好 <b> "),
        sender=Sender(external_id="o-mei"),
        raw=Raw(xml),
        opens=MESSAGE,
    )


@pytest.mark.parametrize(
    "fields, content",
    [
        (
            {"MsgType": "image", "PicUrl": "http://mmbiz.qpic.cn/1", "MediaId": "m1"},
            said(ContentKind.PHOTO, file_id="m1"),
        ),
        (
            {"MsgType": "voice", "MediaId": "m1", "Format": "amr"},
            said(ContentKind.VOICE, file_id="m1", format="amr"),
        ),
        (
            {"MsgType": "voice", "MediaId": "m1", "Format": "speex", "Recognition": "有货吗"},
            said(ContentKind.VOICE, "有货吗", file_id="m1", format="speex"),
        ),
        (
            {"MsgType": "video", "MediaId": "m1", "ThumbMediaId": "t1"},
            said(ContentKind.VIDEO, file_id="m1", thumb="t1"),
        ),
        (
            {"MsgType": "shortvideo", "MediaId": "m1", "ThumbMediaId": "t1"},
            said(ContentKind.VIDEO, file_id="m1", thumb="t1"),
        ),
        (
            {
                "MsgType": "location",
                "Location_X": "23.1",
                "Location_Y": "-113.35",
                "Scale": "20",
                "Label": "店",
            },
            said(ContentKind.LOCATION, latitude=23.1, longitude=-113.35, scale=20, address="店"),
        ),
        (
            {"MsgType": "location", "Location_X": "9" * 400, "Location_Y": "nan", "Scale": "x"},
            said(ContentKind.LOCATION),
        ),
        ({"MsgType": "file", "Title": "工资.pdf", "FileKey": "k"}, said(ContentKind.UNKNOWN, type="file")),
        ({"MsgType": "miniprogrampage"}, said(ContentKind.UNKNOWN, type="miniprogrampage")),
        ({"MsgType": "hologram"}, said(ContentKind.UNKNOWN, type="hologram")),
    ],
)
def test_every_kind_of_message_is_kept(fields: dict[str, str], content: Content) -> None:
    received = message(**fields)
    assert (received.content, received.opens) == (content, MESSAGE)


def test_a_link_is_somebody_elses_words() -> None:
    content = message(MsgType="link", Title="茶", Description="新茶", Url="https://example.com").content
    assert content == Message(
        text="茶\nhttps://example.com",
        details={"title": "茶", "description": "新茶", "url": "https://example.com"},
        provider_message=ProviderMessageId(ID),
        forwarded=True,
    )


def test_a_tapped_choice_is_a_press_and_opens_what_a_message_opens() -> None:
    received = message(MsgType="text", Content="Yes", bizmsgmenuid="yes:1")
    assert (received.content, received.opens) == (Press(data="yes:1", query=ID), MESSAGE)


@pytest.mark.parametrize(
    "name, fields, content, opens",
    [
        ("subscribe", {"EventKey": ""}, Reachability(reachable=True), ACTION),
        (
            "subscribe",
            {"EventKey": "qrscene_Shop-1", "Ticket": "t"},
            Reachability(reachable=True, source=Slug("shop-1")),
            ACTION,
        ),
        ("unsubscribe", {"EventKey": ""}, Reachability(reachable=False), None),
        (
            "SCAN",
            {"EventKey": "shop-1"},
            Act(action=Slug("scanned"), data={"scene": "shop-1"}, source=Slug("shop-1")),
            ACTION,
        ),
        ("CLICK", {"EventKey": "HELP"}, Press(data="HELP", query=""), ACTION),
        (
            "VIEW",
            {"EventKey": "https://example.com"},
            Act(action=Slug("opened-link"), data={"url": "https://example.com"}),
            None,
        ),
        (
            "view_miniprogram",
            {"EventKey": "pages/a"},
            Act(action=Slug("opened-mini-program"), data={"url": "pages/a"}),
            None,
        ),
        (
            "scancode_waitmsg",
            {"EventKey": "k", "ScanCodeInfo": "<ScanType>qrcode</ScanType><ScanResult>1</ScanResult>"},
            Act(action=Slug("scanned-code"), data={"key": "k", "kind": "qrcode", "result": "1"}),
            ACTION,
        ),
        (
            "pic_weixin",
            {"EventKey": "k", "SendPicsInfo": "<Count>2</Count><PicList><item/><item><a/></item></PicList>"},
            Act(action=Slug("chose-pictures"), data={"key": "k", "count": 1}),
            None,
        ),
        (
            "location_select",
            {"EventKey": "k", "SendLocationInfo": "<Location_X>23</Location_X><Label>店</Label>"},
            Act(
                action=Slug("chose-place"), data={"key": "k", "latitude": 23.0, "address": "店", "title": ""}
            ),
            None,
        ),
        (
            "LOCATION",
            {"Latitude": "23.137466", "Longitude": "113.352425", "Precision": "119.385040"},
            Act(action=Slug("reported-place"), data={"latitude": 23.137466, "longitude": 113.352425}),
            None,
        ),
        (
            "subscribe_msg_popup_event",
            {
                "SubscribeMsgPopupEvent": "<List><TemplateId>t1</TemplateId>"
                "<SubscribeStatusString>accept</SubscribeStatusString></List>"
                "<List><TemplateId>t2</TemplateId><SubscribeStatusString>reject</SubscribeStatusString></List>"
            },
            Act(
                action=Slug("chose-subscription"),
                data={
                    "choices": [
                        {"template": "t1", "choice": "accept", "error": ""},
                        {"template": "t2", "choice": "reject", "error": ""},
                    ]
                },
            ),
            None,
        ),
        (
            "subscribe_msg_sent_event",
            {
                "SubscribeMsgSentEvent": "<List><TemplateId>t1</TemplateId><ErrorStatus>success</ErrorStatus></List>"
            },
            Act(
                action=Slug("got-subscribed-message"),
                data={"choices": [{"template": "t1", "choice": "", "error": "success"}]},
            ),
            None,
        ),
    ],
)
def test_every_kind_of_event_says_what_was_done_and_what_it_opens(
    name: str, fields: dict[str, str], content: Content, opens: Opening | None
) -> None:
    received = event(name, **fields)
    assert (received.content, received.opens) == (content, opens)
    assert received.sender == Sender(external_id="o-mei")


@pytest.mark.parametrize(
    "name, status, outcome",
    [
        ("TEMPLATESENDJOBFINISH", "success", "sent"),
        ("TEMPLATESENDJOBFINISH", "failed:user block", "blocked"),
        ("TEMPLATESENDJOBFINISH", "failed: system failed", "failed"),
        ("MASSSENDJOBFINISH", "send success", "sent"),
        ("MASSSENDJOBFINISH", "sendsuccess", "sent"),
        ("MASSSENDJOBFINISH", "send fail", "failed"),
        ("MASSSENDJOBFINISH", "err(10001)", "err-10001"),
        ("MASSSENDJOBFINISH", "张三 phoned 13812345678", "failed"),
    ],
)
def test_a_result_is_a_receipt_of_nobody(name: str, status: str, outcome: str) -> None:
    received = event(name, MsgID="1000001625", Status=status)
    receipt = Receipt(provider_message=ProviderMessageId("1000001625"), outcome=Slug(outcome))
    assert (received.content, received.sender) == (receipt, None)


@pytest.mark.parametrize(
    "scene, source",
    [
        ("Door_2-a", "door_2-a"),
        ("13812345678", "other"),
        ("order-138-1234-5678", "other"),
        ("张三", "other"),
        ("a b", "other"),
        ("x" * 65, "other"),
    ],
)
def test_a_scene_lies_in_clear_only_if_it_is_a_harmless_code(scene: str, source: str) -> None:
    received = event("SCAN", EventKey=scene)
    assert received.content == Act(action=Slug("scanned"), data={"scene": scene}, source=Slug(source))


def test_an_unknown_event_is_kept_as_not_understood() -> None:
    received = event("sent_from_the_future")
    assert received.content == NotUnderstood(reason=Slug("unknown-kind"))
    assert received.raw == Raw(callback(MsgType="event", Event="sent_from_the_future"))


@pytest.mark.parametrize(
    "xml",
    [
        b"<xml><MsgType>text</MsgType></xml>",
        b"<xml><FromUserName>o-mei</FromUserName><CreateTime>1</CreateTime></xml>",
        b"<xml><FromUserName>o-mei</FromUserName><MsgType>text</MsgType><CreateTime>soon</CreateTime></xml>",
        b"<xml><FromUserName>a b</FromUserName><MsgType>text</MsgType><CreateTime>1</CreateTime></xml>",
        b"<xml><FromUserName><a>1</a></FromUserName><MsgType>text</MsgType><CreateTime>1</CreateTime></xml>",
        b"<xml><FromUserName>o</FromUserName><MsgType>text</MsgType><CreateTime>"
        + b"9" * 5000
        + b"</CreateTime></xml>",
    ],
)
def test_what_lacks_who_or_when_or_what_is_recorded_as_malformed(xml: bytes) -> None:
    received = read(xml)
    assert (received.content, received.sender) == (NotUnderstood(reason=Slug("malformed")), None)


def test_different_events_of_one_second_have_different_keys_and_the_same_one_has_the_same() -> None:
    one, other = event("CLICK", EventKey="A"), event("CLICK", EventKey="B")
    assert one.key != other.key
    assert one.key == event("CLICK", EventKey="A").key
    digest = hashlib.sha256(callback(MsgType="event", Event="CLICK", EventKey="A")).hexdigest()
    assert one.key == f"event:o-mei:{SENT}:CLICK:{digest}"


def test_nothing_happened_in_our_future() -> None:
    ahead = read(callback_at(SENT + 3600, {"MsgType": "text", "MsgId": ID}))
    assert ahead.occurred_at == NOW
    late = read(callback_at(SENT - 7200, {"MsgType": "text", "MsgId": ID}))
    assert late.occurred_at == NOW - timedelta(seconds=7201)
