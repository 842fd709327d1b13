"""A strict simulator of Telegram's Bot API over real HTTP.

Behaviour, limits and wording follow core.telegram.org/bots/api and the source of the Bot API server
(github.com/tdlib/telegram-bot-api, read 2026-11). It is stricter on purpose in three things: a text with NUL
is refused, MarkdownV2 is refused, and a long poll ends as soon as a newer getUpdates comes. It is kinder in
one: webhooks may be http, on any port.
"""

from channels.simulators.telegram.actors import Group, User
from channels.simulators.telegram.faults import FaultKind
from channels.simulators.telegram.limits import Rates, Violation
from channels.simulators.telegram.scene import Scene
from channels.simulators.telegram.sent import Sent
from channels.simulators.telegram.server import TelegramSimulator
from channels.simulators.telegram.webhook import WebhookRetry
from channels.simulators.telegram.world import ImpossibleAction

__all__ = [
    "FaultKind",
    "Group",
    "ImpossibleAction",
    "Rates",
    "Scene",
    "Sent",
    "TelegramSimulator",
    "User",
    "Violation",
    "WebhookRetry",
]
