"""What is asked for, what was answered, and how far it is: the same for the terminal and the page."""

import asyncio
import json
import os
import re
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from bot import logs
from bot.checking import Asleep, Checks, Configuration, Live, State, Tick
from bot.connect.admission import Admission
from bot.connect.settings_file import put
from bot.settings import MAIN, PREFIX, accounts_of
from bot.texts import Texts
from channels.channel import Adapter
from channels.connecting import PUBLIC_URL, Ask, Guide
from channels.registry import CHANNELS, Kind
from domain.errors import BadSettings, Rejected, StoreUnavailable
from domain.identity import Locale

SECRET_KEYS = ("TOKEN", "SECRET", "KEY", "PASSWORD", "DATABASE", "PROXY")
"""Settings whose values never reach a log (a database URL holds a password)."""
LONGEST_VALUE = 500
ANSWERED_WITHIN_S = 60.0
FILE = Path("siyu.toml")
_NAME = re.compile(r"[a-z][a-z0-9]{0,29}(_[a-z0-9]{1,10}){0,3}")
T = TypeVar("T")

GUIDED = tuple(kind for kind in CHANNELS if not kind.always)
"""The channels that can be connected: those that do not run by themselves."""


class Known(Configuration, Protocol):
    """What is configured, and the texts to tell it in. A House is one."""

    texts: Texts
    address: str


class Opening(Live, Protocol):
    """Opens an account while Siyu runs."""

    def make(self, channel: str, name: str) -> Adapter:
        """Make an account as it is configured now; it does nothing yet. Raises BadSettings."""
        ...

    async def put(self, channel: str, name: str, adapter: Adapter) -> None:
        """Let it work, in the place of what was open under its name. Raises StoreUnavailable."""
        ...


