"""Which messages withdraw consent (shared/design/delivery.md, "Stop words")."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.identity import Slug
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
    """The words, as compared. ``topics``: what each topic may be called, its code too; ``names``: what it is called towards people.

    ``mentioned``: those that are looked for inside a sentence; ``mention`` finds one of them that stands by itself.
    """

    stop: frozenset[str]
    start: frozenset[str]
    mentioned: tuple[str, ...]
    mention: "re.Pattern[str]"
    topics: Mapping[str, Slug] = field(default_factory=dict)
    names: Mapping[Slug, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        stop: tuple[str, ...] = STOP_WORDS,
        start: tuple[str, ...] = START_WORDS,
        topics: Mapping[Slug, str] | None = None,
    ) -> "StopWords":
        """Prepare lists of words. ``topics``: codes and names of what can be ended by itself."""
        names = topics or {}
        words = [folded(word) for word in stop if folded(word)]  # no words at all are no wish
        mentioned = [word for word in words if len(word) >= SHORTEST_MENTION]
        spotted = [
            rf"(?<![0-9a-z]){re.escape(word)}(?![0-9a-z])" if word.isascii() else re.escape(word)
            for word in mentioned
        ]
        return cls(
            frozenset(words),
            frozenset(filter(None, map(folded, start))),
            tuple(mentioned),
            re.compile("|".join(spotted) or r"(?!)"),
            {folded(called): topic for topic, name in names.items() for called in (topic, name)},
            dict(names),
        )

    def wish(self, text: str) -> Wish:
        """Return what a message wishes. Only the whole message is a stop or a start, alone or with the name of a topic behind it."""
        said = folded(text)
        if said in self.stop or said.removeprefix("/") in self.stop:  # /stop, from a bot's menu
            return Wish.STOP
        if said in self.start:
            return Wish.START
        if self.topics:
            if self._about(said, self.stop) is not None:
                return Wish.STOP
            if self._about(said, self.start) is not None:
                return Wish.START
        spotted = [word for word in self.mentioned if word in said]  # none in most, and the pattern is slow
        return Wish.MENTIONS_STOP if spotted and self.mention.search(said) else Wish.NONE

    def topic(self, text: str) -> Slug | None:
        """Return which topic a stop or a start is about (退订 新品, STOP news); None where it is about everything."""
        said = folded(text)
        return self._about(said, self.stop) or self._about(said, self.start)

    def _about(self, said: str, words: Collection[str]) -> Slug | None:
        """Return the topic whose name stands behind one of these words."""
        said = said.removeprefix("/")
        for word in words:
            rest = said.removeprefix(word)
            apart = (
                rest != rest.lstrip() or not word.isascii()
            )  # 退订新品 has no blank, and "stopnews" is no stop
            if said != rest and apart and (topic := self.topics.get(rest.strip())) is not None:
                return topic
        return None
