"""Bringing an installation or a customer somewhere else, or out of it: import, backup, export, forgetting."""

from pathlib import Path

from bot import dossier, export, forgetting
from bot.commands.command import CLI
from bot.control import ASKED
from bot.house import House
from bot.operations.reading import one_customer
from bot.operations.said import Exit, Said
from bot.texts import told
from domain.codes.commands import DoubtPool
from domain.errors import BadInput
from domain.installation.commands import MarkHistoryImported, ResumeSending
from projections.codes import pools_listed


def resume_sending(house: House) -> Said:
    """Let messages leave again after an import or a restore."""
    events_ = house.do("operator-cli", ResumeSending()).events
    yield told("messages leave again") if events_ else told("nothing was held")


def import_events(house: House, file: str) -> Said:
    """Build an installation from an export. The folder must be new."""
    if house.log.head():
        raise BadInput("this installation has events already: import into an empty data folder (SIYU_DATA)")
    with open(file, "rb") as lines:  # noqa: PTH123  # streamed: the file may be larger than memory
        count = export.store(house.log, house.vault, export.read_lines(lines))
    house.do("system", MarkHistoryImported(events=count))
    house.catch_up()
    yield told("{count} events imported. Nothing is sent until: siyu resume-sending", count=count)
    yield told("What was planned or recurring in them is history: plan it anew.")
    with house.views.read() as connection:
        pools = [one.name for one in pools_listed(connection)]
    if pools:  # the installation they came from may have given out more since
        house.do("system", *(DoubtPool(pool=pool) for pool in pools))
        yield told(
            "unknown which codes were given out since: {pools} pools give none before siyu codes settle POOL",
            pools=len(pools),
        )


def back_up(house: House, folder: str) -> Said:
    """Copy log, vault and media into a new folder."""
    from bot.backup.taking import take  # noqa: PLC0415  # it brings PostgreSQL's driver, and copies are taken once a day

    yield from take(house, Path(folder))


def export_customer(house: House, customer: str, folder: str = "") -> Said:
    """Print everything about a customer as lines of JSON, or write it into a new folder, with tables and files."""
    yield from dossier.give_out(house, one_customer(house, customer), CLI, folder)


def forget_customer(house: House, customer: str, *, yes: bool = False) -> Said:
    """Destroy everything personal about a customer; without ``yes``: say who it is, and end as ASKED."""
    yield from forgetting.lines(house, one_customer(house, customer), CLI, confirmed=yes)
    if not yes:
        yield Exit(ASKED)
