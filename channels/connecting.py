"""How a channel is connected: what is asked for, and the steps that are ticked off. Each channel fills this shape in its ``connecting.py``.

Texts are English with places for ``values``; whoever shows them translates. ``say`` marks them for the catalogues.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from channels.channel import Adapter
from domain.errors import BadSettings
from domain.identity import Account, Channel

PUBLIC_URL: Final = "public_url"
"""The one setting of the house that a guide may ask for."""


def say(text: str) -> str:
    """Mark a text for the catalogues; it is translated where it is shown."""
    return text


@dataclass(frozen=True, slots=True)
class Passed:
    """The step holds. ``text``: what was found out, empty where the title says it all."""

    text: str = ""
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """The step does not hold. ``text``: what to do. ``ask``: which setting is wrong, where it is one."""

    text: str
    values: Mapping[str, object] = field(default_factory=dict)
    ask: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody has to do something first: ``text`` says what."""

    text: str
    values: Mapping[str, object] = field(default_factory=dict)


Outcome = Passed | Failed | Waiting


@dataclass(frozen=True, slots=True)
class Ground:
    """What a check may know besides the settings of its account.

    ``name``: what the account is called in the settings. ``public_url``: without a slash at the end. ``adapter``: the account as it is
    open, None where no Siyu runs. ``heard``: whether anybody wrote over an account. ``groups``: the provider's ids of the groups it is in.
    ``notes``: what earlier steps found out, for later ones.
    """

    name: str
    public_url: str | None
    clock: Callable[[], datetime]
    adapter: Adapter | None
    heard: Callable[[Channel, Account], Awaitable[bool]]
    groups: Callable[[Channel, Account], Awaitable[Sequence[str]]]
    notes: dict[str, Any]


Check = Callable[[Mapping[str, str], Ground], Awaitable[Outcome]]
"""Looks whether a step holds now, given the account's settings by their short names (``token``)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line to tick off.

    ``needs``: the ids of the steps without which this one cannot be looked at. ``required``: the channel does not work without it.
    ``live``: only a running Siyu can tell. ``health``: it tells ``siyu doctor`` how the account does. ``rarely``: each look counts against
    a quota of the provider's.
    """

    id: str
    title: str
    check: Check
    needs: tuple[str, ...] = ()
    required: bool = True
    live: bool = False
    health: bool = False
    rarely: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """One setting that is asked for while it is missing.

    ``key``: its short name, or PUBLIC_URL. ``secret``: it is never shown again. ``choices``: the only values, the likeliest first.
    ``make``: makes it instead of asking; it is shown once, to be copied to the provider.
    """

    key: str
    title: str
    help: str
    secret: bool = False
    choices: tuple[str, ...] = ()
    make: Callable[[], str] | None = None


@dataclass(frozen=True, slots=True)
class Guide:
    """A channel's way from nothing to a working account: the literal tuple ``GUIDE`` of its ``connecting.py``.

    ``title``: the channel's name as people write it. ``about``: one sentence. ``validate``: raises BadSettings for settings that
    ``open_channel`` would refuse, given the account's name, its settings and the public address. ``warning``: what to know beforehand.
    """

    title: str
    about: str
    asks: tuple[Ask, ...]
    steps: tuple[Step, ...]
    validate: Callable[[str, Mapping[str, str], str | None], object]
    warning: str = ""


def refused(error: BadSettings, ask: str | None = None) -> Failed:
    """Return settings that were refused as a step's failure."""
    return Failed(error.text, error.values, ask)
