"""What an account sent and a person was shown, and what it asked of the API."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Via(StrEnum):
    PASSIVE = "passive"
    """The answer to a callback."""
    SERVICE = "service"
    """A customer-service message."""
    TEMPLATE = "template"
    SUBSCRIPTION = "subscription"
    """A subscribe message."""
    MASS = "mass"
    NOTICE = "notice"
    """WeChat's own word that the account's server is out of order."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One message on one person's screen.

    `kind` is the message type as its route names it, `text` what they read, if it is words, `content` the whole as
    it came, `at` the simulator's clock in Unix seconds, `msg_id` what the API answered.
    """

    via: Via
    openid: str
    kind: str
    text: str | None
    content: Mapping[str, object]
    at: float
    msg_id: int | None = None


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One call as it came, its access token left out.

    `errcode` is 0 where it was accepted, None where a fault came before it was looked at.
    """

    verb: str
    path: str
    query: Mapping[str, str]
    json: Mapping[str, object] | None
    errcode: int | None
    at: float
