"""Calls that write to one person: customer-service, template and subscribe messages."""

from collections.abc import Mapping
from typing import Final

from channels.simulators.wechat.call import Call, number_of, object_of, text_of
from channels.simulators.wechat.errors import OK, ApiError
from channels.simulators.wechat.limits import (
    TEMPLATE_DUPLICATE_S,
    TEXT_BYTES_MAX,
    TYPING_AFTER_MESSAGE_S,
    TYPING_LASTS_S,
)
from channels.simulators.wechat.notices import subscription_sent, template_finished
from channels.simulators.wechat.sent import Via
from channels.simulators.wechat.shapes import Json
from channels.simulators.wechat.world import World

_MEDIA_KINDS: Final[Mapping[str, frozenset[str]]] = {
    "image": frozenset({"image"}),
    "voice": frozenset({"voice"}),
    "video": frozenset({"video"}),
    "mpvideo": frozenset({"video"}),
}


def custom_send(world: World, call: Call) -> Json:
    """What is wrong with the message is told before whether the window is open: a wrong one uses nothing up."""
    posted = call.posted()
    openid = text_of(posted, "touser", 40003)
    person = world.follower(openid)
    kind, content = content_of(posted)
    text = readable(world, kind, content)
    person.window.take(world.clock())
    person.typing_until = float("-inf")
    world.show(Via.SERVICE, person, kind, text, content)
    return OK


def typing(world: World, call: Call) -> Json:
    posted = call.posted()
    person = world.follower(text_of(posted, "touser", 40003))
    now = world.clock()
    match posted.get("command"):
        case "Typing":
            if now > person.spoke_at + TYPING_AFTER_MESSAGE_S:
                raise ApiError(45080)
            if now < person.typing_until:
                raise ApiError(45081)
            person.typing_until = now + TYPING_LASTS_S
        case "CancelTyping":
            person.typing_until = float("-inf")
        case _:
            raise ApiError(45072)
    return OK


def template_send(world: World, call: Call) -> Json:
    """A `client_msg_id` that the person got within 10 minutes is answered with the first message's id."""
    posted = call.posted()
    openid = text_of(posted, "touser", 40003)
    template = _template(world, posted)
    text = _filled(object_of(posted, "data", 47003))
    client_id = posted.get("client_msg_id")
    now = world.clock()
    if isinstance(client_id, str) and client_id:
        msg_id, sent_at = world.template_ids.get((openid, client_id), (0, float("-inf")))
        if now < sent_at + TEMPLATE_DUPLICATE_S:
            return OK | {"msgid": msg_id}
    person = world.follower(openid)
    msg_id = world.next_job_id()
    if isinstance(client_id, str) and client_id:
        world.template_ids[openid, client_id] = (msg_id, now)
    refused = template in person.rejected
    if not refused:
        world.show(Via.TEMPLATE, person, "template", text, posted, msg_id)
    world.event(openid, template_finished(msg_id, "failed:user block" if refused else "success"))
    return OK | {"msgid": msg_id}


def subscribe_send(world: World, call: Call) -> Json:
    """Each message uses up one consent; 43101 without one."""
    posted = call.posted()
    person = world.known(text_of(posted, "touser", 40003))
    template = _template(world, posted)
    text = _filled(object_of(posted, "data", 47003))
    if not person.balances[template]:
        raise ApiError(43101)
    person.balances[template] -= 1
    msg_id = world.next_job_id()
    world.show(Via.SUBSCRIPTION, person, "subscription", text, posted, msg_id)
    world.event(person.openid, subscription_sent(template, msg_id))
    return OK


def content_of(posted: Json) -> tuple[str, Json]:
    """The message type and the object under its name. Raises ApiError 40008 or 47001."""
    kind = text_of(posted, "msgtype", 40008)
    return kind, object_of(posted, kind)


def readable(world: World, kind: str, content: Json) -> str | None:
    """The words of a message that a person reads, None for none. Raises ApiError for what is wrong with it."""
    match kind:
        case "text":
            return _checked_text(text_of(content, "content", 44004))
        case "image" | "voice" | "video" | "mpvideo":
            medium = world.media.find(text_of(content, "media_id", 41006))
            if medium.kind not in _MEDIA_KINDS[kind]:
                raise ApiError(40007)
            if thumb := content.get("thumb_media_id"):
                world.media.find(str(thumb))
            return str(content["title"]) if content.get("title") else None
        case "news":
            return _article(content)
        case "msgmenu":
            return _checked_text(_menu(content))
        case _:
            raise ApiError(40008)


def _checked_text(text: str) -> str:
    if len(text.encode()) > TEXT_BYTES_MAX:
        raise ApiError(45002)
    return text


def _article(content: Json) -> str:
    articles = content.get("articles")
    if not isinstance(articles, list) or not articles:
        raise ApiError(44003)
    if len(articles) > 1:
        raise ApiError(45008)
    if not isinstance(articles[0], dict):
        raise ApiError(47001)
    title, url = text_of(articles[0], "title", 44003), text_of(articles[0], "url", 44003)
    if not url.startswith(("http://", "https://")):
        raise ApiError(47003, "hint: url")
    return "\n".join(part for part in (title, articles[0].get("description")) if part)


def _menu(content: Json) -> str:
    items = content.get("list")
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise ApiError(47001)
    for item in items:
        number_or_text = item.get("id")
        if not isinstance(number_or_text, str):
            number_of(item, "id")
    lines = [content.get("head_content"), *(text_of(item, "content") for item in items)]
    return "\n".join(str(line) for line in (*lines, content.get("tail_content")) if line)


def _template(world: World, posted: Json) -> str:
    template = text_of(posted, "template_id", 40037)
    if world.account.templates is not None and template not in world.account.templates:
        raise ApiError(40037)
    return template


def _filled(data: Json) -> str:
    """The values of a template message, a line each. Raises ApiError 47003."""
    if not data:
        raise ApiError(47003)
    lines = []
    for name, field in data.items():
        if not isinstance(field, dict) or not isinstance(field.get("value"), str):
            raise ApiError(47003, f"hint: data.{name}.value")
        lines.append(field["value"])
    return "\n".join(lines)
