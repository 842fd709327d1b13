"""Telegram's updates into what came in. Pure: the time and the bot's identity are arguments."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from aiogram.types import CallbackQuery, ChatMemberUpdated, Message, Update, User
from aiogram.types import Chat as TelegramChat
from pydantic import ValidationError

from channels.telegram.content import content_of
from channels.telegram.identity import TELEGRAM_CHANNEL, BotIdentity
from channels.telegram.limits import START_PAYLOAD_CHARACTERS
from channels.telegram.mentions import mentions_bot, reply_of
from domain.conversations import commands
from domain.conversations.commands import (
    Chat,
    Edit,
    GroupChange,
    Join,
    Leave,
    NotUnderstood,
    Press,
    Reachability,
    Receive,
    Sender,
)
from domain.conversations.events import ContentKind
from domain.errors import BadInput
from domain.identity import Locale, ProviderMessageId, Slug
from domain.message import Raw
from domain.policies.sources import coded
from domain.policies.text import normalised

UNKNOWN_KIND: Final = Slug("unknown-kind")
MALFORMED: Final = Slug("malformed")

_GROUPS: Final = ("group", "supergroup")
_PRESENT: Final = ("creator", "administrator", "member")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_START: Final = re.compile(rf"/start(?:@\w+)?\s+([A-Za-z0-9_-]{{1,{START_PAYLOAD_CHARACTERS}}})", re.ASCII)


def parse(update: Mapping[str, Any], bot: BotIdentity, raw: bytes, now: datetime) -> Sequence[Receive]:
    """Return what an update says: one thing, seldom two (the bot comes into a group together with others).

    ``now`` stands in where Telegram tells no time (a pressed button). What is no update of these kinds, or not shaped as one, is
    returned as NotUnderstood. Raises BadInput without an integer ``update_id``, Overloaded for a group's message that can only be judged
    once the bot's name is known.
    """
    update_id = update.get("update_id")
    if type(update_id) is not int:  # a bool is an int to isinstance
        raise BadInput("an update has an integer update_id")
    try:
        facts = _facts(Update.model_validate(update), bot)
    except ValidationError:
        facts = [_Fact(NotUnderstood(reason=MALFORMED))]
    return [_receive(fact, number, update_id, bot, raw, now) for number, fact in enumerate(facts)]


@dataclass(frozen=True, slots=True)
class _Fact:
    content: commands.Content
    at: datetime | None = None
    sender: Sender | None = None
    chat: Chat | None = None


_NOT_UNDERSTOOD: Final = _Fact(NotUnderstood(reason=UNKNOWN_KIND))


def unreadable(update_id: int, bot: BotIdentity, raw: bytes, now: datetime) -> Receive:
    """Return an update of which nothing but its number could be read."""
    return _receive(_Fact(NotUnderstood(reason=MALFORMED)), 0, update_id, bot, raw, now)


def said(text: str, message_id: int) -> commands.Message:
    """Return a text that somebody wrote to the bot in private."""
    return commands.Message(
        kind=ContentKind.TEXT, text=text, provider_message=_id(message_id), to_bot=True, source=_source(text)
    )


def received(
    content: commands.Content, at: datetime, sender: Sender, update_id: int, bot: BotIdentity, raw: bytes
) -> Receive:
    """Return what somebody did in private."""
    return _receive(_Fact(content, at, sender), 0, update_id, bot, raw, at)


def _receive(
    fact: _Fact, number: int, update_id: int, bot: BotIdentity, raw: bytes, now: datetime
) -> Receive:
    return Receive(
        channel=TELEGRAM_CHANNEL,
        account=bot.account,
        key=f"update:{update_id}" + (f":{number}" if number else ""),
        occurred_at=fact.at or now,
        content=fact.content,
        sender=fact.sender,
        chat=fact.chat,
        raw=None if number else Raw(raw),
    )


def _facts(update: Update, bot: BotIdentity) -> list[_Fact]:
    if update.message is not None:
        return _message(update.message, bot)
    if update.edited_message is not None:
        return [_edit(update.edited_message)]
    if update.callback_query is not None:
        return [_press(update.callback_query)]
    if update.my_chat_member is not None:
        return [_own_membership(update.my_chat_member)]
    if update.chat_member is not None:
        return [_membership(update.chat_member)]
    return [_NOT_UNDERSTOOD]


def _message(message: Message, bot: BotIdentity) -> list[_Fact]:
    chat = _group(message.chat, message)
    if chat is not None and (changes := _group_changes(message, chat, bot)):
        return changes
    sender = _speaker(message)
    content = content_of(message)
    if sender is None or content is None:
        return [_NOT_UNDERSTOOD]
    kind, details = content
    text = message.text or message.caption or ""
    answered = reply_of(message)
    said = commands.Message(
        kind=kind,
        text=text,
        details=details,
        provider_message=_id(message.message_id),
        reply_to=None if answered is None else _id(answered.message_id),
        to_bot=chat is None or mentions_bot(message, bot),
        forwarded=message.forward_origin is not None or message.forward_date is not None,
        source=_source(text) if chat is None else None,
    )
    return [_Fact(said, _utc(message.date), sender, chat)]


def _group_changes(message: Message, chat: Chat, bot: BotIdentity) -> list[_Fact]:
    """Return what a service message of a group says; empty for other messages.

    Whoever caused it is named only where they are a person, so an anonymous administrator's change counts too.
    """
    at, by = _utc(message.date), person(message.from_user)
    if (new_id := message.migrate_to_chat_id) is not None:
        return [_Fact(GroupChange(change=Slug("migrated"), new_external_id=str(new_id)), at, by, chat)]
    if (old_id := message.migrate_from_chat_id) is not None:
        before = Chat(external_id=str(old_id), title=chat.title)
        return [_Fact(GroupChange(change=Slug("migrated"), new_external_id=chat.external_id), at, by, before)]
    if message.new_chat_title is not None:
        renamed = Chat(external_id=chat.external_id, title=message.new_chat_title, kind=chat.kind)
        return [_Fact(GroupChange(change=Slug("renamed")), at, by, renamed)]
    if message.new_chat_members:
        return _joins(message.new_chat_members, _Fact(_NOT_UNDERSTOOD.content, at, by, chat), bot)
    if (left := message.left_chat_member) is not None:
        if left.id == bot.id:
            return [_Fact(GroupChange(change=Slug("bot-left")), at, by, chat)]
        member = person(left)
        return [_Fact(Leave(member=member), at, by, chat) if member else _NOT_UNDERSTOOD]
    return []


def _joins(members: Sequence[User], frame: _Fact, bot: BotIdentity) -> list[_Fact]:
    """Return who came; other bots are nobody to speak to."""
    people = tuple(one for member in members if (one := person(member)) is not None)
    facts = [_Fact(Join(members=people), frame.at, frame.sender, frame.chat)] if people else []
    if any(member.id == bot.id for member in members):
        facts.append(_Fact(GroupChange(change=Slug("bot-joined")), frame.at, frame.sender, frame.chat))
    return facts or [_NOT_UNDERSTOOD]


def _edit(message: Message) -> _Fact:
    sender, text = _speaker(message), message.text or message.caption
    if sender is None or text is None:  # a live location that moves, a photo exchanged for another
        return _NOT_UNDERSTOOD
    at = _utc(message.date)
    if message.edit_date is not None:
        at = _from_unix(message.edit_date) or at
    edit = Edit(text=text, provider_message=_id(message.message_id))
    return _Fact(edit, at, sender, _group(message.chat, message))


def _press(query: CallbackQuery) -> _Fact:
    sender, below = person(query.from_user), query.message
    if (
        sender is None or below is None or query.data is None
    ):  # below a message sent "via" the bot, or a game's button
        return _NOT_UNDERSTOOD
    press = Press(data=query.data, query=normalised(query.id), provider_message=_id(below.message_id))
    if below.chat.type == "private":
        return _Fact(press, None, sender)
    chat = _group(below.chat, below if isinstance(below, Message) else None)
    return _Fact(press, None, sender, chat) if chat is not None else _NOT_UNDERSTOOD


def _own_membership(change: ChatMemberUpdated) -> _Fact:
    before, after = _is_in(change.old_chat_member), _is_in(change.new_chat_member)
    at, by = _utc(change.date), person(change.from_user)
    if change.chat.type == "private":
        return _Fact(Reachability(reachable=after), at, by) if by is not None else _NOT_UNDERSTOOD
    chat = _group(change.chat)
    if chat is None or before is after:  # a channel, or other rights in the same group
        return _NOT_UNDERSTOOD
    return _Fact(GroupChange(change=Slug("bot-joined" if after else "bot-left")), at, by, chat)


def _membership(change: ChatMemberUpdated) -> _Fact:
    before, after = _is_in(change.old_chat_member), _is_in(change.new_chat_member)
    chat, member = _group(change.chat), person(change.new_chat_member.user)
    if chat is None or member is None or before is after:
        return _NOT_UNDERSTOOD
    content = Join(members=(member,)) if after else Leave(member=member)
    return _Fact(content, _utc(change.date), person(change.from_user), chat)


def _is_in(member: Any) -> bool:  # noqa: ANN401 - any of aiogram's ChatMember classes
    return member.status in _PRESENT or (member.status == "restricted" and member.is_member)


def _group(chat: TelegramChat, message: Message | None = None) -> Chat | None:
    """Return the group a chat is, None for any other. ``message`` tells the topic."""
    if chat.type not in _GROUPS:
        return None
    topic = None
    # Outside of forums a thread is a chain of replies, and nothing can be sent to it.
    if message is not None and message.message_thread_id is not None:
        topic = message.message_thread_id if message.is_topic_message or chat.is_forum else None
    thread = None if topic is None else Slug(str(topic))
    return Chat(external_id=str(chat.id), title=chat.title or "", kind=Slug(chat.type), thread=thread)


def _speaker(message: Message) -> Sender | None:
    """Return who wrote: nobody for a channel, an anonymous administrator, or somebody who speaks as their channel."""
    if message.sender_chat is not None or message.chat.type not in (*_GROUPS, "private"):
        return None
    return person(message.from_user)


class Known(Protocol):
    """What is read of a user: the library's, or a plain update's."""

    @property
    def id(self) -> int: ...
    @property
    def is_bot(self) -> bool: ...
    @property
    def first_name(self) -> str: ...
    @property
    def last_name(self) -> str | None: ...
    @property
    def username(self) -> str | None: ...
    @property
    def language_code(self) -> str | None: ...


def person(user: Known | None) -> Sender | None:
    """Return a user as somebody to speak to; None for a bot."""
    if user is None or user.is_bot:
        return None
    language = user.language_code
    return Sender(
        external_id=str(user.id),
        name=f"{user.first_name} {user.last_name}" if user.last_name else user.first_name,
        username=user.username or "",
        # It is kept in clear, so it has to be a language.
        language=Locale(language) if language and _LANGUAGE.fullmatch(language) else None,
    )


def _source(text: str) -> Slug | None:
    found = _START.fullmatch(text.strip())
    return coded(found[1]) if found else None


def _id(message_id: int) -> ProviderMessageId:
    return ProviderMessageId(str(message_id))


def _utc(moment: datetime) -> datetime | None:
    """Return the time in UTC; None where it is none that a calendar holds."""
    try:
        return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except OverflowError:
        return None


def _from_unix(seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
