"""Every error of the vendors' has one meaning. The tables are complete: a new class of theirs fails these tests."""

import socket
import ssl
from types import ModuleType
from typing import Any

import aiohttp
import aiohttp_socks
import pytest
from aiogram import exceptions as telegram
from aiogram.methods import SendMessage
from aiohttp import client_exceptions
from aiohttp.client_reqrep import ConnectionKey
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from channels.telegram.errors import VENDOR_ERRORS, failure_of
from domain.errors import OutcomeUnknown, PermanentFailure, SendFailed, TemporaryFailure

METHOD = SendMessage(chat_id=7, text="hello")
TOKEN = "1234567890:secret"
KEY = ConnectionKey("127.0.0.1", 1, False, False, None, None, None, None)

UNREACHABLE = (TemporaryFailure, "unreachable", 5.0, True, False)
LOST = (OutcomeUnknown, "connection-lost", 0.0, False, False)
TIMEOUT = (OutcomeUnknown, "timeout", 0.0, False, False)
GARBAGE = (OutcomeUnknown, "garbage", 0.0, False, False)
UNEXPECTED = (OutcomeUnknown, "unexpected-error", 0.0, False, False)

Meaning = tuple[type[SendFailed], str, float, bool, bool]


def meaning(error: Exception) -> Meaning:
    """Class, reason, seconds to wait, whether the whole account waits, whether the recipient is gone."""
    failure = failure_of(error)
    return (
        type(failure),
        failure.reason,
        getattr(failure, "retry_after_s", 0.0),
        getattr(failure, "whole_account", False),
        getattr(failure, "unreachable", False),
    )


def permanent(reason: str, *, unreachable: bool = False) -> Meaning:
    return (PermanentFailure, reason, 0.0, False, unreachable)


AIOGRAM: tuple[tuple[Exception, Meaning], ...] = (
    (telegram.AiogramError("?"), UNEXPECTED),
    (telegram.DetailedAiogramError("?"), UNEXPECTED),
    (telegram.CallbackAnswerException("?"), UNEXPECTED),
    (telegram.SceneException("?"), UNEXPECTED),
    (telegram.UnsupportedKeywordArgument("?"), UNEXPECTED),
    (
        telegram.TelegramAPIError(METHOD, "I'm a teapot"),
        (OutcomeUnknown, "unexpected-answer", 0.0, False, False),
    ),
    (telegram.TelegramNetworkError(METHOD, "?"), LOST),
    (telegram.TelegramRetryAfter(METHOD, "?", 17), (TemporaryFailure, "rate-limited", 17.0, True, False)),
    (telegram.TelegramMigrateToChat(METHOD, "?", -1005), (TemporaryFailure, "migrated", 0.0, False, False)),
    (telegram.TelegramBadRequest(METHOD, "?"), permanent("bad-request")),
    (telegram.TelegramNotFound(METHOD, "?"), (TemporaryFailure, "not-found", 60.0, True, False)),
    (telegram.TelegramConflictError(METHOD, "?"), (TemporaryFailure, "conflict", 0.0, False, False)),
    (telegram.TelegramUnauthorizedError(METHOD, "?"), (TemporaryFailure, "unauthorized", 60.0, True, False)),
    (telegram.TelegramForbiddenError(METHOD, "?"), permanent("forbidden")),
    (telegram.TelegramServerError(METHOD, "?"), (OutcomeUnknown, "server-error", 0.0, False, False)),
    (telegram.RestartingTelegram(METHOD, "?"), (OutcomeUnknown, "server-error", 0.0, False, False)),
    (telegram.TelegramEntityTooLarge(METHOD, "?"), permanent("too-large")),
    (telegram.ClientDecodeError("?", ValueError(), "<html>"), GARBAGE),
    (telegram.DataNotDictLikeError("?"), GARBAGE),
)


def response_error(kind: type[Any]) -> Exception:
    url = URL(f"http://127.0.0.1/bot{TOKEN}/sendMessage")
    error: Exception = kind(aiohttp.RequestInfo(url, "POST", CIMultiDictProxy(CIMultiDict()), url), ())
    return error


AIOHTTP: tuple[tuple[Exception, Meaning], ...] = (
    (aiohttp.ClientConnectorError(KEY, ConnectionRefusedError()), UNREACHABLE),
    (aiohttp.ClientConnectorDNSError(KEY, socket.gaierror()), UNREACHABLE),
    (client_exceptions.UnixClientConnectorError("/x", KEY, OSError()), UNREACHABLE),
    (aiohttp.ClientProxyConnectionError(KEY, OSError()), UNREACHABLE),
    (aiohttp.ClientSSLError(KEY, OSError()), UNREACHABLE),
    (aiohttp.ClientConnectorSSLError(KEY, OSError()), UNREACHABLE),
    (aiohttp.ClientConnectorCertificateError(KEY, ssl.CertificateError()), UNREACHABLE),
    (aiohttp.ServerFingerprintMismatch(b"a", b"b", "127.0.0.1", 1), UNREACHABLE),
    (aiohttp.ConnectionTimeoutError(), UNREACHABLE),
    (response_error(aiohttp.ClientHttpProxyError), UNREACHABLE),
    (aiohttp.InvalidURL("x"), UNREACHABLE),
    (client_exceptions.InvalidUrlClientError("x"), UNREACHABLE),
    (client_exceptions.InvalidUrlRedirectClientError("x"), UNREACHABLE),
    (aiohttp.NonHttpUrlClientError("x"), UNREACHABLE),
    (aiohttp.NonHttpUrlRedirectClientError("x"), UNREACHABLE),
    (aiohttp.ServerTimeoutError(), TIMEOUT),
    (aiohttp.SocketTimeoutError(), TIMEOUT),
    (aiohttp.ClientError(), LOST),
    (aiohttp.ClientConnectionError(), LOST),
    (aiohttp.ClientConnectionResetError(), LOST),
    (aiohttp.ClientOSError(), LOST),
    (aiohttp.ServerConnectionError(), LOST),
    (aiohttp.ServerDisconnectedError(), LOST),
    (aiohttp.ClientPayloadError(), LOST),
    (aiohttp.RedirectClientError(), LOST),
    (client_exceptions.UploadAbortedError(), LOST),
    (response_error(aiohttp.ClientResponseError), LOST),
    (response_error(aiohttp.ContentTypeError), LOST),
    (response_error(aiohttp.WSServerHandshakeError), LOST),
    (response_error(aiohttp.TooManyRedirects), LOST),
)

