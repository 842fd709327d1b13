"""What a visitor reads, in Chinese and English, and which of the two.

These texts live here, not in bot/texts.py: a channel knows nothing of the house it runs in, and the page needs them as
one piece of JSON.
"""

import re
from collections.abc import Mapping
from typing import Final

from domain.identity import Locale

_LANGUAGE_RANGE = re.compile(
    r"\s*([A-Za-z]{2,3})(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?"
)
_LONGEST_HEADER: Final = 512
_FALLBACK: Final = "en"

ERRORS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "bad-frame": "This could not be understood. Please reload the page.",
        "bad-id": "A message needs a UUID as its id.",
        "bad-token": "This session is not valid. Please reload the page.",
        "empty": "There is nothing in this message.",
        "no-file": "This file cannot be sent here. Photos, videos, sound, PDF and office files can.",
        "other-session": "This connection already belongs to a session.",
        "refused": "This could not be accepted.",
        "too-fast": "That was a little fast. It will be sent in a moment.",
        "too-large": "This file is too large.",
        "too-long": "This message is too long.",
        "too-many-sockets": "This chat is open in too many windows. Please close one.",
        "unknown-kind": "This cannot be read here yet. We kept it.",
        "unavailable": "We cannot take messages right now. It will be sent as soon as we can.",
    },
    "zh": {
        "bad-frame": "无法识别，请刷新页面。",
        "bad-id": "消息需要一个 UUID 作为编号。",
        "bad-token": "会话无效，请刷新页面。",
        "empty": "消息是空的。",
        "no-file": "无法发送此文件。可发送图片、视频、音频、PDF 和办公文档。",
        "other-session": "此连接已属于另一个会话。",
        "refused": "未能接受这条消息。",
        "too-fast": "发得有点快，稍后会自动发送。",
        "too-large": "文件太大了。",
        "too-long": "消息太长了。",
        "too-many-sockets": "打开的聊天窗口太多，请关闭一个。",
        "unknown-kind": "暂不支持这类消息，已为您保存。",
        "unavailable": "暂时无法接收消息，恢复后会自动发送。",
    },
}

PAGE: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "attach": "Send a photo or a file",
        "connected": "Connected",
        "connecting": "Connecting…",
        "counter": "{left} characters left",
        "failed": "Not sent",
        "file": "File",
        "from_me": "You",
        "latest": "New messages",
        "log": "Conversation",
        "no_script": "This chat needs JavaScript. Please switch it on and reload the page.",
        "offline": "No connection. Your messages are kept and sent later.",
        "over": "{over} characters too many",
        "photo": "Photo",
        "placeholder": "Write a message",
        "quote": "Reply",
        "quoting": "Reply to: {text}",
        "unquote": "Do not quote",
        "send": "Send",
        "sending": "Sending…",
        "sent": "Sent",
        "title": "Chat with {brand}",
        "today": "Today",
        "unanswered": "{brand} does not answer yet. We keep trying.",
        "unread": "({count}) {title}",
        "uploading": "The file is being sent…",
        "video": "Video",
        "voice": "Voice message",
        "welcome": "Hello! How can we help?",
        "welcome_more": "Write to us here. You will find the answer in this window, also when you come back later.",
        "yesterday": "Yesterday",
    },
    "zh": {
        "attach": "发送图片或文件",
        "connected": "已连接",
        "connecting": "正在连接…",
        "counter": "还可输入 {left} 字",
        "failed": "未发送",
        "file": "文件",
        "from_me": "我",
        "latest": "有新消息",
        "log": "聊天记录",
        "no_script": "此聊天需要 JavaScript，请启用后刷新页面。",
        "offline": "网络已断开，消息已保存，恢复后自动发送。",
        "over": "超出 {over} 字",
        "photo": "图片",
        "placeholder": "输入消息",
        "quote": "回复",
        "quoting": "回复：{text}",
        "unquote": "取消引用",
        "send": "发送",
        "sending": "发送中…",
        "sent": "已发送",
        "title": "与{brand}聊天",
        "today": "今天",
        "unanswered": "暂时联系不上{brand}，正在重试。",
        "unread": "（{count}）{title}",
        "uploading": "正在发送文件…",
        "video": "视频",
        "voice": "语音",
        "welcome": "您好，有什么可以帮您？",
        "welcome_more": "请在这里留言，回复会显示在本页，稍后回来也能看到。",
        "yesterday": "昨天",
    },
}


def preferred(accept_language: str | None) -> list[Locale]:
    """Return the languages of an Accept-Language header, the most wanted first, as ``zh`` or ``yue``."""
    wanted: list[tuple[float, Locale]] = []
    for part in (accept_language or "")[:_LONGEST_HEADER].split(","):
        match = _LANGUAGE_RANGE.fullmatch(part)
        if match and (weight := float(match[2] or 1)) > 0:
            wanted.append((weight, Locale(match[1].lower())))
    return [language for _, language in sorted(wanted, key=lambda item: -item[0])]


def language(accept_language: str | None, house: str) -> str:
    """Return which of our languages to show: the first that the browser wants, else the house's, else English."""
    for wanted in (*preferred(accept_language), house.partition("-")[0].partition("_")[0].lower()):
        if wanted in PAGE:
            return wanted
    return _FALLBACK