@dataclass(slots=True)
class Connecting:
    """``opening``: None where no Siyu runs. ``file``: where settings are kept."""

    known: Known
    opening: Opening | None = None
    file: Path = field(default_factory=FILE.absolute)
    admission: Admission = field(default_factory=Admission)
    _checks: dict[tuple[str, str], Checks] = field(default_factory=dict)
    _loop: asyncio.AbstractEventLoop | None = None
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Know the loop on which accounts are opened."""
        self._loop = loop

    async def look(self, channel: str, name: str = MAIN, locale: Locale | None = None) -> dict[str, Any]:
        """Return how far an account is, as JSON values in a language. Raises Rejected for what is no channel or no name."""
        checks = await self._checks_of(channel, name)
        ticks = await checks.look(self.known, self.opening or Asleep())
        return self._told(checks, ticks, locale)

    async def save(
        self, channel: str, name: str, values: Mapping[str, str], *, renew: bool = False
    ) -> dict[str, str]:
        """Keep what was answered, and open the account. Returns what was made meanwhile, to be shown once.

        ``values``: by their short names; an empty one is none. ``renew``: make anew what we make. Raises Rejected, BadSettings: then
        nothing was kept. Raises StoreUnavailable where the file cannot be written.
        """
        checks = await self._checks_of(channel, name)
        async with self._one_at_a_time:
            given = {key.lower(): value.strip() for key, value in values.items() if value.strip()}
            given |= (made := self._made(checks, given, renew=renew))
            for key, value in given.items():
                _refuse_odd(key, value, checks.guide)
            changes = {setting(channel, name, key): value for key, value in given.items()}
            _refuse_overridden(changes)
            await self._keep(checks, changes)
        return made

    def link(self) -> str:
        """Return an address that lets whoever opens it first connect channels. It works once, for a quarter of an hour."""
        public = self.known.settings.public_url or ""
        # A public address without TLS would show what is typed to everybody on the way.
        root = (
            public
            if public.startswith("https://")
            else self.known.address.replace("//0.0.0.0:", "//127.0.0.1:")
        )
        return f"{root}/connect?key={self.admission.new_key()}"

    def operations(self) -> dict[str, Callable[..., Iterator[str]]]:
        """Return what the command line may ask for; each yields one line of JSON (the link: itself)."""

        def look(_house: object, channel: str, name: str, locale: str | None = None) -> Iterator[str]:
            yield json.dumps(self._wait(self.look(channel, name, Locale(locale) if locale else None)))

        def save(
            _house: object, channel: str, name: str, values: Mapping[str, str], *, renew: bool = False
        ) -> Iterator[str]:
            yield json.dumps({"made": self._wait(self.save(channel, name, values, renew=renew))})

        def link(_house: object) -> Iterator[str]:
            if self._loop is None:
                raise StoreUnavailable(
                    "no Siyu runs on {data}: start it with siyu run", data=self.known.settings.data
                )
            yield self.link()

        return {"connect-look": look, "connect-save": save, "connect-link": link}

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Have something done on the loop, and wait for it in a thread; where none runs, do it here."""
        if self._loop is None:
            return asyncio.run(work)
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(ANSWERED_WITHIN_S)

    async def _checks_of(self, channel: str, name: str) -> Checks:
        kind = next((kind for kind in GUIDED if kind.name == channel), None)
        if kind is None:
            raise Rejected(
                "no channel is called {channel}: there are {known}",
                channel=channel[:30],
                known=", ".join(kind.name for kind in GUIDED),
            )
        if not _NAME.fullmatch(name):
            raise Rejected("an account is called by small letters and digits, such as shop")
        known = self._checks.get((channel, name))
        if known is None:
            guide = await asyncio.to_thread(kind.guide)  # the vendor's SDK takes seconds to import
            known = self._checks.setdefault((channel, name), Checks(kind, name, guide))
        return known

    def _made(self, checks: Checks, given: Mapping[str, str], *, renew: bool) -> dict[str, str]:
        has = accounts_of(checks.kind.name, self.known.variables).get(checks.name, {})
        return {
            ask.key: ask.make()
            for ask in checks.guide.asks
            if ask.make is not None and ask.key not in given and (renew or not has.get(ask.key))
        }

    async def _keep(self, checks: Checks, changes: Mapping[str, str]) -> None:
        """Try the settings, write them, and open the account; what was refused leaves everything as it was."""
        known, kind, name = self.known, checks.kind, checks.name
        before = known.variables, known.settings
        logs.hide(value for key, value in changes.items() if is_secret(key))
        known.variables = {**known.variables, **changes}
        public_url = changes.get(f"{PREFIX}{PUBLIC_URL.upper()}")
        if public_url is not None:
            known.settings = known.settings.model_copy(update={PUBLIC_URL: public_url.rstrip("/")})
        made: Adapter | None = None
        try:
            settings = accounts_of(kind.name, known.variables).get(name, {})
            checks.guide.validate(name, settings, known.settings.public_url)
            if self.opening is not None:
                made = await asyncio.to_thread(self.opening.make, kind.name, name)
            await asyncio.to_thread(put, self.file, changes)
        except BaseException:
            known.variables, known.settings = before
            raise
        if self.opening is not None and made is not None:
            await self.opening.put(kind.name, name, made)

    def _told(self, checks: Checks, ticks: list[Tick], locale: Locale | None) -> dict[str, Any]:
        def say(text: str) -> str:
            return self.known.texts.say(text, locale) if text else ""

        def stands(tick: Tick) -> dict[str, Any]:
            return {
                "id": tick.step.id,
                "title": say(tick.step.title),
                "state": tick.state.value,
                "said": self.known.texts.shown(tick.said, locale) if tick.said is not None else "",
                "required": tick.step.required,
                "ask": tick.ask,
            }

        guide = checks.guide
        required = [tick.state for tick in ticks if tick.step.required]
        return {
            "channel": checks.kind.name,
            "account": checks.name,
            "title": say(guide.title),
            "about": say(guide.about),
            "warning": say(guide.warning),
            "running": self.opening is not None,
            "done": all(state is State.PASSED for state in required),
            "holds": all(state in {State.PASSED, State.LATER} for state in required),
            "asks": [self._asked(checks, ask, say) for ask in guide.asks],
            "steps": [stands(tick) for tick in ticks],
        }

    def _asked(self, checks: Checks, ask: Ask, say: Callable[[str], str]) -> dict[str, Any]:
        value = self.known.variables.get(setting(checks.kind.name, checks.name, ask.key), "")
        return {
            "key": ask.key,
            "title": say(ask.title),
            "help": say(ask.help),
            "secret": ask.secret,
            "choices": list(ask.choices),
            "made": ask.make is not None,
            "set": bool(value),
            "value": "" if ask.secret or ask.make is not None else value,
        }


def setting(channel: str, name: str, key: str) -> str:
    """Return what a setting is called in the environment."""
    if key == PUBLIC_URL:
        return f"{PREFIX}{PUBLIC_URL.upper()}"
    account = "" if name == MAIN else f"{name.upper()}__"
    return f"{PREFIX}{channel.upper()}__{account}{key.upper()}"


def is_secret(key: str) -> bool:
    """Return whether a setting's value is nobody's to see."""
    return any(word in key.upper() for word in SECRET_KEYS)


def _refuse_odd(key: str, value: str, guide: Guide) -> None:
    choices = next((ask.choices for ask in guide.asks if ask.key == key), ())
    if choices and value not in choices:
        raise Rejected("{key} is one of: {choices}", key=key, choices=", ".join(choices))
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", key) or "__" in key:
        raise Rejected("a setting is called by letters and _, such as api_base")
    if not value.isprintable() or len(value) > LONGEST_VALUE:
        raise Rejected(
            "{key}: write it in one line of at most {most} characters", key=key, most=LONGEST_VALUE
        )


def _refuse_overridden(changes: Mapping[str, str]) -> None:
    """The environment wins over the file: what is set there would be another value again after the next start."""
    for key, value in changes.items():
        if os.environ.get(key, value) != value:
            raise BadSettings(
                "{setting} is set in the environment, which wins over siyu.toml: change it there", setting=key
            )


def kinds_of(variables: Mapping[str, str]) -> list[Kind]:
    """Return the channels of which an account is configured."""
    return [kind for kind in GUIDED if accounts_of(kind.name, variables)]
