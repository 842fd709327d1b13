"""One outbound message as one call of sendMessage: plain text within Telegram's limits, buttons for the choices."""

from typing import Final

import regex
from aiogram.methods import SendMessage
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters

from channels.telegram.limits import BUTTONS_PER_MESSAGE, BUTTONS_PER_ROW, CALLBACK_DATA_BYTES, LIMITS
from domain.errors import PermanentFailure
from domain.policies.text import normalised
from domain.ports.messenger import Outbound

ELLIPSIS: Final = "…"
_GRAPHEME: Final = regex.compile(r"\X")


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
        reply_markup=_keyboard(outbound.choices),
        parse_mode=None,
    )


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
    if text is None or not regex.fullmatch(r"-?[0-9]{1,19}", text):
        return None
    return int(text)


def _reply_parameters(outbound: Outbound) -> ReplyParameters | None:
    answered = _number(outbound.reply_to)
    if answered is None:
        return None
    return ReplyParameters(message_id=answered, allow_sending_without_reply=True)


def _keyboard(choices: tuple[tuple[tuple[str, str], ...], ...]) -> InlineKeyboardMarkup | None:
    rows = [
        [_button(label, answer) for label, answer in row[start : start + BUTTONS_PER_ROW]]
        for row in choices
        for start in range(0, len(row), BUTTONS_PER_ROW)
    ]
    if not rows:
        return None
    if sum(map(len, rows)) > BUTTONS_PER_MESSAGE:
        raise PermanentFailure("too-many-choices")
    return InlineKeyboardMarkup(inline_keyboard=rows)


def _button(label: str, answer: str) -> InlineKeyboardButton:
    data = normalised(answer)
    if not 1 <= len(data.encode()) <= CALLBACK_DATA_BYTES:
        raise PermanentFailure("choice-too-long")
    return InlineKeyboardButton(text=normalised(label), callback_data=data)
