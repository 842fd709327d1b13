"""What went wrong at Telegram, as the state machine of a delivery needs it: not sent, never to be sent, or nobody can tell.

Provably not sent is what never left (no connection was made) and what Telegram itself refused in its own words. Everything after the
request went out without a plain answer is unknown: there is no key by which Telegram would know a repeat. The words that are looked for
are the Bot API server's (github.com/tdlib/telegram-bot-api, telegram-bot-api/Client.cpp) and those of the servers behind it, 2026-11.
"""

import socket
import ssl
from typing import Final

import aiohttp
import aiohttp_socks
from aiogram import exceptions as telegram

from domain.errors import OutcomeUnknown, PermanentFailure, SendFailed, TemporaryFailure

UNREACHABLE_RETRY_S: Final = 5.0
"""No connection: another message would not get one either."""
MISCONFIGURED_RETRY_S: Final = 60.0
"""A token or an address that Telegram does not know: somebody has to set it right."""
FLOOD_RETRY_S: Final = 5.0
"""For a 429 that does not say how long."""

# The texts of python-socks' errors come from the proxy, so they go no further than here.
_NO_CONNECTION: Final = (
    aiohttp.ClientConnectorError,  # refused, no such host, TLS, an HTTP proxy away
    aiohttp.ClientHttpProxyError,
    aiohttp.ServerFingerprintMismatch,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    aiohttp_socks.ProxyConnectionError,
    aiohttp_socks.ProxyTimeoutError,
    aiohttp_socks.ProxyError,
    ConnectionRefusedError,
    socket.gaierror,
    ssl.SSLCertVerificationError,
)
_GARBAGE: Final = (telegram.ClientDecodeError, telegram.DataNotDictLikeError)

VENDOR_ERRORS: Final = (
    telegram.AiogramError,
    aiohttp.ClientError,
    aiohttp_socks.ProxyError,
    aiohttp_socks.ProxyConnectionError,
    aiohttp_socks.ProxyTimeoutError,
    OSError,  # TimeoutError is one
)
"""What a call of aiogram's client raises."""

# Part of Telegram's description, our reason, and whether it is the recipient who cannot be reached.
_FORBIDDEN: Final = (
    ("bot was blocked by the user", "blocked", True),
    ("user is deactivated", "deactivated", True),
    ("bot was kicked", "kicked", True),
    ("bot is not a member", "not-a-member", True),
    ("can't initiate conversation", "not-started", True),
    ("chat was deleted", "chat-deleted", True),
    ("can't send messages to bots", "is-a-bot", True),
)
_BAD_REQUEST: Final = (
    ("chat not found", "chat-not-found", True),
    ("user not found", "chat-not-found", True),
    ("peer_id_invalid", "chat-not-found", True),
    ("chat was deactivated", "chat-deleted", True),
    ("message to delete not found", "message-gone", False),
    ("message can't be deleted", "too-late", False),
    ("message thread not found", "topic-not-found", False),
    ("topic_deleted", "topic-not-found", False),
    ("topic_closed", "topic-closed", False),
    ("not enough rights", "no-rights", False),
    ("have no rights", "no-rights", False),
    ("administrator rights", "no-rights", False),
    ("chat_write_forbidden", "no-rights", False),
    ("chat_restricted", "no-rights", False),
    ("file is too big", "too-large", False),
    ("invalid file_id", "gone", False),
    ("wrong file_id", "gone", False),
    ("photo_invalid_dimensions", "file-refused", False),
    ("wrong file", "file-refused", False),
    ("file must be non-empty", "file-refused", False),
    ("voice_messages_forbidden", "file-refused", False),
    ("caption is too long", "text-too-long", False),
    ("message is too long", "text-too-long", False),
    ("message_too_long", "text-too-long", False),
    ("text is empty", "text-empty", False),
    ("text must be non-empty", "text-empty", False),
    ("button_data_invalid", "choices-refused", False),
    ("reply markup is too long", "choices-refused", False),
    ("reply_markup_too_long", "choices-refused", False),
)


def failure_of(error: Exception) -> SendFailed:
    """Return what an error of ``VENDOR_ERRORS`` means for what was being sent. Its reason is a slug, without any text of Telegram's."""
    match error:
        case telegram.TelegramAPIError():
            return _answered(error)
        case _ if isinstance(error, _NO_CONNECTION):
            return TemporaryFailure("unreachable", retry_after_s=UNREACHABLE_RETRY_S, whole_account=True)
        case _ if isinstance(error, _GARBAGE):
            return OutcomeUnknown("garbage")
        case TimeoutError():
            return OutcomeUnknown("timeout")
        case aiohttp.ClientError() | OSError():
            return OutcomeUnknown("connection-lost")
        case _:
            return OutcomeUnknown("unexpected-error")


def _answered(error: telegram.TelegramAPIError) -> SendFailed:
    match error:
        case telegram.TelegramRetryAfter(retry_after=seconds):
            return TemporaryFailure("rate-limited", retry_after_s=float(seconds), whole_account=True)
        case telegram.TelegramMigrateToChat():
            return TemporaryFailure("migrated")
        case telegram.TelegramForbiddenError():
            return _refused(error.message, _FORBIDDEN, "forbidden")
        case telegram.TelegramBadRequest():
            return _refused(error.message, _BAD_REQUEST, "bad-request")
        case telegram.TelegramEntityTooLarge():
            return PermanentFailure("too-large")
        case telegram.TelegramUnauthorizedError():
            return TemporaryFailure("unauthorized", retry_after_s=MISCONFIGURED_RETRY_S, whole_account=True)
        case telegram.TelegramNotFound():
            return TemporaryFailure("not-found", retry_after_s=MISCONFIGURED_RETRY_S, whole_account=True)
        case telegram.TelegramConflictError():
            return TemporaryFailure("conflict")
        case telegram.TelegramServerError():
            return OutcomeUnknown("server-error")
        case telegram.TelegramNetworkError():
            # aiogram hides the error that tells whether anything was sent behind its own.
            cause = error.__cause__
            return (
                failure_of(cause) if isinstance(cause, VENDOR_ERRORS) else OutcomeUnknown("connection-lost")
            )
        case _ if (error.message or "").startswith("Too Many Requests"):
            return TemporaryFailure("rate-limited", retry_after_s=FLOOD_RETRY_S, whole_account=True)
        case _:
            return OutcomeUnknown("unexpected-answer")


def _refused(
    description: str | None, known: tuple[tuple[str, str, bool], ...], otherwise: str
) -> PermanentFailure:
    words = (description or "").lower()
    for part, reason, unreachable in known:
        if part in words:
            return PermanentFailure(reason, unreachable=unreachable)
    return PermanentFailure(otherwise)
