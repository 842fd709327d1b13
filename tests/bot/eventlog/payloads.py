"""Payloads as providers post them, with made-up people and words: what a dictionary is trained on, and held against.

``python -m tests.bot.eventlog.payloads FILE`` trains one. A dictionary that is in use is never made again: the next gets its own number.
"""

import json
import random
import string
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import zstandard

SAMPLES, DICTIONARY_BYTES = 20_000, 4_096


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_SIGNS = (
    "的一是了我不在人们有来他这上个地到大里说就去子得和那要下看天时过出小么起你都把好还多没为又可家学只以主会样年想同中十从自面前头道"
    "后然走很像见两用她国动进成回什边作对开些现山民候经发工向事给长水几义三声高手知理眼点心问但身方吃做叫当住听打真才四已之最光产情路"
    "分总条白东席次亲被花口放儿常气五第写文再果定快行因外物部门新带先力完却站机更九您每风级笑孩少直意夜比阶连车重"
)
_STOPS = ("？", "！", "，", "。", "~", " ", "")
_WORDS = _listed(
    "is the do you have in stock size please order ship when my hello thanks price how much color red blue ok yes no"
    " refund send today"
)
_NAMES = _listed("王芳 李伟 张敏 刘洋 Anna Tom Kate Lee Max 小雨 阿明 Zoe Ivan Мария")
_LANGUAGES = ("zh-hans", "en", "zh-hant", "ru")
_TOKEN = string.ascii_letters + string.digits + "-_"
_PHOTO_SIZES = ((90, 67), (320, 240), (1280, 960))
_FIRST_S, _LAST_S = 1_700_000_000, 1_900_000_000


class Payloads:
    """The same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def some(self, count: int) -> list[bytes]:
        """Return updates by Telegram and callbacks by WeChat, more of the former."""
        return [self._telegram() if self._random.random() < 0.7 else self._wechat() for _ in range(count)]

    def _one(self, of: Sequence[str]) -> str:
        return self._random.choice(of)

    def _often(self, share: float) -> bool:
        return self._random.random() < share

    def _number(self, digits: int) -> int:
        return self._random.randint(10 ** (digits - 1), 10**digits - 1)

    def _token(self, length: int) -> str:
        return "".join(self._random.choices(_TOKEN, k=length))

    def _text(self) -> str:
        if self._often(0.3):
            return " ".join(self._random.choices(_WORDS, k=self._random.randint(1, 9)))
        parts = range(self._random.randint(1, 3))
        said = ("".join(self._random.choices(_SIGNS, k=self._random.randint(2, 9))) for _ in parts)
        return "".join(part + self._one(_STOPS) for part in said)

    def _person(self) -> dict[str, Any]:
        person: dict[str, Any] = {"id": self._number(9), "first_name": self._one(_NAMES)}
        if self._often(0.3):
            person["last_name"] = self._one(_NAMES)
        if self._often(0.6):
            person["username"] = self._token(self._random.randint(5, 12)).lower()
        return person

    def _telegram(self) -> bytes:
        person = self._person()
        chat: dict[str, Any] = {**person, "type": "private"}
        if self._often(0.12):
            chat = {"id": -self._number(13), "title": self._text(), "type": "supergroup"}
        sender = {"id": person["id"], "is_bot": False, **person, "language_code": self._one(_LANGUAGES)}
        head = {"message_id": self._number(self._random.randint(1, 6))}
        who, where, when = {"from": sender}, {"chat": chat}, {"date": self._random.randint(_FIRST_S, _LAST_S)}
        message = {**head, **who, **where, **when} if self._often(0.5) else {**head, **when, **where, **who}
        update = {"update_id": self._number(9), **self._said(message, sender)}
        dense = self._often(0.6)
        separators = (",", ":") if dense else (", ", ": ")
        return json.dumps(update, ensure_ascii=self._often(0.5), separators=separators).encode()

    def _said(self, message: dict[str, Any], sender: dict[str, Any]) -> dict[str, Any]:
        kind = self._random.random()
        if kind < 0.75:
            return {"message": {**message, "text": self._text()}}
        if kind < 0.8:
            command = {"offset": 0, "length": 6, "type": "bot_command"}
            return {"message": {**message, "text": f"/start {self._token(6)}", "entities": [command]}}
        if kind < 0.86:
            return {"message": {**message, "photo": [self._photo(*size) for size in _PHOTO_SIZES]}}
        if kind < 0.92:
            return {"edited_message": {**message, "edit_date": message["date"] + 5, "text": self._text()}}
        bot = {"id": self._number(10), "is_bot": True, "first_name": "Shop", "username": "shop_bot"}
        button = {"text": self._text(), "callback_data": f"say:{self._text()}"}
        keyboard = {"inline_keyboard": [[button]]}
        shown = {**message, "from": bot, "text": self._text(), "reply_markup": keyboard}
        ids = {"id": str(self._number(18)), "from": sender, "message": shown}
        return {
            "callback_query": {**ids, "chat_instance": str(self._number(18)), "data": f"say:{self._text()}"}
        }

    def _photo(self, width: int, height: int) -> dict[str, Any]:
        ids = {"file_id": f"AgACAgUAAxkBAA{self._token(50)}", "file_unique_id": f"AQAD{self._token(11)}"}
        return {**ids, "file_size": self._number(5), "width": width, "height": height}

    def _wechat(self) -> bytes:
        fields = [
            f"<ToUserName><![CDATA[gh_{self._number(13):x}]]></ToUserName>",
            f"<FromUserName><![CDATA[o{self._token(27)}]]></FromUserName>",
            f"<CreateTime>{self._random.randint(_FIRST_S, _LAST_S)}</CreateTime>",
            *self._wechat_content(),
        ]
        return f"<xml>{self._one(('', chr(10))).join(fields)}</xml>".encode()

    def _wechat_content(self) -> list[str]:
        kind, number = self._random.random(), f"<MsgId>{self._number(17)}</MsgId>"
        if kind < 0.6:
            text = f"<Content><![CDATA[{self._text()}]]></Content>"
            return ["<MsgType><![CDATA[text]]></MsgType>", text, number]
        if kind < 0.7:
            picture = f"<PicUrl><![CDATA[http://mmbiz.qpic.cn/mmbiz_jpg/{self._token(60)}/0]]></PicUrl>"
            media = f"<MediaId><![CDATA[{self._token(43)}]]></MediaId>"
            return ["<MsgType><![CDATA[image]]></MsgType>", picture, number, media]
        event = self._one(("subscribe", "unsubscribe", "SCAN", "CLICK", "VIEW"))
        key = self._one(("", "qrscene_abc", "menu-1"))
        told = f"<Event><![CDATA[{event}]]></Event><EventKey><![CDATA[{key}]]></EventKey>"
        return ["<MsgType><![CDATA[event]]></MsgType>", told]


if __name__ == "__main__":
    trained = zstandard.train_dictionary(DICTIONARY_BYTES, [*Payloads(1).some(SAMPLES)], level=3)
    Path(sys.argv[1]).write_bytes(trained.as_bytes())
