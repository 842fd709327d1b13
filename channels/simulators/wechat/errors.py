"""WeChat's refusals by number (developers.weixin.qq.com, "全局返回码", read 2026-11): HTTP 200 with an errcode."""

import secrets
from typing import Final

from channels.simulators.wechat.shapes import Json

_TEXTS: Final = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40004: "invalid media type",
    40005: "invalid file type",
    40006: "invalid media size",
    40007: "invalid media_id",
    40008: "invalid message type",
    40013: "invalid appid",
    40016: "invalid button size",
    40017: "invalid button type",
    40018: "invalid button name size",
    40019: "invalid button key size",
    40020: "invalid button url size",
    40023: "invalid sub button size",
    40025: "invalid sub button name size",
    40032: "invalid openid list size",
    40037: "invalid template_id",
    40052: "invalid action name",
    40053: "invalid action info",
    40125: "invalid appsecret",
    40130: "invalid openid list size, at least two openid",
    40164: "invalid ip",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41005: "media data missing",
    41006: "media_id missing",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    43004: "require subscribe",
    43101: "user refuse to accept the msg",
    44002: "empty post data",
    44003: "empty news data",
    44004: "empty content",
    45002: "content size out of limit",
    45008: "article size out of limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    45015: "response out of time limit or subscription is canceled",
    45028: "has no masssend quota",
    45047: "out of response count limit",
    45056: "too many tag now, no need to add new",
    45058: "can't modify sys tag",
    45059: "can't add more tags to a fan",
    45065: "clientmsgid exist",
    45066: "same clientmsgid retry too fast",
    45067: "clientmsgid size out of limit",
    45072: "invalid typing command",
    45080: "no message from user in the last 30 seconds",
    45081: "typing status already sent",
    45157: "invalid tag name",
    45158: "tag name too long",
    45159: "invalid tag",
    46003: "menu no exist",
    47001: "data format error",
    47003: "argument invalid!",
    48001: "api unauthorized",
    49003: "not match openid with appid",
    50002: "user limited",
}


class ApiError(Exception):
    """An answer with an errcode; `more` stands beside it in the JSON. Real texts end with an id of the request."""

    def __init__(self, code: int, detail: str = "", more: Json | None = None) -> None:
        super().__init__(code)
        self.code = code
        text = _TEXTS.get(code, "error")
        self.body: Json = {
            "errcode": code,
            "errmsg": f"{text}{f' {detail}' if detail else ''} rid: {secrets.token_hex(4)}-{secrets.token_hex(4)}",
        } | (more or {})


OK: Final[Json] = {"errcode": 0, "errmsg": "ok"}
