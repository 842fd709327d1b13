"""One outbound message as one call: plain text within Telegram's limits, its file streamed, buttons for the choices."""

import re
from collections.abc import AsyncGenerator
from typing import Any, Final

import regex
from aiogram import Bot
from aiogram.methods import SendDocument, SendMessage, SendPhoto, SendVideo, SendVoice
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, InputFile, ReplyParameters

from channels.telegram.limits import (
    BUTTONS_PER_MESSAGE,
    BUTTONS_PER_ROW,
    CALLBACK_DATA_BYTES,
    CAPTION_UNITS,
    LIMITS,
    PHOTO_BYTES,
    PHOTO_TYPES,
    UPLOAD_BYTES,
    VIDEO_TYPES,
    VOICE_TYPES,
)
from domain.errors import PermanentFailure, SiyuError
from domain.policies.text import normalised
from domain.ports.messenger import Attachment, Outbound, with_card_in_words, with_note

ELLIPSIS: Final = "…"
_GRAPHEME: Final = regex.compile(r"\X")
_NUMBER: Final = re.compile(r"-?[0-9]{1,19}")

Call = SendMessage | SendPhoto | SendVoice | SendVideo | SendDocument


class StreamedFile(InputFile):
    """An attachment as aiogram uploads it: read a piece at a time, never held whole."""

    def __init__(self, attachment: Attachment) -> None:
        super().__init__(filename=attachment.name)
        self._attachment = attachment
        self.broken = False
        """Its bytes ended too early, so the request did as well: Telegram cannot have taken it."""

    async def read(self, bot: Bot) -> AsyncGenerator[bytes, None]:  # noqa: ARG002  # aiogram's own signature
        """See InputFile."""
        try:
            async for chunk in self._attachment.read():
                yield chunk
        except SiyuError:
            self.broken = True
            raise


def call(outbound: Outbound) -> Call:
    """Return the call that sends ``outbound``: with its file, whose caption is the text. Raises as ``send_message``.

    A caption is shorter than a message: a longer text is cut, since two messages would be two deliveries. A file that Telegram does not
    take is named below the text instead. A card is lines of the text, and its picture the file.
    """
    outbound = with_card_in_words(outbound)
    file = outbound.attachment
    if file is None or not 0 < file.size <= UPLOAD_BYTES:
        return send_message(with_note(outbound))
    caption = shortened(normalised(outbound.text), CAPTION_UNITS)
    given: dict[str, Any] = {
        "chat_id": _chat_id(outbound),
        "caption": caption or None,
        "message_thread_id": _number(outbound.thread),
        "reply_parameters": _reply_parameters(outbound),
        "reply_markup": _keyboard(outbound),
        "parse_mode": None,
    }
    upload = StreamedFile(file)
    match file.kind:
        case "photo" if file.content_type in PHOTO_TYPES and file.size <= PHOTO_BYTES:
            return SendPhoto(photo=upload, **given)
        case "voice" if file.content_type in VOICE_TYPES:
            return SendVoice(voice=upload, **given)
        case "video" if file.content_type in VIDEO_TYPES:
            return SendVideo(video=upload, **given)
        case _:
            return SendDocument(document=upload, **given)


def send_message(outbound: Outbound) -> SendMessage:
    """Return the call that sends ``outbound``.

    A delivery is one message: a text beyond the limit is shortened, and ends with an ellipsis. Without a parse mode nothing in it is
    markup. What it answers may be gone by now, it is sent anyway. Raises PermanentFailure for an address or choices that no call can
    carry: a coded answer that is cut would be another answer.
    """
    return SendMessage(
        chat_id=_chat_id(outbound),
        text=shortened(normalised(outbound.text), LIMITS.text_units),
        message_thread_id=_number(outbound.thread),
        reply_parameters=_reply_parameters(outbound),
        reply_markup=_keyboard(outbound),
        parse_mode=None,
    )


def file_of(made: Call) -> StreamedFile | None:
    """Return the file that goes along with a call."""
    uploads = (getattr(made, kind, None) for kind in ("photo", "voice", "video", "document"))
    return next((upload for upload in uploads if isinstance(upload, StreamedFile)), None)


def shortened(text: str, units: int) -> str:
    """Return a text of at most ``units`` UTF-16 code units: whole, or its first graphemes and an ellipsis."""
    if _units(text) <= units:
        return text
    left = units - _units(ELLIPSIS)
    end = 0
    for grapheme in _GRAPHEME.finditer(text):
        left -= _units(grapheme[0])
        if left < 0:
            break
        end = grapheme.end()
    return text[:end].rstrip() + ELLIPSIS


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _chat_id(outbound: Outbound) -> int:
    chat_id = _number(outbound.to.external_id)
    if chat_id is None:
        raise PermanentFailure("no-telegram-address")
    return chat_id


def _number(text: str | None) -> int | None:
    if text is None or not _NUMBER.fullmatch(text):
        return None
    return int(text)


def _reply_parameters(outbound: Outbound) -> ReplyParameters | None:
    answered = _number(outbound.reply_to)
    if answered is None:
        return None
    return ReplyParameters(message_id=answered, allow_sending_without_reply=True)


def _keyboard(outbound: Outbound) -> InlineKeyboardMarkup | None:
    buttons = [
        *([_button(label, answer) for label, answer in row] for row in outbound.choices),
        *([_link(label, address) for label, address in row] for row in outbound.links),
    ]
    rows = [
        row[start : start + BUTTONS_PER_ROW]
        for row in buttons
        for start in range(0, len(row), BUTTONS_PER_ROW)
    ]
    if not rows:
        return None
    if sum(map(len, rows)) > BUTTONS_PER_MESSAGE:
        raise PermanentFailure("too-many-choices")
    return InlineKeyboardMarkup(inline_keyboard=rows)


def _link(label: str, address: str) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=normalised(label), url=address)


def _button(label: str, answer: str) -> InlineKeyboardButton:
    data = normalised(answer)
    if not 1 <= len(data.encode()) <= CALLBACK_DATA_BYTES:
        raise PermanentFailure("choice-too-long")
    return InlineKeyboardButton(text=normalised(label), callback_data=data)
