"""What may be asked of the installation."""

from dataclasses import dataclass
from datetime import datetime

from domain.identity import OperatorId


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareInstallation:
    """Mark that the first start is done."""

    starter_rules: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseMarketing:
    """Stop every marketing path."""

    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeMarketing:
    """Let marketing go on."""

    operator: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkHistoryImported:
    """Say that all before this is history."""

    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRestored:
    """Say that all before this comes from a backup: ``head`` and ``taken_at`` as in InstallationRestored."""

    head: int
    taken_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeSending:
    """Let messages leave again after an import or a restore."""
