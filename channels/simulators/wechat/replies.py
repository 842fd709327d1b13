"""The account's answers to callbacks: `success`, nothing, or an encrypted passive reply, which is verified."""

# The answer comes from the account's own server, and its document type is refused before it is parsed.
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass

from channels.simulators.wechat.crypto import Envelopes, Unreadable
from channels.simulators.wechat.limits import TEXT_BYTES_MAX
from channels.simulators.wechat.settings import OfficialAccount
from channels.simulators.wechat.shapes import Json

_MEDIA_KINDS = {"image": "Image", "voice": "Voice", "video": "Video"}


class WrongAnswer(Exception):
    """What WeChat takes for a server that is out of order."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`kind` is the MsgType, `text` what is read, `content` the fields, nested ones as objects."""

    kind: str
    text: str | None
    content: Json


def read_answer(
    body: bytes, account: OfficialAccount, openid: str, is_media: Callable[[str], bool]
) -> Reply | None:
    """The passive reply, None for `success` and nothing. Raises WrongAnswer for anything else."""
    if body in (b"", b"success"):
        return None
    outer = _parsed(body)
    envelopes = Envelopes(account.token, account.aes_key, account.app_id)
    try:
        inner = envelopes.open(
            _field(outer, "Encrypt"),
            _field(outer, "MsgSignature"),
            _field(outer, "TimeStamp"),
            _field(outer, "Nonce"),
        )
    except Unreadable as error:
        raise WrongAnswer(str(error)) from error
    reply = _parsed(inner)
    if _field(reply, "ToUserName") != openid:
        raise WrongAnswer("the reply goes to somebody else")
    if _field(reply, "FromUserName") != account.original_id:
        raise WrongAnswer("the reply comes from somebody else")
    if not _field(reply, "CreateTime").isdecimal():
        raise WrongAnswer("CreateTime is no number of seconds")
    return _reply(reply, is_media)


def _reply(reply: Json, is_media: Callable[[str], bool]) -> Reply:
    kind = _field(reply, "MsgType")
    match kind:
        case "text":
            text: str | None = _field(reply, "Content")
            if len(_field(reply, "Content").encode()) > TEXT_BYTES_MAX:
                raise WrongAnswer("the text is too long")
        case "image" | "voice" | "video":
            media = reply.get(_MEDIA_KINDS[kind])
            if not isinstance(media, dict) or not is_media(str(media.get("MediaId", ""))):
                raise WrongAnswer("there is no such MediaId")
            text = str(media["Title"]) if media.get("Title") else None
        case "news":
            text = _article(reply)
        case "music" | "transfer_customer_service":
            text = None
        case _:
            raise WrongAnswer(f"there is no MsgType {kind}")
    return Reply(kind, text, reply)


def _article(reply: Json) -> str:
    articles = reply.get("Articles")
    if not isinstance(articles, dict) or not isinstance(articles.get("item"), dict):
        raise WrongAnswer("news has one article")
    item = articles["item"]
    if not item.get("Title") or not item.get("Url"):
        raise WrongAnswer("an article has a title and an address")
    return "\n".join(part for part in (item["Title"], item.get("Description")) if part)


def _field(fields: Json, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise WrongAnswer(f"{name} is missing")
    return value


def _parsed(body: bytes) -> Json:
    if b"<!DOCTYPE" in body:
        raise WrongAnswer("a document type")
    try:
        root = ET.fromstring(body)  # noqa: S314 - see above
    except ET.ParseError as error:
        raise WrongAnswer("neither success nor XML") from error
    if root.tag != "xml":
        raise WrongAnswer("the root is not <xml>")
    fields = _fields(root)
    if not isinstance(fields, dict):
        raise WrongAnswer("<xml> is empty")
    return fields


def _fields(element: ET.Element) -> Json | str:
    """The children by name, a list where one is repeated; the text of an element without any."""
    if not len(element):
        return element.text or ""
    found: Json = {}
    for child in element:
        value = _fields(child)
        if child.tag not in found:
            found[child.tag] = value
        elif isinstance(found[child.tag], list):
            found[child.tag].append(value)
        else:
            found[child.tag] = [found[child.tag], value]
    return found
