"""Which runner there is."""

from bot.bulk.carrying import Works
from bot.bulk.runner import InProcess, Runner
from bot.settings import Settings
from domain.errors import BadSettings


def open_runner(settings: Settings, secret: bytes, works: Works) -> Runner:
    """Return the runner that the settings name; it asks no database yet. ``secret``: the installation's. Raises BadSettings."""
    if settings.bulk == "here":
        return InProcess(works)
    if settings.database is None:
        raise BadSettings(
            "SIYU_BULK=procrastinate keeps its jobs in PostgreSQL: set SIYU_DATABASE, or leave it out"
        )
    try:
        from bot.bulk.procrastinated import Procrastinated  # noqa: PLC0415  # an optional dependency
    except ModuleNotFoundError as error:
        raise BadSettings(
            "SIYU_BULK=procrastinate needs a package that is not installed ({name}): pip install 'siyu[bulk]'",
            name=error.name,
        ) from None
    return Procrastinated(settings.database, secret, works)
