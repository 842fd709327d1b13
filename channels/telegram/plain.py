"""The plain update, which is most of them: somebody writes a text in private. Read straight from its bytes.

The library's models are a fifth of what an update costs, and nothing of them is wanted here. Whatever is not exactly as plain as this is
left to ``parse``; a test holds the two against each other.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import msgspec

from channels.telegram.identity import BotIdentity
from channels.telegram.parse import person, received, said
from domain.conversations.commands import Receive

_LATEST: Final = 2**32
"""A time in seconds; the library takes far larger ones for milliseconds."""


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    pass


class _User(_Strict):
    id: int
    is_bot: bool
    first_name: str
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None
    is_premium: bool | None = None


class _Chat(_Strict):
    id: int
    type: Literal["private"]
    first_name: str | None = None
    last_name: str | None = None
    username: str | None = None


class _Entity(_Strict):
    type: str
    offset: int
    length: int


class _Message(_Strict, rename={"from_user": "from"}):
    message_id: int
    date: Annotated[int, msgspec.Meta(ge=0, le=_LATEST)]
    chat: _Chat
    from_user: _User
    text: str
    entities: list[_Entity] | None = None


class _Update(_Strict):
    update_id: int
    message: _Message


_UPDATE: Final = msgspec.json.Decoder(_Update)


def plain(body: bytes, bot: BotIdentity) -> Sequence[Receive] | None:
    """Return what a plain update says, as ``parse`` would; None for any other."""
    try:
        update = _UPDATE.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    message = update.message
    sender = person(message.from_user)
    if sender is None:
        return None
    at = datetime.fromtimestamp(message.date, UTC)
    return [received(said(message.text, message.message_id), at, sender, update.update_id, bot, body)]
