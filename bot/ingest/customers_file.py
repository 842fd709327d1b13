"""A file of customers: what another system knows of people who are customers here. Nothing of a stranger is stored."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.house import House
from bot.ingest import columns
from bot.ingest.buyers import Buyer
from bot.ingest.reports import Tally, Wrong, by_what, how_far, taken, wrong
from bot.ingest.table import Row
from bot.ingest.telling import Description, Noted, Teller, describe_customer
from bot.texts import Told, told
from domain.errors import BadInput
from domain.identity import Slug
from domain.message import Origin

TELLER = Teller(actor=Slug("operator-cli"), source=Slug("import"), origin=Origin.IMPORT)
FACTS = ("birthday", "lunar_birthday", "member_since", "language", "zone")


@dataclass(frozen=True, slots=True)
class CustomersFile:
    """How the rows of a file are read. ``where``: the columns it has."""

    where: Mapping[str, int]
    today: date

    def description(self, row: Row) -> tuple[Description, Buyer]:
        """Return what a row tells of whom. Raises BadInput."""
        born, lunar = self._cell(row, "birthday"), self._cell(row, "lunar_birthday")
        since, language = self._cell(row, "member_since"), self._cell(row, "language")
        zone = self._cell(row, "zone")
        if not (born or lunar or since or language or zone):
            raise BadInput("it tells nothing: no birthday, member_since, language or time_zone")
        told_of = lunar or born
        description = Description(
            birthday=columns.birthday(told_of, lunar=bool(lunar)) if told_of else None,
            member_since=columns.day(since, self.today) if since else None,
            language=columns.language(language) if language else None,
            zone=columns.time_zone(zone) if zone else None,
        )
        who = {name: self._cell(row, name) for name in columns.WHO}
        if not any(who.values()):
            raise BadInput("it names nobody: no customer, contact, unionid or phone")
        return description, Buyer(**who)

    def whom(self, row: Row) -> str:
        """Return what tells rows of one person from those of others."""
        return "\n".join(self._cell(row, name) for name in columns.WHO)

    def _cell(self, row: Row, column: str) -> str:
        return columns.cell(row.cells, self.where.get(column))


def read(
    house: House, path: Path, rows: Iterator[Row], where: Mapping[str, int]
) -> Generator[Told, None, bool]:
    """Take in a file of customers, and tell what came of it; returns whether all rows were taken. Blocking.

    Raises StoreUnavailable, Overloaded; then it may be read again.
    """
    today = datetime.astimezone(house.clock(), ZoneInfo(house.settings.time_zone)).date()
    file, total, tally = CustomersFile(where, today), path.stat().st_size, Tally()

    def take(row: Row) -> Noted:
        description, whom = file.description(row)
        return describe_customer(house, description, whom, by=TELLER)

    for row, came in taken(rows, take, file.whom):
        tally.rows += 1
        if isinstance(came, Wrong):
            tally.wrong += 1
            yield wrong(came)
        elif came.by is None:
            tally.unmatched += 1
            yield told("line {line}: no customer is known by what it says", line=row.line)
        else:
            tally.new, tally.known = tally.new + came.changed, tally.known + (not came.changed)
            tally.matched[came.by] += 1
        yield from how_far(tally, row, total)
    yield from _report(tally)
    return not tally.wrong


def _report(tally: Tally) -> Iterator[Told]:
    yield told(
        "{rows} rows: {new} with news, {known} known just so, {unmatched} of nobody known, {wrong} not taken",
        rows=tally.rows,
        new=tally.new,
        known=tally.known,
        unmatched=tally.unmatched,
        wrong=tally.wrong,
    )
    yield from by_what(tally)
