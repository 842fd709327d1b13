"""Settings: environment variables, or the same keys in ``siyu.toml``. What makes no sense is told without its value."""

import os
import re
import tomllib
from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from domain.errors import BadSettings
from domain.identity import MARKETING_TOPIC, Slug, ZoneName
from domain.policies.facts import Controls
from domain.policies.frequency_cap import FrequencyCap, Scope, ScopedCap
from domain.policies.quiet_hours import QuietHours
from domain.policies.stop_words import STOP_WORDS

PREFIX = "SIYU_"
QUIET = {"cn": ("22:00", "08:30"), "intl": ("21:00", "09:00")}
"""delivery.md, "Consent, caps, quiet hours, windows"."""
MAIN = "main"
_CODE = re.compile("[a-z0-9][a-z0-9-]{0,39}")
_CAP = re.compile(r"(channel|topic):([a-z0-9][a-z0-9-]{0,39})\s+([0-9]{1,3})/([0-9]{1,3})")


class Marketing(BaseModel):
    """What the gate allows; unset values are the region's.

    ``caps``: as ``topic:news 1/2``, so many a day and so many in seven days of what goes out about a topic or on a channel.
    ``topics``: as ``news=新品``, what people can end by itself. ``consent_text``: the version of the wording that people agree to.
    """

    model_config = ConfigDict(extra="ignore")
    cap_per_day: int = Field(default=1, ge=0)
    cap_per_week: int = Field(default=2, ge=0)
    group_cap_per_day: int = Field(default=1, ge=0)
    group_cap_per_week: int = Field(default=3, ge=0)
    quiet_from: time | None = None
    quiet_to: time | None = None
    caps: tuple[ScopedCap, ...] = ()
    topics: dict[Slug, str] = Field(default_factory=dict)
    consent_text: Slug | None = None
    holdout_percent: int = Field(default=0, ge=0, le=50)
    group_share_percent: int = Field(default=100, ge=1, le=100)

    @field_validator("caps", mode="before")
    @classmethod
    def _as_caps(cls, value: object) -> object:
        return tuple(_cap(text) for text in _listed(value)) if isinstance(value, str) else value

    @field_validator("topics", mode="before")
    @classmethod
    def _as_topics(cls, value: object) -> object:
        return dict(_topic(text) for text in _listed(value)) if isinstance(value, str) else value

    @field_validator("consent_text")
    @classmethod
    def _coded(cls, value: Slug | None) -> Slug | None:
        if value is not None and not _CODE.fullmatch(value):
            raise ValueError("write a version such as 2026-11, in small letters, digits and dashes")
        return value


