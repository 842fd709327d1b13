"""aiogram's client, unchanged, against the simulator. Its import takes seconds, hence a file of its own."""

from collections.abc import AsyncIterator

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramRetryAfter,
)
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
    ReplyParameters,
)

from channels.simulators.telegram import TelegramSimulator


@pytest.fixture
async def bot(telegram: TelegramSimulator) -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(telegram.base))
    async with Bot(telegram.token, session=session).context() as bot:
        yield bot


async def test_aiogram_understands_every_update(telegram: TelegramSimulator, bot: Bot) -> None:
    mei = telegram.user(7, "Mei", "mei", "zh")
    group = telegram.group(-5, "Tea", "group", bot_status="left")
    mei.joins(group)
    group.adds_bot(mei)
    group.promotes_bot(mei)
    upgraded = group.migrates(-1005, mei)
    mei.leaves(upgraded)
    upgraded.removes_bot(mei)
    mei.starts("from-a-poster")
    for send in (mei.sends_photo, mei.sends_video, mei.sends_voice, mei.sends_sticker):
        send()
    mei.sends_document("a.pdf", "the bill")
    mei.sends_location(31.2, 121.5)
    mei.sends_contact("+8613800000000", "Mei")
    mei.edits(mei.says("helo")["message_id"], "hello")
    mei.blocks()
    mei.unblocks()
    kinds = [
        update.message.content_type if update.message else update.event_type
        for update in await bot.get_updates(allowed_updates=["message", "edited_message", "my_chat_member"])
    ]
    assert kinds == [
        "my_chat_member",
        "new_chat_members",
        "my_chat_member",
        "migrate_to_chat_id",
        "migrate_from_chat_id",
        "left_chat_member",
        "my_chat_member",
        "text",
        "photo",
        "video",
        "voice",
        "sticker",
        "document",
        "location",
        "contact",
        "text",
        "edited_message",
        "my_chat_member",
        "my_chat_member",
    ]


async def test_aiogram_understands_the_answers_about_people_and_files(
    telegram: TelegramSimulator, bot: Bot
) -> None:
    mei = telegram.user(7, "Mei")
    desk = telegram.group(-1009, "Desk", forum=True, bot_status="administrator")
    mei.joins(desk)
    sticker = mei.sends_sticker(content=b"webp")
    assert (await bot.get_me()).username == "siyu_bot"
    assert (await bot.get_chat(7)).first_name == "Mei"
    assert (await bot.get_chat_member(-1009, bot.id)).status == "administrator"
    assert (await bot.get_chat_member(-1009, 7)).status == "member"
    assert (await bot.create_forum_topic(-1009, "Mei")).name == "Mei"
    await bot.set_my_commands([BotCommand(command="help", description="what I can do")])
    assert [command.command for command in await bot.get_my_commands()] == ["help"]
    file = await bot.get_file(sticker["sticker"]["file_id"])
    downloaded = await bot.download_file(str(file.file_path))
    assert downloaded is not None
    assert downloaded.read() == b"webp"
    await bot.leave_chat(-1009)
    with pytest.raises(TelegramForbiddenError, match="bot is not a member of the supergroup chat"):
        await bot.send_message(-1009, "hi")


async def test_aiogram_sends_every_kind_of_message(telegram: TelegramSimulator, bot: Bot) -> None:
    sticker = telegram.user(7, "Mei").sends_sticker()
    await bot.send_chat_action(7, "typing")
    sent = [
        await bot.send_photo(7, BufferedInputFile(b"png", "a.png"), caption="<i>new</i>", parse_mode="HTML"),
        await bot.send_document(7, BufferedInputFile(b"pdf", "a.pdf")),
        await bot.send_voice(7, BufferedInputFile(b"ogg", "a.ogg")),
        await bot.send_video(7, "https://example.com/a.mp4"),
        await bot.send_sticker(7, sticker["sticker"]["file_id"]),
        await bot.send_location(7, 31.2, 121.5),
    ]
    kinds = [message.content_type for message in sent]
    assert kinds == ["photo", "document", "voice", "video", "sticker", "location"]
    assert [(call.method, call.text) for call in telegram.sent[:2]] == [
        ("sendChatAction", None),
        ("sendPhoto", "new"),
    ]
    assert b"png" in telegram.sent[1].params.values()
    with pytest.raises(TelegramBadRequest, match="message caption is too long"):
        await bot.send_photo(7, BufferedInputFile(b"png", "a.png"), caption="a" * 1025)
    with pytest.raises(TelegramBadRequest, match="wrong file identifier/HTTP URL specified"):
        await bot.send_photo(7, "no-such-file")


async def test_aiogram_asks_with_buttons_and_changes_its_message(
    telegram: TelegramSimulator, bot: Bot
) -> None:
    mei = telegram.user(7, "Mei")
    written = mei.says("unsubscribe")
    keyboard = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Yes", callback_data="yes")]])
    answered = ReplyParameters(message_id=written["message_id"])
    asked = await bot.send_message(7, "Sure?", reply_markup=keyboard, reply_parameters=answered)
    query = mei.presses(telegram.sent[-1], "yes")
    update = (await bot.get_updates())[-1]
    assert update.callback_query is not None
    assert (update.callback_query.id, update.callback_query.data) == (query["id"], "yes")
    assert await bot.answer_callback_query(query["id"], text="Done")
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query("1")
    edited = await bot.edit_message_text("Yes!", chat_id=7, message_id=asked.message_id)
    assert isinstance(edited, Message)
    assert (edited.text, edited.reply_markup) == ("Yes!", None)
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_text("Yes!", chat_id=7, message_id=asked.message_id)
    with pytest.raises(TelegramBadRequest, match="message can't be edited"):
        await bot.edit_message_text("No!", chat_id=7, message_id=written["message_id"])
    await bot.delete_message(7, asked.message_id)
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await bot.edit_message_text("Yes?", chat_id=7, message_id=asked.message_id)


async def test_aiogram_is_told_of_limits_and_of_migration(telegram: TelegramSimulator, bot: Bot) -> None:
    group = telegram.group(-5, "Tea", "group")
    group.migrates(-1005, telegram.user(7, "Mei"))
    with pytest.raises(TelegramMigrateToChat) as migrated:
        await bot.send_message(-5, "hi")
    telegram.faults.add(kind="rate_limited", retry_after_s=9)
    with pytest.raises(TelegramRetryAfter) as limited:
        await bot.send_message(-1005, "hi")
    assert (migrated.value.migrate_to_chat_id, limited.value.retry_after) == (-1005, 9)
