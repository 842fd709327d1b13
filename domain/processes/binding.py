"""Binding: an operator's contact is marked as one of us."""

from collections.abc import Iterable

from domain.contacts.commands import BindContactToOperator
from domain.decider import Process, Streams
from domain.message import Command, Recorded
from domain.operators.events import OperatorBound


def react(recorded: Recorded, _streams: Streams) -> Iterable[Command]:
    """Mark the contact."""
    if isinstance(recorded.event, OperatorBound):
        yield BindContactToOperator(contact=recorded.event.contact, operator=recorded.event.operator)


binding = Process("binding", (OperatorBound,), react, immediate=True)
