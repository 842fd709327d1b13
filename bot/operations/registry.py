"""The operations there are: one literal table."""

from bot.house import House
from bot.operations.moving import back_up, export_customer, forget_customer, import_events, resume_sending
from bot.operations.orders import do
from bot.operations.reading import events, list_customers, timeline
from bot.operations.said import Operation, Said
from bot.operations.team import add_operator
from bot.operations.upkeep import check, doctor, rebuild, replay


def address(house: House) -> Said:
    """Say where the web server listens."""
    yield house.address


OPERATIONS: dict[str, Operation] = {
    "events": events,
    "timeline": timeline,
    "customers": list_customers,
    "rebuild": rebuild,
    "verify": check,
    "replay": replay,
    "do": do,
    "operator-add": add_operator,
    "resume-sending": resume_sending,
    "import-events": import_events,
    "doctor": doctor,
    "backup": back_up,
    "export": export_customer,
    "forget": forget_customer,
    "address": address,
}