BELOW: tuple[tuple[Exception, Meaning], ...] = (
    (aiohttp_socks.ProxyConnectionError("?"), UNREACHABLE),
    (aiohttp_socks.ProxyTimeoutError("?"), UNREACHABLE),
    (aiohttp_socks.ProxyError("?"), UNREACHABLE),
    (ConnectionRefusedError(), UNREACHABLE),
    (socket.gaierror(), UNREACHABLE),
    (ssl.SSLCertVerificationError(), UNREACHABLE),
    (TimeoutError(), TIMEOUT),
    (ConnectionResetError(), LOST),
    (BrokenPipeError(), LOST),
    (ssl.SSLError(), LOST),
    (OSError(), LOST),
)


@pytest.mark.parametrize("error, expected", AIOGRAM + AIOHTTP + BELOW, ids=lambda value: type(value).__name__)
def test_every_error_of_the_vendors_has_its_meaning(error: Exception, expected: Meaning) -> None:
    assert isinstance(error, VENDOR_ERRORS)
    assert meaning(error) == expected


@pytest.mark.parametrize(
    "module, root, table",
    [(telegram, telegram.AiogramError, AIOGRAM), (client_exceptions, aiohttp.ClientError, AIOHTTP)],
    ids=["aiogram", "aiohttp"],
)
def test_no_error_of_the_vendors_is_forgotten(
    module: ModuleType, root: type[Exception], table: tuple[tuple[Exception, Meaning], ...]
) -> None:
    known = {kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, root)}
    assert known == {type(error) for error, _ in table}


@pytest.mark.parametrize("cause, expected", AIOHTTP + BELOW, ids=lambda value: type(value).__name__)
def test_what_aiogram_hides_behind_its_network_error_counts(cause: Exception, expected: Meaning) -> None:
    error = telegram.TelegramNetworkError(METHOD, "?")
    error.__cause__ = cause
    assert meaning(error) == expected


@pytest.mark.parametrize(
    "description, expected",
    [
        ("Forbidden: bot was blocked by the user", permanent("blocked", unreachable=True)),
        ("Forbidden: user is deactivated", permanent("deactivated", unreachable=True)),
        ("Forbidden: bot was kicked from the supergroup chat", permanent("kicked", unreachable=True)),
        ("Forbidden: bot is not a member of the group chat", permanent("not-a-member", unreachable=True)),
        (
            "Forbidden: bot can't initiate conversation with a user",
            permanent("not-started", unreachable=True),
        ),
        ("Forbidden: the group chat was deleted", permanent("chat-deleted", unreachable=True)),
        ("Forbidden: bot can't send messages to bots", permanent("is-a-bot", unreachable=True)),
        ("Forbidden: something new", permanent("forbidden")),
    ],
)
def test_a_403_tells_whether_the_recipient_is_gone(description: str, expected: Meaning) -> None:
    assert meaning(telegram.TelegramForbiddenError(METHOD, description)) == expected


@pytest.mark.parametrize(
    "description, expected",
    [
        ("Bad Request: chat not found", permanent("chat-not-found", unreachable=True)),
        ("Bad Request: PEER_ID_INVALID", permanent("chat-not-found", unreachable=True)),
        ("Bad Request: group chat was deactivated", permanent("chat-deleted", unreachable=True)),
        ("Bad Request: message thread not found", permanent("topic-not-found")),
        ("Bad Request: TOPIC_CLOSED", permanent("topic-closed")),
        ("Bad Request: not enough rights to send text messages to the chat", permanent("no-rights")),
        ("Bad Request: have no rights to send a message", permanent("no-rights")),
        ("Bad Request: message is too long", permanent("text-too-long")),
        ("Bad Request: message text is empty", permanent("text-empty")),
        ("Bad Request: BUTTON_DATA_INVALID", permanent("choices-refused")),
        ("Bad Request: something new about 老王", permanent("bad-request")),
    ],
)
def test_a_400_becomes_a_reason_without_telegrams_words(description: str, expected: Meaning) -> None:
    assert meaning(telegram.TelegramBadRequest(METHOD, description)) == expected


def test_a_429_without_a_time_stops_the_account_too() -> None:
    error = telegram.TelegramAPIError(METHOD, "Too Many Requests: retry later")
    assert meaning(error) == (TemporaryFailure, "rate-limited", 5.0, True, False)


def test_an_answer_without_a_description_has_a_meaning() -> None:
    # aiogram passes on what it did not get.
    nothing: Any = None
    assert meaning(telegram.TelegramBadRequest(METHOD, nothing)) == permanent("bad-request")
    assert meaning(telegram.TelegramAPIError(METHOD, nothing))[1] == "unexpected-answer"


@pytest.mark.parametrize(
    "error", [error for error, _ in AIOGRAM + AIOHTTP], ids=lambda error: type(error).__name__
)
def test_a_reason_is_a_slug(error: Exception) -> None:
    failure = failure_of(error)
    assert str(failure) == failure.reason
    assert failure.reason.replace("-", "").isalpha()
    assert failure.reason.islower()
