"""Updates as Telegram sends them, and what our parser makes of one."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from channels.telegram.identity import BotIdentity
from channels.telegram.judge import judge
from domain.conversations.commands import Chat, Content, Receive, Sender
from domain.identity import Account, Channel, Locale, Slug
from domain.message import Raw
from tests.channels.house import NOW

Json = dict[str, Any]

BOT = BotIdentity(42, "siyu_bot")
SENT_AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
SENT = int(SENT_AT.timestamp())

MEI: Json = {
    "id": 7,
    "is_bot": False,
    "first_name": "Mei",
    "last_name": "Li",
    "username": "mei",
    "language_code": "zh-hans",
}
OLD_WANG: Json = {"id": 8, "is_bot": False, "first_name": "老王"}
US: Json = {"id": 42, "is_bot": True, "first_name": "Siyu", "username": "siyu_bot"}
ANOTHER_BOT: Json = {"id": 43, "is_bot": True, "first_name": "Other", "username": "other_bot"}

PRIVATE: Json = {"id": 7, "type": "private", "first_name": "Mei"}
GROUP: Json = {"id": -5, "type": "group", "title": "Tea"}
SUPERGROUP: Json = {"id": -1005, "type": "supergroup", "title": "Tea"}
FORUM: Json = SUPERGROUP | {"is_forum": True}
CHANNEL: Json = {"id": -1009, "type": "channel", "title": "News"}

SENDER = Sender(external_id="7", name="Mei Li", username="mei", language=Locale("zh-hans"))
WANG = Sender(external_id="8", name="老王")
TEA = Chat(external_id="-5", title="Tea", kind=Slug("group"))
BIG_TEA = Chat(external_id="-1005", title="Tea", kind=Slug("supergroup"))


def message(chat: Json | None = None, **fields: object) -> Json:
    return {"message": {"message_id": 11, "from": MEI, "chat": chat or PRIVATE, "date": SENT} | fields}


def membership(kind: str, chat: Json, who: Json, before: str, after: str, **after_fields: object) -> Json:
    return {
        kind: {
            "chat": chat,
            "from": MEI,
            "date": SENT,
            "old_chat_member": {"user": who, "status": before}
            | ({"until_date": 0} if before == "kicked" else {}),
            "new_chat_member": {"user": who, "status": after}
            | ({"until_date": 0} if after == "kicked" else {})
            | after_fields,
        }
    }


def body_of(update: Json) -> bytes:
    return json.dumps({"update_id": 1001} | update).encode()


def judged(update: Json, bot: BotIdentity = BOT) -> Sequence[Receive]:
    return judge(body_of(update), bot, NOW)


def content_of(update: Json) -> Content:
    """What the one thing that an update says is."""
    (received,) = judged(update)
    return received.content


def received(
    update: Json,
    content: Content,
    *,
    sender: Sender | None = SENDER,
    chat: Chat | None = None,
    at: datetime = SENT_AT,
) -> Receive:
    """What is expected of an update."""
    return Receive(
        channel=Channel("telegram"),
        account=Account("42"),
        key="update:1001",
        occurred_at=at,
        content=content,
        sender=sender,
        chat=chat,
        raw=Raw(body_of(update)),
    )
