"""Taking in what other systems know, from files."""

from pathlib import Path

from bot.house import House
from bot.ingest import columns, customers_file, orders_file
from bot.ingest.table import rows
from bot.operations.said import Exit, Said
from domain.errors import BadInput


def import_file(house: House, file: str) -> Said:
    """Take in a file of orders or of customers, whichever its header says it is. Read again, it changes nothing."""
    path = Path(file)
    house.catch_up()
    read = rows(path)
    try:
        header = next(read)
    except OSError as error:
        raise BadInput(
            "{file} cannot be read: {reason}", file=path.name, reason=error.strerror or str(error)
        ) from None
    if header.problem is not None:
        raise header.problem
    orders = columns.named(header.cells, columns.ORDERS)
    if "number" in orders:
        if not (yield from orders_file.read(house, path, read, orders)):
            yield Exit(1)
        return
    customers = columns.named(header.cells, columns.CUSTOMERS)
    if not customers.keys() & set(customers_file.FACTS):
        raise BadInput(
            "{file} is no file of orders (order_number, amount, paid_at ...) and none of customers "
            "(phone, birthday, member_since ...): docs/orders.md lists the columns",
            file=path.name,
        )
    if not (yield from customers_file.read(house, path, read, customers)):
        yield Exit(1)
