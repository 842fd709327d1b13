"""Imports and exports as jobs: begun, followed while they run, listed, cancelled (docs/jobs.md)."""

import shutil
import time
from collections.abc import Generator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from bot import dossier
from bot.bulk import Line, State, Work
from bot.commands.command import CLI
from bot.house import House
from bot.ids import fresh_id
from bot.operations.importing import import_file
from bot.operations.moving import export_customer
from bot.operations.reading import one_customer
from bot.operations.said import Exit, Said
from bot.texts import Told, told
from domain.errors import Rejected, SiyuError

LOOKS_EVERY_S: Final = 0.02
"""At a job of this process."""
ASKS_EVERY_S: Final = 0.25
"""The database, after one that others may run."""
FOLLOWED_FOR_S: Final = 60.0
"""Then a job that says nothing goes on unfollowed."""
_STATES: Final = {
    State.WAITING: told("not begun"),
    State.RUNNING: told("running"),
    State.DONE: told("done"),
    State.FAILED: told("failed"),
    State.CANCELLED: told("cancelled"),
}


# --- what is done ----------------------------------------------------------------------------------------------------


def works_of(house: House) -> Mapping[str, Work]:
    """Return the works of a house, by name."""
    return {"import": partial(_import, house), "export": partial(_export, house)}


def _import(house: House, file: str) -> Generator[Line, None, int]:
    """Begun again, the rows that are known change nothing."""
    return (yield from _coded(import_file(house, file)))


def _export(house: House, customer: str, folder: str, part: str) -> Generator[Line, None, int]:
    """Write into ``part``, which becomes ``folder`` at the end: begun again, what was half written is written anew."""
    shutil.rmtree(part, ignore_errors=True)
    for line in dossier.give_out(house, one_customer(house, customer), CLI, part):
        if isinstance(line, Told):
            _into_place(Path(part), Path(folder))
            yield Told(line.text, {**line.values, "folder": folder})
    return 0


def _into_place(part: Path, folder: Path) -> None:
    try:
        part.rename(folder)
    except OSError:
        shutil.rmtree(part, ignore_errors=True)
        raise _not_empty(folder) from None


def _not_empty(folder: Path) -> Rejected:
    return Rejected("{folder} is not empty: name a new folder", folder=folder)


def _coded(said: Said) -> Generator[Line, None, int]:
    """Yield what an operation says, and return how it ended."""
    code = 0
    for line in said:
        if isinstance(line, Exit):
            code = line.code
        else:
            yield line
    return code


# --- begun and followed ----------------------------------------------------------------------------------------------


def import_as_job(house: House, file: str) -> Said:
    """Take in a file of orders or of customers."""
    yield from _begun(house, "import", file=file)


def export_as_job(house: House, customer: str, folder: str = "") -> Said:
    """Print everything about a customer, or have it written into a new folder: only that is a job, whose lines hold nothing of theirs."""
    if not folder:
        yield from export_customer(house, customer)
        return
    target = Path(folder)
    if target.exists() and any(target.iterdir()):
        raise _not_empty(target)
    part = target.with_name(f".{target.name}.{fresh_id()}.part")
    yield from _begun(
        house, "export", customer=one_customer(house, customer).id, folder=folder, part=str(part)
    )


def _begun(house: House, work: str, **arguments: str) -> Said:
    number = house.bulk.start(work, arguments)
    if house.bulk.lasting:
        yield told("job {number}; siyu jobs follow {number} shows it again", number=number)
    yield from follow(house, number)


def follow(house: House, number: int, patience_s: float = FOLLOWED_FOR_S) -> Said:
    """Tell what a job tells until it is over, and end as it did. ``patience_s``: without a word of it."""
    after, news = 0, time.monotonic()
    while True:
        seen = house.bulk.look(number, after)
        yield from seen.lines
        if seen.ended is not None:
            yield from _end(seen.job.state, seen.ended.code, seen.ended.error)
            return
        if seen.last > after:
            after, news = seen.last, time.monotonic()
        elif time.monotonic() - news > patience_s:
            yield told(
                "job {number} is {state}: siyu jobs follow {number}",
                number=number,
                state=_STATES[seen.job.state],
            )
            yield Exit(1)
            return
        time.sleep(ASKS_EVERY_S if house.bulk.lasting else LOOKS_EVERY_S)


def _end(state: State, code: int, error: Told | None) -> Said:
    if error is not None:
        kind = Rejected if code == 2 else SiyuError  # noqa: PLR2004  # as the command line exits
        raise kind(error.text, **error.values)
    if state is State.CANCELLED:
        yield told("cancelled")
    if code:
        yield Exit(code)


def list_jobs(house: House) -> Said:
    """List the jobs, the newest first."""
    jobs = house.bulk.jobs()
    for job in jobs:
        yield told(
            "{number}  {work}  {state}, begun {tries} times",
            number=job.number,
            work=job.work,
            state=_STATES[job.state],
            tries=job.tries,
        )
    if not jobs:
        yield told("There are no jobs.")


def cancel_job(house: House, number: int) -> Said:
    """Have a job stopped; what it did stays done."""
    if not house.bulk.cancel(number):
        raise Rejected("job {number} is over already", number=number)
    yield told("job {number} stops at its next line; what it did stays done", number=number)
