"""Who we are at Telegram."""

from dataclasses import dataclass
from typing import Final

from domain.identity import Account, Channel

TELEGRAM_CHANNEL: Final = Channel("telegram")


@dataclass(frozen=True, slots=True)
class BotIdentity:
    """``username``: without the @; None until getMe has answered, empty where the bot has none."""

    id: int
    username: str | None = None

    @property
    def account(self) -> Account:
        """The account in every key: the bot's numeric id."""
        return Account(str(self.id))
