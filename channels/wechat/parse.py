"""WeChat's messages and events into what came in. Pure: the time is an argument."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from channels.wechat.content import content_of
from channels.wechat.identity import WECHAT_CHANNEL
from channels.wechat.limits import AFTER_ACTION, AFTER_MESSAGE
from channels.wechat.xml import Fields, each, text_in, within
from domain.conversations import commands
from domain.conversations.commands import Act, NotUnderstood, Press, Reachability, Receipt, Receive, Sender
from domain.identity import Account, ProviderMessageId, Slug
from domain.message import Opening, Raw
from domain.policies.sources import coded
from domain.policies.text import normalised

UNKNOWN_KIND: Final = Slug("unknown-kind")
MALFORMED: Final = Slug("malformed")
OTHER: Final = Slug("other")
"""Stands for a scene that may be about a person: what it was is told in the action, sealed."""

_MSG_ID: Final = re.compile(r"[0-9]{1,20}")
_SECONDS: Final = re.compile(r"[0-9]{1,11}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,4}(?:\.[0-9]{1,20})?")
_OPENID: Final = re.compile(r"[!-~]{1,128}")
_FAILED: Final = re.compile(r"err\(([0-9]{1,8})\)")


@dataclass(frozen=True, slots=True)
class _Fact:
    content: commands.Content
    opens: Opening | None = None
    of_person: bool = True


_NOT_UNDERSTOOD: Final = _Fact(NotUnderstood(reason=UNKNOWN_KIND), of_person=False)


def parse(fields: Fields, account: Account, raw: bytes, now: datetime) -> Receive:
    """Return what a callback says. ``fields`` and ``raw``: the decrypted XML. What is of no known kind is returned as NotUnderstood."""
    openid, kind = text_in(fields, "FromUserName"), text_in(fields, "MsgType")
    if not kind or not _OPENID.fullmatch(openid) or not _SECONDS.fullmatch(text_in(fields, "CreateTime")):
        return unreadable(fields, account, raw, now)
    fact = _event(fields) if kind == "event" else _message(kind, fields)
    return _receive(fact, fields, account, raw, now)


def unreadable(fields: Fields, account: Account, raw: bytes, now: datetime) -> Receive:
    """Return a callback of which nothing but that it is WeChat's could be read."""
    return _receive(_Fact(NotUnderstood(reason=MALFORMED), of_person=False), fields, account, raw, now)


def _receive(fact: _Fact, fields: Fields, account: Account, raw: bytes, now: datetime) -> Receive:
    sender = Sender(external_id=text_in(fields, "FromUserName")) if fact.of_person else None
    return Receive(
        channel=WECHAT_CHANNEL,
        account=account,
        key=_key(fields, raw),
        occurred_at=_occurred_at(fields, now),
        content=fact.content,
        sender=sender,
        raw=Raw(raw),
        opens=fact.opens,
    )


def _key(fields: Fields, raw: bytes) -> str:
    """Return the message's number, or for an event who, when, what and a digest: the first three alone merge different events."""
    number = text_in(fields, "MsgId")
    if text_in(fields, "MsgType") != "event" and _MSG_ID.fullmatch(number):
        return f"message:{number}"
    told = (text_in(fields, name)[:128] for name in ("FromUserName", "CreateTime", "Event"))
    return f"event:{':'.join(told)}:{hashlib.sha256(raw).hexdigest()}"


def _occurred_at(fields: Fields, now: datetime) -> datetime:
    told = text_in(fields, "CreateTime")
    return min(datetime.fromtimestamp(int(told), UTC), now) if _SECONDS.fullmatch(told) else now


# --- messages -----------------------------------------------------------------------------------------------------


def _message(kind: str, fields: Fields) -> _Fact:
    number = text_in(fields, "MsgId")
    if kind == "text" and "bizmsgmenuid" in fields:
        # The label comes as Content, as if it had been said; what was meant is the id.
        pressed = Press(data=text_in(fields, "bizmsgmenuid"), query=number)
        return _Fact(pressed, AFTER_MESSAGE)
    found = content_of(kind, fields)
    said = commands.Message(
        kind=found.kind,
        text=found.text,
        details=found.details,
        provider_message=ProviderMessageId(number) if _MSG_ID.fullmatch(number) else None,
        forwarded=found.forwarded,
    )
    return _Fact(said, AFTER_MESSAGE)


# --- events -------------------------------------------------------------------------------------------------------


