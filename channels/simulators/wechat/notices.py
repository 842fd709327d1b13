"""The XML that WeChat posts: messages and events, field by field in WeChat's order (read 2026-11).

Texts stand in CDATA, numbers do not. Messages have a MsgId of 64 bits, events have none; the two results of jobs have
the job's number as MsgID. `Location_X` is the latitude.
"""

from collections.abc import Sequence
from typing import Union

Value = Union[str, int, float, "Fields"]
Fields = Sequence[tuple[str, Value]]


def xml_of(fields: Fields) -> bytes:
    """<xml> with one line for each field."""
    lines = "\n".join(_element(name, value) for name, value in fields)
    return f"<xml>{lines}\n</xml>".encode()


def text(content: str, menu_item: str | None = None) -> Fields:
    """`menu_item` is the id of what was tapped in a msgmenu, or in a link to bizmsgmenu."""
    tapped = [("bizmsgmenuid", menu_item)] if menu_item is not None else []
    return [("MsgType", "text"), ("Content", content), *tapped]


def image(pic_url: str, media_id: str) -> Fields:
    return [("MsgType", "image"), ("PicUrl", pic_url), ("MediaId", media_id)]


def voice(media_id: str, media_format: str) -> Fields:
    return [("MsgType", "voice"), ("MediaId", media_id), ("Format", media_format)]


def video(kind: str, media_id: str, thumb_media_id: str) -> Fields:
    """`kind` is "video" or "shortvideo"."""
    return [("MsgType", kind), ("MediaId", media_id), ("ThumbMediaId", thumb_media_id)]


def location(latitude: float, longitude: float, scale: int, label: str) -> Fields:
    return [
        ("MsgType", "location"),
        ("Location_X", latitude),
        ("Location_Y", longitude),
        ("Scale", scale),
        ("Label", label),
    ]


def link(title: str, description: str, url: str) -> Fields:
    return [("MsgType", "link"), ("Title", title), ("Description", description), ("Url", url)]


def event(name: str, *fields: tuple[str, Value]) -> Fields:
    return [("MsgType", "event"), ("Event", name), *fields]


def subscription_answers(
    name: str, holder: str, answers: Sequence[tuple[str, str]], scene: int | None = None
) -> Fields:
    """A subscribe-message event: template and "accept" or "reject", one List each."""
    shown = [("PopupScene", str(scene))] if scene is not None else []
    lists: list[tuple[str, Value]] = [
        ("List", [("TemplateId", template), ("SubscribeStatusString", status), *shown])
        for template, status in answers
    ]
    return event(name, (holder, lists))


def subscription_sent(template: str, msg_id: int) -> Fields:
    sent: Fields = [
        ("TemplateId", template),
        ("MsgID", str(msg_id)),
        ("ErrorCode", "0"),
        ("ErrorStatus", "success"),
    ]
    return event("subscribe_msg_sent_event", ("SubscribeMsgSentEvent", [("List", sent)]))


def template_finished(msg_id: int, status: str) -> Fields:
    """`status` is "success", "failed:user block" or "failed: system failed"."""
    return event("TEMPLATESENDJOBFINISH", ("MsgID", msg_id), ("Status", status))


def mass_finished(msg_id: int, *, total: int, filtered: int, sent: int) -> Fields:
    """`filtered` is how many were left to send to after filtering: those sent to and those that failed."""
    return event(
        "MASSSENDJOBFINISH",
        ("MsgID", msg_id),
        ("Status", "send success"),
        ("TotalCount", total),
        ("FilterCount", filtered),
        ("SentCount", sent),
        ("ErrorCount", filtered - sent),
        ("CopyrightCheckResult", [("Count", 0), ("ResultList", ""), ("CheckState", 0)]),
        ("ArticleUrlResult", [("Count", 0), ("ResultList", "")]),
    )


def _element(name: str, value: Value) -> str:
    match value:
        case str():
            inside = f"<![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]>"
        case int() | float():
            inside = str(value)
        case _:
            inside = "".join(_element(nested, content) for nested, content in value)
    return f"<{name}>{inside}</{name}>"
