"""The list of commands that Telegram shows beside the place where one types."""

from collections.abc import Sequence
from typing import Final

from aiogram.methods import DeleteMyCommands, SetMyCommands, TelegramMethod
from aiogram.types import BotCommand, BotCommandScopeAllPrivateChats, BotCommandScopeChat

COMMANDS_MAX: Final = 100
DESCRIPTION_CHARACTERS: Final = 256
"""core.telegram.org/bots/api#botcommand, #setmycommands (2026-11-22)."""


def menu(entries: Sequence[tuple[str, str]], language: str | None, to: str | None) -> TelegramMethod[bool]:
    """Return the call that shows these (command, what it does); none: that takes the list away."""
    scope = BotCommandScopeAllPrivateChats() if to is None else BotCommandScopeChat(chat_id=int(to))
    if not entries:
        return DeleteMyCommands(scope=scope, language_code=language)
    commands = [
        BotCommand(command=name, description=told[:DESCRIPTION_CHARACTERS])
        for name, told in entries[:COMMANDS_MAX]
    ]
    return SetMyCommands(commands=commands, scope=scope, language_code=language)
