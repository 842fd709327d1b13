"""The results of a campaign, on the machine itself: told, as JSON, as a picture, as a table."""

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from bot.campaigns.picture import picture
from bot.campaigns.results import Results, as_json, gather
from bot.commands.campaign import campaign_named
from bot.commands.campaign_results import lines_of, listed
from bot.commands.command import CLI, Call, Operator
from bot.dossier import cell
from bot.house import House
from bot.ids import fresh_id
from bot.operations.said import Said
from bot.texts import told
from domain.errors import Rejected
from domain.identity import Locale, RunId
from domain.operators.events import Role
from projections.campaigns import Among, Figure, Recipient, recipients
from projections.people.customers import customers_by_id

PAGE = 500
COLUMNS = (
    "number",
    "name",
    *(name for name in Recipient.__dataclass_fields__ if name not in {"contact", "cursor"}),
)


def campaign_results(  # noqa: PLR0913  # what a command line may ask for
    house: House,
    what: str,
    *,
    figure: str = "",
    by: str = "",
    run: str = "",
    json: bool = False,
    svg: str = "",
    table: str = "",
    locale: Locale | None = None,
) -> Said:
    """Tell what became of a campaign. ``figure``: whom it counts; ``by``: what its texts are compared by; ``svg``, ``table``: new files."""
    house.catch_up()
    call = _call(house, what, locale)
    named = campaign_named(call, what)
    wanted, compared = _figure(figure), _figure(by)
    with house.views.read() as connection:
        found = gather(
            connection, named.campaign, now=call.now, run=RunId(run) if run else None, measure=compared
        )
    if svg:
        with Path(svg).open("x", encoding="utf8") as drawing:
            drawing.write(picture(found, partial(house.texts.say, locale=locale)))
        yield told("Written: {file}", file=svg)
    if table:
        _write(house, found, wanted or Figure.PLANNED, Path(table))
        yield told("Written: {file}", file=table)
    if json:
        yield from _json(house, found, wanted)
    elif wanted is not None and not table:
        yield from listed(call, found, wanted)
    elif not svg and not table:
        yield from lines_of(call, found)


def _call(house: House, what: str, locale: Locale | None) -> Call:
    request = house.digest("command", "cli", fresh_id())
    operator = Operator(CLI, Role.OWNER, locale=locale)
    return Call(
        operator=operator,
        name="campaign",
        rest=f"results {what}",
        line=f"/campaign results {what}",
        request=request,
        order=request,
        now=house.clock(),
        office=house.office,
    )


def _figure(name: str) -> Figure | None:
    if name and name not in set(Figure):
        raise Rejected("no figure is called {name!r}: there are {known}", name=name, known=", ".join(Figure))
    return Figure(name) if name else None


def _json(house: House, found: Results, figure: Figure | None) -> Iterator[str]:
    """Yield the results as one line of JSON, or a line for each recipient that a figure counts."""
    if figure is None:
        yield msgspec.json.encode(as_json(found)).decode()
        return
    with house.views.snapshot() as connection:
        for row in _rows(connection, found, figure):
            yield msgspec.json.encode(row).decode()


def _write(house: House, found: Results, figure: Figure, file: Path) -> None:
    """Write whom a figure counts as a table, in which nothing is taken for a formula. Raises OSError."""
    zone = ZoneInfo(house.settings.time_zone)
    with house.views.snapshot() as connection, file.open("x", encoding="utf-8-sig", newline="") as opened:
        table = csv.DictWriter(opened, COLUMNS)
        table.writeheader()
        for row in _rows(connection, found, figure):
            moments = {name: at.astimezone(zone) for name, at in row.items() if hasattr(at, "astimezone")}
            table.writerow({name: cell(value) for name, value in (row | moments).items()})


def _rows(connection: Connection, found: Results, figure: Figure) -> Iterator[dict[str, object]]:
    among, after = Among(campaign=found.id, run=found.run), 0
    while page := recipients(connection, among, figure, after=after, limit=PAGE):
        after = page[-1].cursor
        known = customers_by_id(connection, {one.customer for one in page if one.customer is not None})
        people = {record: one for one in known for record in (one.id, *(m.id for m in one.merged))}
        for one in page:
            who = None if one.customer is None else people.get(one.customer)
            named = {"number": who and f"#{who.number}", "name": who and who.known_as}
            yield named | {name: getattr(one, name) for name in COLUMNS[2:]}
