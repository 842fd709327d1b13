"""Whether somebody in a group speaks to the bot."""

import re
from typing import Final

from aiogram.types import Message

from channels.telegram.identity import BotIdentity
from domain.errors import Overloaded

_NAME_CHARACTER: Final = "[A-Za-z0-9_]"


def mentions_bot(message: Message, bot: BotIdentity) -> bool:
    """Return whether a message names the bot (``@name``, ``/command@name``, a link to it) or answers one of its messages.

    Raises Overloaded where that needs the bot's name and it is not known yet: the update has to come again.
    """
    if answered := reply_of(message):
        author = answered.from_user
        if author is not None and author.id == bot.id:
            return True
    entities = message.entities or message.caption_entities or ()
    if any(entity.user is not None and entity.user.id == bot.id for entity in entities):
        return True
    text = message.text or message.caption or ""
    if "@" not in text:
        return False
    if bot.username is None:
        raise Overloaded("the bot's name is not known yet: come again")
    return bool(bot.username and _names(bot.username).search(text))


def reply_of(message: Message) -> Message | None:
    """Return the message that this one answers.

    In a topic, what answers nothing comes as an answer to the message that opened the topic: that is none.
    """
    answered = message.reply_to_message
    return None if answered is None or answered.forum_topic_created is not None else answered


def _names(username: str) -> re.Pattern[str]:
    name = re.escape(username)
    # Neither an address (someone@name) nor a longer name (@name_2); a command is joined to the name.
    pattern = rf"(?:(?<!{_NAME_CHARACTER})|(?:^|\s)/{_NAME_CHARACTER}+)@{name}(?!{_NAME_CHARACTER})"
    return re.compile(pattern, re.IGNORECASE | re.ASCII)
