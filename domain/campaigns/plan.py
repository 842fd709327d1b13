"""What a campaign is made of: whom it means, when it goes out, what it says, and how carefully. Values only; the form is bot.campaigns'."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum

from domain.identity import Channel, GroupId, Locale, MediaId, Slug, Tag, ZoneName

CONTROL = Slug("a")
"""The variant of a campaign that has one text only."""


class Meant(StrEnum):
    """Who is meant."""

    ALL = "all"
    TAGS = "tags"
    LIST = "list"
    GROUPS = "groups"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Whom a campaign means: customers with all of ``tags`` and none of ``without``, those of its list, or ``groups``."""

    meant: Meant
    tags: tuple[Tag, ...] = ()
    without: tuple[Tag, ...] = ()
    groups: tuple[GroupId, ...] = ()


class Cadence(StrEnum):
    """How often it goes out."""

    ONCE = "once"
    RECURRING = "recurring"
    BY_DATE = "by-date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When it goes out.

    ONCE: at ``at``, None for as soon as it is launched. RECURRING: by ``recurrence``, coded as in domain/policies/recurrence.py, or
    ``cron:`` and five fields joined by ``_``. BY_DATE: at ``clock`` on the day ``date`` names, ``offset_days`` later (or earlier):
    ``birthday``, ``member-anniversary``, or a promotion day as ``06-18``. ``until``: no run begins after it.

    ``local``: at that time of the recipient's own zone, otherwise of ``zone``. ``over_s``: spread over so many seconds. ``lives_s``: what
    could not go out so many seconds after its time is left out.
    """

    cadence: Cadence = Cadence.ONCE
    at: datetime | None = None
    recurrence: Slug | None = None
    date: Slug | None = None
    offset_days: int = 0
    clock: time | None = None
    until: datetime | None = None
    zone: ZoneName
    local: bool = False
    over_s: int = 0
    lives_s: int = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """So many go first; then it waits, and stops by itself where more than so many per cent failed or opted out."""

    percent: float = 1.0
    at_least: int = 20
    wait_s: int = 600
    failures_percent: float = 10.0
    opt_outs_percent: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One variant, and its share among the others."""

    variant: Slug
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What counts as success: the slug of a goal reached (``order`` for an order placed), within so many days."""

    goal: Slug
    days: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """Below the text: opens ``url``, or says ``says`` as if its presser had."""

    label: str
    url: str | None = None
    says: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A link with a title and a picture."""

    title: str
    url: str
    description: str = ""
    picture: MediaId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTemplate:
    """A template that the provider approved: its id there, and its fields as liquid templates. ``url`` opens where it can."""

    id: str
    fields: dict[str, str] = field(default_factory=dict)
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One text of a campaign: for a variant, and where named for one channel or language only; the most specific one is taken.

    ``text``: a liquid template. ``template`` and ``subscription``: what goes out by those routes of WeChat.
    """

    text: str
    variant: str = CONTROL
    channel: str | None = None
    locale: str | None = None
    buttons: tuple[tuple[Button, ...], ...] = ()
    media: MediaId | None = None
    card: Card | None = None
    template: ProviderTemplate | None = None
    subscription: ProviderTemplate | None = None


def content_for(
    contents: Sequence[Content], variant: Slug, channel: Channel, locale: Locale
) -> Content | None:
    """Return the most specific text for somebody: a channel's own comes before a language's own. None where there is none at all.

    What is written for ``zh`` is for ``zh-hans`` too.
    """
    spoken = locale.replace("_", "-").partition("-")[0].lower()
    fitting = [
        content
        for content in contents
        if content.variant == variant
        and content.channel in {None, channel}
        and content.locale in {None, locale, spoken}
    ]
    return max(
        fitting, key=lambda c: (c.channel is not None, c.locale is not None, c.locale == locale), default=None
    )


CODE_MARK = "\ue000\ue001"
"""Stands in a text where the recipient's code belongs; the gate puts it there, in the append that reserves it. No letters: a template may
change their case."""
_ADDRESS = re.compile(r"https?://(?>[A-Za-z0-9\-._~:/?#@!$&'*+,;=%]+)(?!\{)")
"""An http(s) address in a text, of the signs of RFC 3986; what a variable goes on with is left as it is."""
_OF_THE_SENTENCE = ".,;:!?'"


def addresses_in(text: str) -> list[str]:
    """Return the addresses in a text, without the full stop behind them."""
    return [found.rstrip(_OF_THE_SENTENCE) for found in _ADDRESS.findall(text)]


def readdressed(text: str, instead: Mapping[str, str]) -> str:
    """Return a text with other addresses instead of those that are named."""
    if not instead:
        return text

    def other(found: re.Match[str]) -> str:
        address = found[0].rstrip(_OF_THE_SENTENCE)
        return instead.get(address, address) + found[0][len(address) :]

    return _ADDRESS.sub(other, text)


def addresses(contents: Sequence[Content]) -> tuple[str, ...]:
    """Return every address that a campaign's contents lead to, each once, in an order that stays: short links name them by it."""
    found: dict[str, None] = {}
    for content in contents:
        found.update(dict.fromkeys(addresses_in(content.text)))
        found.update({button.url: None for row in content.buttons for button in row if button.url})
        if content.card is not None:
            found[content.card.url] = None
        found.update(
            {form.url: None for form in (content.template, content.subscription) if form and form.url}
        )
    return tuple(found)
