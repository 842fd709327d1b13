"""Exports: who took away what is known of a customer."""

from collections.abc import Sequence

from domain.decider import Decider
from domain.message import Context, Event
from domain.operators.commands import RecordExport
from domain.operators.events import EXPORT_EVENTS, CustomerExported


def _record(recorded: bool, command: RecordExport, _context: Context) -> Sequence[Event]:  # noqa: FBT001  # the state is that one fact
    return () if recorded else (CustomerExported(customer=command.customer, operator=command.operator),)


exports: Decider[bool] = Decider(
    category="export",
    initial=False,
    decide=_record,
    evolve=lambda _recorded, _event: True,
    events=EXPORT_EVENTS,
    commands=(RecordExport,),
    key=lambda command, _streams: command.request,
)
"""One export a stream."""