def _event(fields: Fields) -> _Fact:
    name = text_in(fields, "Event").lower()
    match name:
        case "subscribe":
            scene = text_in(fields, "EventKey").removeprefix("qrscene_")
            return _Fact(Reachability(reachable=True, source=source_of(scene)), AFTER_ACTION)
        case "unsubscribe":
            return _Fact(Reachability(reachable=False))
        case "scan":
            scene = text_in(fields, "EventKey")
            return _Fact(
                Act(action=Slug("scanned"), data={"scene": scene}, source=source_of(scene)), AFTER_ACTION
            )
        case "click":
            return _Fact(Press(data=text_in(fields, "EventKey"), query=""), AFTER_ACTION)
        case "templatesendjobfinish" | "masssendjobfinish":
            return _receipt(fields)
        case _ if name in _ACTS:
            action, read, opens = _ACTS[name]
            return _Fact(Act(action=Slug(action), data=read(fields)), opens)
        case _:
            return _NOT_UNDERSTOOD


def source_of(scene: str) -> Slug | None:
    """Return a scene as a code that may lie in clear for ever; OTHER where it could tell of a person, None where there is none."""
    return coded(scene) or OTHER if scene else None


def _receipt(fields: Fields) -> _Fact:
    number = text_in(fields, "MsgID") or text_in(fields, "MsgId")
    if not _MSG_ID.fullmatch(number):
        return _Fact(NotUnderstood(reason=MALFORMED), of_person=False)
    receipt = Receipt(
        provider_message=ProviderMessageId(number), outcome=_outcome(text_in(fields, "Status").lower())
    )
    return _Fact(receipt, of_person=False)


def _outcome(status: str) -> Slug:
    """Return what became of a message, of a list of words that WeChat's documents give."""
    if status.replace(" ", "") in ("success", "sendsuccess"):
        return Slug("sent")
    if "block" in status:
        return Slug("blocked")
    refused = _FAILED.fullmatch(status)
    return Slug(f"err-{refused[1]}") if refused else Slug("failed")


Read = Callable[[Fields], dict[str, Any]]


def _link(fields: Fields) -> dict[str, Any]:
    return {"url": normalised(text_in(fields, "EventKey"))}


def _scanned_code(fields: Fields) -> dict[str, Any]:
    scanned = within(fields, "ScanCodeInfo")
    return {
        "key": text_in(fields, "EventKey"),
        "kind": text_in(scanned, "ScanType"),
        "result": text_in(scanned, "ScanResult"),
    }


def _pictures(fields: Fields) -> dict[str, Any]:
    return {
        "key": text_in(fields, "EventKey"),
        "count": len(each(within(within(fields, "SendPicsInfo"), "PicList"), "item")),
    }


def _chosen_place(fields: Fields) -> dict[str, Any]:
    place = within(fields, "SendLocationInfo")
    return {"key": text_in(fields, "EventKey"), **_coordinates(place, "Location_X", "Location_Y")} | {
        "address": text_in(place, "Label"),
        "title": text_in(place, "Poiname"),
    }


def _reported_place(fields: Fields) -> dict[str, Any]:
    return _coordinates(fields, "Latitude", "Longitude")


def _coordinates(fields: Fields, latitude: str, longitude: str) -> dict[str, Any]:
    told = (("latitude", text_in(fields, latitude)), ("longitude", text_in(fields, longitude)))
    return {name: float(value) for name, value in told if _NUMBER.fullmatch(value)}


def _choices(holder: str) -> Read:
    def read(fields: Fields) -> dict[str, Any]:
        lists = each(within(fields, holder), "List") or [
            one for shown in each(fields, holder) for one in each(shown, "List")
        ]
        return {
            "choices": [
                {
                    "template": text_in(one, "TemplateId"),
                    "choice": text_in(one, "SubscribeStatusString"),
                    "error": text_in(one, "ErrorStatus"),
                }
                for one in lists
            ]
        }

    return read


_ACTS: Final[dict[str, tuple[str, Read, Opening | None]]] = {
    "view": ("opened-link", _link, None),
    "view_miniprogram": ("opened-mini-program", _link, None),
    "scancode_push": ("scanned-code", _scanned_code, AFTER_ACTION),
    "scancode_waitmsg": ("scanned-code", _scanned_code, AFTER_ACTION),
    "pic_sysphoto": ("chose-pictures", _pictures, None),
    "pic_photo_or_album": ("chose-pictures", _pictures, None),
    "pic_weixin": ("chose-pictures", _pictures, None),
    "location_select": ("chose-place", _chosen_place, None),
    "location": ("reported-place", _reported_place, None),
    "subscribe_msg_popup_event": ("chose-subscription", _choices("SubscribeMsgPopupEvent"), None),
    "subscribe_msg_change_event": ("changed-subscription", _choices("SubscribeMsgChangeEvent"), None),
    "subscribe_msg_sent_event": ("got-subscribed-message", _choices("SubscribeMsgSentEvent"), None),
}
"""By event: what it is called in the log, what it was done with, and the reply window that it opens."""
