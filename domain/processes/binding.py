"""Binding: an operator's contact is marked as one of us, for as long as they are."""

from collections.abc import Iterable

from domain.contacts.commands import BindContactToOperator, UnbindContact
from domain.decider import Process, Streams
from domain.message import Command, Recorded
from domain.operators.events import OperatorBound, OperatorRemoved


def react(recorded: Recorded, _streams: Streams) -> Iterable[Command]:
    """Mark the contact, or take the mark away."""
    event = recorded.event
    if isinstance(event, OperatorBound):
        yield BindContactToOperator(contact=event.contact, operator=event.operator)
    if isinstance(event, OperatorRemoved):
        for contact in event.contacts:
            yield UnbindContact(contact=contact, operator=event.operator)


binding = Process("binding", (OperatorBound, OperatorRemoved), react, immediate=True)
