"""Lists of commands, as calls and over the simulator."""

from aiogram.methods import DeleteMyCommands, SetMyCommands
from aiogram.types import BotCommand, BotCommandScopeAllPrivateChats, BotCommandScopeChat

from channels.telegram.menu import menu


def test_a_list_for_a_language_is_for_all_private_chats() -> None:
    assert menu([("help", "看看")], "zh", None) == SetMyCommands(
        commands=[BotCommand(command="help", description="看看")],
        scope=BotCommandScopeAllPrivateChats(),
        language_code="zh",
    )


def test_a_list_for_one_chat_and_its_end() -> None:
    chat = BotCommandScopeChat(chat_id=1001)
    assert menu([("tag", "x" * 300)], None, "1001") == SetMyCommands(
        commands=[BotCommand(command="tag", description="x" * 256)], scope=chat
    )
    assert menu([], None, "1001") == DeleteMyCommands(scope=chat)
