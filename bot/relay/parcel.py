"""What a broker is given of one event."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from bot import export
from domain.identity import StreamId
from domain.message import Recorded
from domain.ports.event_log import LogIdentity


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message. ``id``: what brokers and readers know doubles by: the log, how often it was restored, and the position.

    ``kind``: the event's type without its version. ``body``: JSON, as ``siyu events --json`` shows the event, with ``log`` in front.
    """

    id: str
    position: int
    stream: StreamId
    kind: str
    at: datetime
    body: bytes


def parcel(log: LogIdentity, recorded: Recorded, *, personal: bool) -> Parcel:
    """Pack an event. ``personal``: whether its personal fields are told; else they read ``[personal]``."""
    name = f"{log.id}.{log.incarnation}"
    line = export.as_json(recorded, personal=personal)
    return Parcel(
        id=f"{name}/{recorded.position}",
        position=recorded.position,
        stream=recorded.stream,
        kind=recorded.type.partition("/")[0],
        at=recorded.recorded_at,
        body=b'{"log":%s,%s' % (msgspec.json.encode(name), line.removeprefix("{").encode()),
    )
