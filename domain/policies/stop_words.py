"""Which messages withdraw consent (shared/design/delivery.md, "Stop words")."""

import re
from dataclasses import dataclass
from enum import StrEnum

from domain.policies.text import folded

STOP_WORDS = ("退订", "TD", "T", "取消订阅", "别发了", "STOP", "unsubscribe")
START_WORDS = ("恢复订阅", "START")
SHORTEST_MENTION = 2
"""A single letter inside a sentence asks for nothing."""


class Wish(StrEnum):
    """What a message says about being written to."""

    NONE = "none"
    STOP = "stop"
    START = "start"
    MENTIONS_STOP = "mentions-stop"
    """It contains a stop word among others (“我要退订酒店”): ask, do not guess."""


@dataclass(frozen=True, slots=True)
class StopWords:
    """The words, as compared."""

    stop: frozenset[str]
    start: frozenset[str]
    mention: "re.Pattern[str]"

    @classmethod
    def of(cls, stop: tuple[str, ...] = STOP_WORDS, start: tuple[str, ...] = START_WORDS) -> "StopWords":
        """Prepare lists of words."""
        words = [folded(word) for word in stop if folded(word)]  # no words at all are no wish
        spotted = [
            rf"(?<![0-9a-z]){re.escape(word)}(?![0-9a-z])" if word.isascii() else re.escape(word)
            for word in words
            if len(word) >= SHORTEST_MENTION
        ]
        return cls(
            frozenset(words),
            frozenset(filter(None, map(folded, start))),
            re.compile("|".join(spotted) or r"(?!)"),
        )

    def wish(self, text: str) -> Wish:
        """Return what a message wishes. Only the whole message is a stop or a start."""
        said = folded(text)
        if said in self.stop or said.removeprefix("/") in self.stop:  # /stop, from a bot's menu
            return Wish.STOP
        if said in self.start:
            return Wish.START
        return Wish.MENTIONS_STOP if self.mention.search(said) else Wish.NONE