def _listed(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def _cap(text: str) -> ScopedCap:
    told = _CAP.fullmatch(text)
    if told is None:
        raise ValueError("write each as topic:news 1/2 or channel:wechat 1/0: so many a day, so many a week")
    day, week = int(told[3]), int(told[4])
    if not day and not week:
        raise ValueError("a cap of nothing a day and nothing a week is none: leave it out")
    return ScopedCap(FrequencyCap(day, week), Scope(told[1]), Slug(told[2]))


def _topic(text: str) -> tuple[Slug, str]:
    code, _, name = (part.strip() for part in text.partition("="))
    if not _CODE.fullmatch(code) or not name or code == MARKETING_TOPIC:
        raise ValueError(
            "write each as news=新品: a code in small letters, and its name; marketing means all of them"
        )
    return Slug(code), name


class Media(BaseModel):
    """What is kept of the files of messages."""

    model_config = ConfigDict(extra="ignore")
    max_mb: int = Field(default=20, ge=1, le=2_000)

    @property
    def max_bytes(self) -> int:
        """The size of the largest file."""
        return self.max_mb * 1024 * 1024


class Settings(BaseModel):
    """The installation's settings (interface.md, "Settings")."""

    model_config = ConfigDict(extra="ignore")
    data: Path = Path("data")
    database: str | None = None
    vault_database: str | None = None
    master_key_file: Path | None = None
    public_url: str | None = None
    region: Literal["cn", "intl"] = "cn"
    time_zone: ZoneName = ZoneName("Asia/Shanghai")
    locale: Literal["zh", "en"] = "zh"
    brand_name: str = "Siyu"
    starter_rules: bool = True
    bulk: Literal["here", "procrastinate"] = "here"
    bot_silence_min: int = Field(default=30, ge=0)
    stop_words: tuple[str, ...] = STOP_WORDS
    marketing: Marketing = Field(default_factory=Marketing)
    media: Media = Field(default_factory=Media)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "Asia" is a folder
            raise ValueError("this is no time zone: write one like Asia/Shanghai") from None
        return value

    @field_validator("stop_words", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return (
            tuple(word.strip() for word in value.split(",") if word.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("database", "vault_database")
    @classmethod
    def _postgres(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("write it as postgresql://user:password@host/name, or leave it out for SQLite")
        return value

    @field_validator("public_url")
    @classmethod
    def _no_slash(cls, value: str | None) -> str | None:
        return value.rstrip("/") if value else None

    @property
    def controls(self) -> Controls:
        """What the gate obeys."""
        begin, end = (time.fromisoformat(clock) for clock in QUIET[self.region])
        rules = self.marketing
        return Controls(
            cap=FrequencyCap(rules.cap_per_day, rules.cap_per_week),
            group_cap=FrequencyCap(rules.group_cap_per_day, rules.group_cap_per_week),
            quiet=QuietHours(rules.quiet_from or begin, rules.quiet_to or end),
            zone=self.time_zone,
            caps=rules.caps,
            holdout_percent=rules.holdout_percent,
            group_share_percent=rules.group_share_percent,
        )

    @property
    def silence(self) -> timedelta:
        """For how long the bot is silent after an operator's answer."""
        return timedelta(minutes=self.bot_silence_min)


def flat(table: Mapping[str, Any], prefix: str) -> dict[str, str]:
    """Return a TOML table as environment variables: ``[telegram] token`` is SIYU_TELEGRAM__TOKEN."""
    found: dict[str, str] = {}
    for key, value in table.items():
        name = f"{prefix}{key.upper()}"
        if isinstance(value, dict):
            found.update(flat(value, f"{name}__"))
        elif isinstance(value, list):
            found[name] = ",".join(map(str, value))
        else:
            found[name] = str(value)
    return found


def environment(file: Path = Path("siyu.toml")) -> dict[str, str]:
    """Return our variables: the environment over the file. Raises BadSettings for a file that is no TOML."""
    found: dict[str, str] = {}
    if file.is_file():
        try:
            found = flat(tomllib.loads(file.read_text("utf8")), PREFIX)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadSettings("{file} is no valid TOML: {error}", file=file, error=error) from error
    return {
        **found,
        **{key.upper(): value for key, value in os.environ.items() if key.upper().startswith(PREFIX)},
    }


def load(variables: Mapping[str, str]) -> Settings:
    """Read the settings; an empty value is none. Raises BadSettings, naming each variable that makes no sense, never its value."""
    said = {key: value for key, value in variables.items() if value}
    own = {key.removeprefix(PREFIX).lower(): value for key, value in said.items() if "__" not in key}
    rules = {
        key.removeprefix("SIYU_MARKETING__").lower(): value
        for key, value in said.items()
        if key.startswith("SIYU_MARKETING__")
    }
    try:
        marketing = Marketing.model_validate(rules)
    except ValidationError as error:
        raise _complaint(error, "SIYU_MARKETING__") from None
    files = {
        key.removeprefix("SIYU_MEDIA__").lower(): value
        for key, value in said.items()
        if key.startswith("SIYU_MEDIA__")
    }
    try:
        media = Media.model_validate(files)
    except ValidationError as error:
        raise _complaint(error, "SIYU_MEDIA__") from None
    try:
        return Settings.model_validate({**own, "marketing": marketing, "media": media})
    except ValidationError as error:
        raise _complaint(error, PREFIX) from None


def _complaint(error: ValidationError, prefix: str) -> BadSettings:
    told = (
        (str(item["loc"][0]).upper(), item["msg"].removeprefix("Value error, ")) for item in error.errors()
    )
    return BadSettings("; ".join(f"{prefix}{name}: {wrong}" for name, wrong in told))


def accounts_of(channel: str, variables: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the settings of each account of a channel: ``SIYU_TELEGRAM__TOKEN`` is ``main``'s, ``SIYU_TELEGRAM__SHOP__TOKEN`` shop's."""
    accounts: dict[str, dict[str, str]] = {}
    prefix = f"{PREFIX}{channel.upper()}__"
    for key, value in variables.items():
        if key.startswith(prefix):
            account, _, name = key.removeprefix(prefix).rpartition("__")
            accounts.setdefault(account.lower() or MAIN, {})[name.lower()] = value
    return accounts
