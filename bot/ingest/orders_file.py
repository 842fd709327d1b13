"""A file of orders: each row an order, with its payment and what was given back, and somebody by whom it may be matched."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.house import House
from bot.ingest import columns
from bot.ingest.buyers import Buyer
from bot.ingest.reports import Tally, Wrong, by_what, how_far, taken, wrong
from bot.ingest.table import Row
from bot.ingest.telling import CSV, Noted, Order, Payment, Refund, Teller, note_order
from bot.texts import Told, told
from domain.errors import BadInput
from domain.identity import Currency, Slug
from domain.message import Origin

TELLER = Teller(actor=Slug("operator-cli"), source=CSV, origin=Origin.IMPORT)
USUAL = {"cn": Currency("CNY")}
"""The currency of amounts without one, by region."""


@dataclass(frozen=True, slots=True)
class OrdersFile:
    """How the rows of a file are read. ``where``: the columns it has."""

    where: Mapping[str, int]
    zone: ZoneInfo
    usual: Currency | None

    def number(self, row: Row) -> str:
        """Return the order's number as it stands there."""
        return self._cell(row, "number")

    def order(self, row: Row) -> tuple[Order, Payment | None, Refund | None, Buyer]:
        """Return what a row tells. Raises BadInput."""
        currency = columns.currency(self._cell(row, "currency"), self.usual)
        paid_at, ordered_at = self._time(row, "paid_at"), self._time(row, "ordered_at")
        at = ordered_at or paid_at
        if at is None:
            raise BadInput("it says neither when it was ordered nor when it was paid")
        number, amount = self.number(row), columns.amount(self._cell(row, "amount"), currency)
        paid = self._amount(row, "paid", currency)
        payment = None
        if paid_at is not None or paid:
            sum_ = amount if paid is None else paid
            payment = Payment(number=number, amount=sum_, currency=currency, at=paid_at or at)
        refunded, refund = self._amount(row, "refunded", currency), None
        if refunded:
            back_at = self._time(row, "refunded_at") or paid_at or at
            name = f"csv {refunded} {back_at.isoformat()}"
            refund = Refund(number=number, name=name, amount=refunded, currency=currency, at=back_at)
        said = self._cell(row, "items")
        items = [part.strip() for part in said.split(";") if part.strip()] if said else None
        order = Order(number=number, amount=amount, currency=currency, at=at, items=items)
        who = {name: self._cell(row, name) for name in columns.WHO}
        return order, payment, refund, Buyer(**who)

    def _cell(self, row: Row, column: str) -> str:
        return columns.cell(row.cells, self.where.get(column))

    def _time(self, row: Row, column: str) -> datetime | None:
        said = self._cell(row, column)
        return columns.moment(said, self.zone) if said else None

    def _amount(self, row: Row, column: str, currency: Currency) -> int | None:
        said = self._cell(row, column)
        return columns.amount(said, currency) if said else None


def read(
    house: House, path: Path, rows: Iterator[Row], where: Mapping[str, int]
) -> Generator[Told, None, bool]:
    """Take in a file of orders, and tell what came of it; returns whether all rows were taken. Blocking.

    Raises StoreUnavailable, Overloaded; then it may be read again.
    """
    if "amount" not in where or not {"ordered_at", "paid_at"} & where.keys():
        raise BadInput("a file of orders has the columns order_number, amount, and ordered_at or paid_at")
    file = OrdersFile(where, ZoneInfo(house.settings.time_zone), USUAL.get(house.settings.region))
    total, tally = path.stat().st_size, Tally()

    def take(row: Row) -> Noted:
        order, payment, refund, buyer = file.order(row)
        return note_order(house, order, payment, refund, buyer, by=TELLER)

    for row, came in taken(rows, take, file.number):
        tally.rows += 1
        if isinstance(came, Wrong):
            tally.wrong += 1
            yield wrong(came)
        else:
            _count(tally, came)
        yield from how_far(tally, row, total)
    yield from _report(tally)
    return not tally.wrong


def _count(tally: Tally, noted: Noted) -> None:
    tally.new, tally.known = tally.new + noted.changed, tally.known + (not noted.changed)
    if noted.by is None:
        tally.unmatched += 1
    else:
        tally.matched[noted.by] += 1


def _report(tally: Tally) -> Iterator[Told]:
    yield told(
        "{rows} orders: {new} with news, {known} known just so, {wrong} not taken",
        rows=tally.rows,
        new=tally.new,
        known=tally.known,
        wrong=tally.wrong,
    )
    yield told("matched with a customer: {many}", many=sum(tally.matched.values()))
    yield from by_what(tally)
    yield told("nobody's yet: {many}; they wait for whoever turns out to be the buyer", many=tally.unmatched)
