"""What a process is there for."""

from enum import StrEnum

from bot.settings import Settings
from domain.errors import BadSettings


class ProcessRole(StrEnum):
    """``web``: takes what comes in; ``worker``: does what is to be done; ``all``: both."""

    ALL = "all"
    WEB = "web"
    WORKER = "worker"

    @property
    def serves(self) -> bool:
        """Whether people and providers reach it."""
        return self is not ProcessRole.WORKER

    @property
    def works(self) -> bool:
        """Whether it has a share of the work."""
        return self is not ProcessRole.WEB


def check_role(role: ProcessRole, settings: Settings) -> None:
    """Raise BadSettings for a role that needs other processes beside it, where there can be none."""
    if role is not ProcessRole.ALL and settings.database is None:
        raise BadSettings(
            "--role {role} needs other processes beside it, and a data folder has only one: set SIYU_DATABASE=postgresql://... or leave"
            " the role out",
            role=role.value,
        )
