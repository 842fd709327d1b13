from collections.abc import AsyncIterator

import pytest

from bot.texts import Texts
from channels.wechat.render import File, Words, openid_of, passive_reply, rendered, service_message, shortened
from channels.wechat.xml import read_xml
from domain.errors import PermanentFailure
from domain.identity import Locale, Slug
from domain.ports.messenger import Attachment, Card, Outbound
from tests.channels.house import NOW
from tests.channels.wechat.harness import address

MEI = address("o-mei")
Choices = tuple[tuple[tuple[str, str], ...], ...]


def plain(text: str, _locale: Locale | None) -> str:
    return text


def words(text: str, choices: Choices = ()) -> str:
    shown = rendered(Outbound("d1", MEI, text, choices), plain)
    assert isinstance(shown, Words)
    return shown.text


def file(kind: str, content_type: str, size: int = 10) -> Attachment:
    async def read() -> AsyncIterator[bytes]:
        yield b"x" * size

    return Attachment(Slug(kind), content_type, "工资.pdf", size, read)


def test_choices_are_links_below_the_text_in_their_rows() -> None:
    assert words("Sure?", ((("是", "yes:1"), ("No", "no:1")), (("Later", "/later 2"),))) == (
        "Sure?\n"
        '<a href="weixin://bizmsgmenu?msgmenucontent=是&msgmenuid=yes:1">是</a>  '
        '<a href="weixin://bizmsgmenu?msgmenucontent=No&msgmenuid=no:1">No</a>\n'
        '<a href="weixin://bizmsgmenu?msgmenucontent=Later&msgmenuid=/later%202">Later</a>'
    )


@pytest.mark.parametrize(
    "text, shown",
    [
        ('<a href="https://evil.example">您好</a>', '＜a href="https://evil.example">您好＜/a>'),
        ("< A HREF='x'>y</ a >", "＜ A HREF='x'>y＜/ a >"),
        ("<\n/a>", "＜\n/a>"),
        ("1 < 2, <3 and <您好>", "1 < 2, <3 and <您好>"),
        ("bell\x07 and escape\x1b", "bell and escape"),
    ],
)
def test_what_people_wrote_forms_no_link(text: str, shown: str) -> None:
    assert words(text) == shown


def test_a_label_ends_neither_its_link_nor_its_address() -> None:
    shown = words("?", ((('"></a>&msgmenuid=evil', "no\"'<&#%+"),),))
    assert shown == (
        '?\n<a href="weixin://bizmsgmenu?msgmenucontent=%22%3E%3C/a%3E%26msgmenuid%3Devil'
        '&msgmenuid=no%22%27%3C%26%23%25%2B">">＜/a>&msgmenuid=evil</a>'
    )


def test_a_text_is_cut_by_bytes_and_never_at_the_cost_of_its_choices() -> None:
    shown = words("您" * 3000, ((("Yes", "y"),),))
    assert len(shown.encode()) <= 2048
    assert len(shown.encode()) > 2048 - 3
    assert shown.endswith('…\n<a href="weixin://bizmsgmenu?msgmenucontent=Yes&msgmenuid=y">Yes</a>')


@pytest.mark.parametrize("text", ["", "a" * 2048, "é" * 1024])
def test_what_fits_stays_whole(text: str) -> None:
    assert shortened(text, 2048) == text


@pytest.mark.parametrize(
    "choices, reason",
    [
        (((("x", ""),),), "choice-too-long"),
        (((("x", "您" * 43),),), "choice-too-long"),
        ((tuple(("x" * 90, str(n)) for n in range(20)),), "too-many-choices"),
    ],
)
def test_choices_that_no_link_carries_are_refused(choices: Choices, reason: str) -> None:
    with pytest.raises(PermanentFailure, match=reason):
        rendered(Outbound("d1", MEI, "?", choices), plain)


@pytest.mark.parametrize("openid", ["", "a b", "张三", "o\n"])
def test_what_is_no_openid_is_refused(openid: str) -> None:
    with pytest.raises(PermanentFailure, match="no-openid"):
        openid_of(Outbound("d1", address(openid), "hi"))


@pytest.mark.parametrize(
    "attachment, text, shown",
    [
        (file("photo", "image/jpeg"), "", "image"),
        (file("photo", "image/jpeg"), "看", "[图片] 看"),
        (file("photo", "image/webp"), "", "[图片]"),
        (file("photo", "image/jpeg", (10 << 20) + 1), "", "[图片]"),
        (file("voice", "audio/mpeg"), "", "voice"),
        (file("voice", "audio/ogg"), "", "[语音]"),
        (file("video", "video/mp4"), "看", "video"),
        (file("document", "application/pdf"), "合同", "[文件] 合同"),
    ],
)
def test_a_file_goes_where_wechat_takes_it_otherwise_the_words_with_a_note(
    attachment: Attachment, text: str, shown: str
) -> None:
    match rendered(Outbound("d1", MEI, text, attachment=attachment), Texts("zh").say):
        case File(kind=kind):
            assert kind == shown
        case Words(text=told):
            assert told == shown


def test_a_message_says_the_same_in_a_request_and_outside() -> None:
    video = File("video", file("video", "video/mp4"), "看]]>")
    assert service_message(video, "m1") == {
        "msgtype": "video",
        "video": {"media_id": "m1", "title": "", "description": "看]]>"},
    }
    xml = passive_reply(video, "m1", to="o-mei", by="gh_1", now=NOW)
    assert read_xml(xml.encode()) == {
        "ToUserName": "o-mei",
        "FromUserName": "gh_1",
        "CreateTime": str(int(NOW.timestamp())),
        "MsgType": "video",
        "Video": {"MediaId": "m1", "Description": "看]]>"},
    }
    assert service_message(Words("hi")) == {"msgtype": "text", "text": {"content": "hi"}}
    assert read_xml(passive_reply(Words("\x00h<i"), "", to="o", by="g", now=NOW).encode())["Content"] == "h<i"


def test_links_and_a_card_are_shown_in_the_text() -> None:
    card = Card("夏茶", "https://tea.example/", "六月采摘", file("photo", "image/png"))
    links = ((("Look <a>", 'https://tea.example/new?a=1&b="2'),),)
    shown = rendered(Outbound("d1", MEI, "new", links=links, card=card), plain)
    assert shown == Words(
        "new\n夏茶\n六月采摘\nhttps://tea.example/\n"
        '<a href="https://tea.example/new?a=1&b=%222">Look ＜a></a>'
    )


def test_a_picture_with_a_link_is_words_because_no_message_has_both() -> None:
    outbound = Outbound(
        "d1", MEI, "", attachment=file("photo", "image/png"), links=((("Look", "https://tea.example"),),)
    )
    assert rendered(outbound, plain) == Words('[picture]\n<a href="https://tea.example">Look</a>')
