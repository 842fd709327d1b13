"""What went wrong at WeChat, as the state machine of a delivery needs it: not sent, never to be sent, or nobody can tell.

An errcode is WeChat's own word that nothing was sent. Everything after the request went out without a plain answer is unknown: a
customer-service message has no key by which WeChat would know a repeat. The codes are from developers.weixin.qq.com, "全局返回码"
(2026-11-22).
"""

import socket
import ssl
from http import HTTPStatus
from typing import Final

import aiohttp

from domain.errors import OutcomeUnknown, PermanentFailure, SendFailed, TemporaryFailure

UNREACHABLE_RETRY_S: Final = 5.0
"""No connection: another message would not get one either."""
MISCONFIGURED_RETRY_S: Final = 60.0
"""A secret, an address or a right that somebody has to set right in WeChat's console."""
BUSY_RETRY_S: Final = 2.0
MINUTE_QUOTA_RETRY_S: Final = 60.0
DAY_QUOTA_RETRY_S: Final = 600.0

_NO_CONNECTION: Final = (
    aiohttp.ClientConnectorError,  # refused, no such host, TLS
    aiohttp.ServerFingerprintMismatch,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    ConnectionRefusedError,
    socket.gaierror,
    ssl.SSLCertVerificationError,
)
VENDOR_ERRORS: Final = (aiohttp.ClientError, OSError)  # TimeoutError is an OSError
"""What a call over aiohttp raises."""

TOKEN_REFUSED: Final = frozenset({40001, 40014, 41001, 42001, 42007})
"""The access token is wrong, missing or over: a new one may help."""
SECRET_WRONG: Final = frozenset({40001, 40002, 40013, 40125, 40243, 41002, 41004})
"""What the call for a token answers where AppID or AppSecret are wrong, or the AppSecret is frozen (40243)."""
NOT_LISTED: Final = frozenset({40164, 61004, 89503, 89506, 89507})
"""Our address is not on the white list, or its confirmation is still awaited or was refused."""
ACCOUNT_FROZEN: Final = frozenset({50002, 50004, 50007})
NOT_AUTHORISED_REASON: Final = "not-authorised"
NOT_AUTHORISED: Final = frozenset({48001, 48004, 50001})

# errcode, our reason, seconds until the next try, whether nothing of the account may go before.
_TEMPORARY: Final = {
    -1: ("busy", BUSY_RETRY_S, False),
    45009: ("day-quota-reached", DAY_QUOTA_RETRY_S, True),
    45011: ("rate-limited", MINUTE_QUOTA_RETRY_S, True),
    45066: ("duplicate-too-soon", MINUTE_QUOTA_RETRY_S, False),
}
# errcode, our reason, whether it is the recipient who cannot be reached.
_PERMANENT: Final = {
    40003: ("unknown-openid", True),
    40004: ("media-refused", False),
    40005: ("media-refused", False),
    40006: ("too-large", False),
    40007: ("media-gone", False),
    40008: ("kind-refused", False),
    40009: ("too-large", False),
    40032: ("openids-refused", False),
    40037: ("unknown-template", False),
    41005: ("media-refused", False),
    41006: ("media-gone", False),
    43004: ("not-following", True),
    43101: ("subscription-refused", False),
    44004: ("text-empty", False),
    45002: ("text-too-long", False),
    45015: ("window-closed", False),
    45028: ("no-mass-quota", False),
    45047: ("window-used-up", False),
    45056: ("too-many-tags", False),
    45058: ("tag-is-wechats", False),
    45059: ("has-too-many-tags", False),
    45067: ("key-too-long", False),
    45157: ("tag-name-refused", False),
    45158: ("tag-name-too-long", False),
    45159: ("unknown-tag", False),
    48002: ("refuses-messages", True),
    48008: ("no-permission-for-kind", False),
    49003: ("unknown-openid", True),
    50005: ("not-following", True),
}


def refusal_of(code: int) -> SendFailed:
    """Return what an errcode means: its reason is a slug, without any text of WeChat's.

    45065 (the same ``clientmsgid`` was accepted earlier) is no refusal; who calls with such a key looks for it first.
    """
    if code in NOT_LISTED:
        return TemporaryFailure("address-not-listed", retry_after_s=MISCONFIGURED_RETRY_S, whole_account=True)
    if code in TOKEN_REFUSED:
        return TemporaryFailure("token-refused", retry_after_s=MISCONFIGURED_RETRY_S, whole_account=True)
    if code in NOT_AUTHORISED:
        return PermanentFailure(NOT_AUTHORISED_REASON)
    if code in ACCOUNT_FROZEN:
        return TemporaryFailure("account-frozen", retry_after_s=MISCONFIGURED_RETRY_S, whole_account=True)
    if code in _TEMPORARY:
        reason, retry_after_s, whole_account = _TEMPORARY[code]
        return TemporaryFailure(reason, retry_after_s=retry_after_s, whole_account=whole_account)
    reason, unreachable = _PERMANENT.get(code, (f"errcode-{code}", False))
    return PermanentFailure(reason, unreachable=unreachable)


def failure_of(error: Exception) -> SendFailed:
    """Return what an error of VENDOR_ERRORS means for what was being sent."""
    match error:
        case _ if isinstance(error, _NO_CONNECTION):
            return TemporaryFailure("unreachable", retry_after_s=UNREACHABLE_RETRY_S, whole_account=True)
        case TimeoutError():
            return OutcomeUnknown("timeout")
        case _:
            return OutcomeUnknown("connection-lost")


def status_failure(status: int) -> SendFailed:
    """Return what another status than 200 means: WeChat itself answers everything with 200."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return OutcomeUnknown("server-error")
    match status:
        case HTTPStatus.NOT_FOUND:
            return TemporaryFailure("not-found", retry_after_s=MISCONFIGURED_RETRY_S, whole_account=True)
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return PermanentFailure("too-large")
        case HTTPStatus.TOO_MANY_REQUESTS:
            return TemporaryFailure("rate-limited", retry_after_s=MINUTE_QUOTA_RETRY_S, whole_account=True)
        case _:
            return OutcomeUnknown("garbage")
