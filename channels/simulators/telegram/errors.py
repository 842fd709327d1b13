"""Telegram's refusals, in Telegram's words.

The descriptions are the Bot API server's (github.com/tdlib/telegram-bot-api, Client.cpp, read 2026-11): as
clients match on them, they are part of the protocol.
"""

from http import HTTPStatus

from channels.simulators.telegram.shapes import Json

TEXT_ENCODING = "text must be encoded in UTF-8"
CHAT_NOT_FOUND = "chat not found"
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
OLD_QUERY = "query is too old and response timeout expired or query ID is invalid"
OTHER_POLLER = "terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK_ACTIVE = (
    "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)


class ApiError(Exception):
    """An answer with `ok: false`; `code` is the HTTP status too, `parameters` are ResponseParameters."""

    def __init__(self, code: HTTPStatus, description: str, parameters: dict[str, int] | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters or {}

    @property
    def body(self) -> Json:
        body: Json = {"ok": False, "error_code": int(self.code), "description": self.description}
        return body | {"parameters": self.parameters} if self.parameters else body


def bad_request(reason: str, parameters: dict[str, int] | None = None) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, f"Bad Request: {reason}", parameters)


def forbidden(reason: str) -> ApiError:
    return ApiError(HTTPStatus.FORBIDDEN, f"Forbidden: {reason}")


def conflict(reason: str) -> ApiError:
    return ApiError(HTTPStatus.CONFLICT, f"Conflict: {reason}")


def too_many_requests(retry_after_s: int) -> ApiError:
    return ApiError(
        HTTPStatus.TOO_MANY_REQUESTS,
        f"Too Many Requests: retry after {retry_after_s}",
        {"retry_after": retry_after_s},
    )
