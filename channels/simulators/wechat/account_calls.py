"""Calls about the account itself: tokens, media, QR codes, the menu, WeChat's addresses."""

import secrets
from collections.abc import Mapping
from typing import Final

from channels.simulators.wechat.call import Call, Download, object_of, text_of
from channels.simulators.wechat.errors import OK, ApiError
from channels.simulators.wechat.limits import (
    BUTTON_KEY_BYTES_MAX,
    BUTTON_NAME_BYTES_MAX,
    BUTTON_URL_BYTES_MAX,
    BUTTONS_MAX,
    QR_LIFE_DEFAULT_S,
    QR_LIFE_MAX_S,
    SCENE_CHARACTERS_MAX,
    SUB_BUTTON_NAME_BYTES_MAX,
    SUB_BUTTONS_MAX,
)
from channels.simulators.wechat.shapes import Json
from channels.simulators.wechat.world import Ticket, World

_LOOPBACK: Final = "127.0.0.1"
_KEYED: Final = frozenset(
    {
        "click",
        "scancode_push",
        "scancode_waitmsg",
        "pic_sysphoto",
        "pic_photo_or_album",
        "pic_weixin",
        "location_select",
    }
)


def token(world: World, call: Call) -> Json:
    query = call.got()
    _check_credentials(world, call, query)
    return world.tokens.ordinary()


def stable_token(world: World, call: Call) -> Json:
    posted = call.posted()
    _check_credentials(world, call, posted)
    return world.tokens.stable(forced=posted.get("force_refresh") is True)


def upload_media(world: World, call: Call) -> Json:
    if call.verb != "POST":
        raise ApiError(43002)
    if call.upload is None:
        raise ApiError(41005)
    kind = call.query.get("type", "")
    medium = world.media.upload(kind, call.upload.name, call.upload.content)
    id_field = "thumb_media_id" if kind == "thumb" else "media_id"
    return {"type": kind, id_field: medium.id, "created_at": world.now}


def get_media(world: World, call: Call) -> Json | Download:
    """The file; of a video the address of the file."""
    medium = world.media.find(call.got().get("media_id", ""))
    if medium.kind == "video":
        return {"video_url": f"{world.base}/mmbiz/{medium.id}"}
    return Download(f"{medium.id}.{medium.extension}", medium.content_type, medium.content)


def create_qrcode(world: World, call: Call) -> Json:
    """A text scene, for a time (QR_STR_SCENE) or for ever (QR_LIMIT_STR_SCENE)."""
    posted = call.posted()
    action = posted.get("action_name")
    if action not in ("QR_STR_SCENE", "QR_LIMIT_STR_SCENE"):
        raise ApiError(40052)
    scene = text_of(object_of(object_of(posted, "action_info", 40053), "scene", 40053), "scene_str", 40053)
    if len(scene) > SCENE_CHARACTERS_MAX:
        raise ApiError(40053)
    life_s = posted.get("expire_seconds", QR_LIFE_DEFAULT_S)
    if isinstance(life_s, bool) or not isinstance(life_s, int) or life_s < 1:
        raise ApiError(47001)
    life_s = min(life_s, QR_LIFE_MAX_S)
    temporary = action == "QR_STR_SCENE"
    code = Ticket(
        f"gQ{secrets.token_urlsafe(64)}==",
        scene,
        world.clock() + life_s if temporary else None,
        f"http://weixin.qq.com/q/{secrets.token_urlsafe(16)}",
    )
    world.tickets.append(code)
    return {"ticket": code.ticket, "url": code.url} | ({"expire_seconds": life_s} if temporary else {})


def create_menu(world: World, call: Call) -> Json:
    posted = call.posted()
    buttons = posted.get("button")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= BUTTONS_MAX:
        raise ApiError(40016)
    for button in buttons:
        if not isinstance(button, dict):
            raise ApiError(47001)
        _check_name(button, BUTTON_NAME_BYTES_MAX, 40018)
        if sub_buttons := button.get("sub_button"):
            _check_sub_buttons(sub_buttons)
        else:
            _check_action(button)
    world.menu = {"button": buttons}
    return OK


def get_menu(world: World, call: Call) -> Json:
    call.got()
    if world.menu is None:
        raise ApiError(46003)
    return {"menu": world.menu}


def delete_menu(world: World, call: Call) -> Json:
    call.got()
    world.menu = None
    return OK


def addresses(_world: World, call: Call) -> Json:
    """What getcallbackip and get_api_domain_ip answer."""
    call.got()
    return {"ip_list": [_LOOPBACK]}


def check_callback(_world: World, call: Call) -> Json:
    """What WeChat's own network check would tell of a server that can be reached."""
    posted = call.posted()
    if posted.get("action") not in ("dns", "ping", "all"):
        raise ApiError(47003, "hint: action")
    operator = text_of(posted, "check_operator")
    dns = [{"ip": _LOOPBACK, "real_operator": "UNICOM"}]
    ping = [{"ip": _LOOPBACK, "from_operator": operator, "package_loss": "0%", "time": "0.100ms"}]
    return ({"dns": dns} if posted["action"] != "ping" else {}) | (
        {"ping": ping} if posted["action"] != "dns" else {}
    )


def _check_credentials(world: World, call: Call, given: Mapping[str, object]) -> None:
    account = world.account
    if given.get("grant_type") != "client_credential":
        raise ApiError(40002)
    if not given.get("appid"):
        raise ApiError(41002)
    if not given.get("secret"):
        raise ApiError(41004)
    if given["appid"] != account.app_id:
        raise ApiError(40013)
    if given["secret"] != account.app_secret:
        raise ApiError(40125)
    if account.white_list is not None and call.address not in account.white_list:
        raise ApiError(40164, f"{call.address} ipv6 ::ffff:{call.address}, not in whitelist")


def _check_sub_buttons(buttons: object) -> None:
    if not isinstance(buttons, list) or len(buttons) > SUB_BUTTONS_MAX:
        raise ApiError(40023)
    for button in buttons:
        if not isinstance(button, dict):
            raise ApiError(47001)
        _check_name(button, SUB_BUTTON_NAME_BYTES_MAX, 40025)
        _check_action(button)


def _check_name(button: Json, bytes_max: int, code: int) -> None:
    if len(text_of(button, "name", code).encode()) > bytes_max:
        raise ApiError(code)


def _check_action(button: Json) -> None:
    match button.get("type"):
        case "view":
            if len(text_of(button, "url", 40020).encode()) > BUTTON_URL_BYTES_MAX:
                raise ApiError(40020)
        case str() as kind if kind in _KEYED:
            if len(text_of(button, "key", 40019).encode()) > BUTTON_KEY_BYTES_MAX:
                raise ApiError(40019)
        case _:
            raise ApiError(40017)
