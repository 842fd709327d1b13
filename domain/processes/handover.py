"""Handover: when an operator answers, the bot keeps silent for a while."""

from collections.abc import Iterable
from datetime import timedelta

from domain.conversations.commands import HandOver
from domain.decider import Process, Streams
from domain.deliveries.events import DeliveryPlanned
from domain.identity import Slug
from domain.message import Command, Recorded

OPERATOR_REPLY = Slug("operator-reply")
"""The occasion of an operator's own answer, as against a follow-up planned for later."""


def handover(silence: timedelta) -> Process:
    """``silence``: for how long (SIYU_BOT_SILENCE_MIN)."""

    def react(recorded: Recorded, _streams: Streams) -> Iterable[Command]:
        event = recorded.event
        answered = isinstance(event, DeliveryPlanned) and event.occasion == OPERATOR_REPLY
        if answered and isinstance(event, DeliveryPlanned) and event.contact is not None and silence:
            until = recorded.recorded_at + silence
            yield HandOver(contact=event.contact, operator=event.operator, until=until)

    return Process("handover", (DeliveryPlanned,), react, immediate=True)
