"""What happened to the installation as a whole."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.identity import OperatorId


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationPrepared:
    """An empty installation got its starter rules, or was told to have none."""

    SUBJECT: ClassVar[str] = ""
    starter_rules: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketingPaused:
    """Every marketing path stops at once."""

    SUBJECT: ClassVar[str] = ""
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketingResumed:
    """Marketing goes on."""

    SUBJECT: ClassVar[str] = ""
    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryImported:
    """What lies before this was read from a file: it never causes an action, and nothing is sent until sending is resumed."""

    SUBJECT: ClassVar[str] = ""
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationRestored:
    """What lies before this comes from a backup, taken at ``taken_at`` when ``head`` was the last position: what happened since is lost.

    Nothing is sent until sending is resumed, and what may have been sent since is not sent again.
    """

    SUBJECT: ClassVar[str] = ""
    head: int
    taken_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingResumed:
    """Messages may leave again."""

    SUBJECT: ClassVar[str] = ""


EVENTS = (
    ("installation-prepared/1", InstallationPrepared),
    ("marketing-paused/1", MarketingPaused),
    ("marketing-resumed/1", MarketingResumed),
    ("history-imported/1", HistoryImported),
    ("installation-restored/1", InstallationRestored),
    ("sending-resumed/1", SendingResumed),
)
