"""Files as shops export them, and who is in them."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from bot.house import House
from bot.ingest import Buyer, Order, Teller
from bot.operations.importing import import_file
from bot.operations.said import Exit
from domain.contacts.commands import IdentifyContact
from domain.identity import Currency, Slug
from domain.processes.identifying import PHONE, identified_by
from tests.bot.premises import NOON, Premises

CNY = Currency("CNY")
API = Teller(actor=Slug("operator-shop"))
PHONE_OF_WANG, SAID_BY_WANG = "+8613800138000", "138 0013 8000"
NUMBER = "A-2026-0017"


def an_order(number: str = NUMBER, amount: int = 19_900) -> Order:
    """An order of yesterday."""
    items = [{"name": "龙井", "count": 2}]
    return Order(number=number, amount=amount, currency=CNY, at=NOON - timedelta(days=1), items=items)


def has_phone(premises: Premises, who: str = "wang", *, verified: bool = True) -> None:
    """Somebody who wrote is known by the phone number."""
    house = premises.house
    note: IdentifyContact = identified_by(
        premises.contact(who), PHONE, PHONE_OF_WANG, verified=verified, digest=house.digest
    )
    house.do("operator-cli", note)


def whose(who: str) -> Buyer:
    """Somebody by their address."""
    return Buyer(contact=f"telegram:{who}")


def written(folder: Path, text: str, encoding: str = "utf-8", name: str = "file.csv") -> Path:
    """A file."""
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def imported(house: House, path: Path) -> tuple[list[str], int]:
    """Take in a file; returns what was said, in English, and the exit code."""
    lines: list[str] = []
    code = 0
    for said in import_file(house, str(path)):
        if isinstance(said, Exit):
            code = said.code
        else:
            lines.append(house.texts.shown(said))
    return lines, code


def table(*rows: Iterable[str]) -> str:
    """CSV."""
    return "".join(",".join(row) + "\n" for row in rows)
