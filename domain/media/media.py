"""The file of one message: kept or refused, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from domain.decider import Decider, Streams
from domain.media.commands import KeepBrandMedia, KeepMedia, RefuseMedia
from domain.media.events import EVENTS, BrandMediaKept, MediaKept, MediaRefused
from domain.message import Context, Event

MediaCommand = KeepMedia | KeepBrandMedia | RefuseMedia


@dataclass(frozen=True, slots=True)
class MediaState:
    """``kept``: what there is to know of a file that is in the store; its name stays sealed until somebody reads it."""

    kept: MediaKept | BrandMediaKept | None = None
    refused: bool = False


def decide(state: MediaState, command: MediaCommand, _context: Context) -> Sequence[Event]:
    """Decide what a command means; whoever comes second (a fetch that was repeated, another worker) changes nothing."""
    if state.kept is not None or state.refused:
        return ()
    match command:
        case KeepMedia():
            return (
                MediaKept(
                    media=command.media,
                    contact=command.contact,
                    message=command.message,
                    kind=command.kind,
                    content_type=command.content_type,
                    size=command.size,
                    name=command.name,
                ),
            )
        case KeepBrandMedia(media=media, kind=kind, content_type=content_type, size=size, name=name):
            return (BrandMediaKept(media=media, kind=kind, content_type=content_type, size=size, name=name),)
        case RefuseMedia(media=media, contact=contact, message=message, reason=reason):
            return (MediaRefused(media=media, contact=contact, message=message, reason=reason),)
        case _:
            assert_never(command)


def evolve(_state: MediaState, event: MediaKept | BrandMediaKept | MediaRefused) -> MediaState:
    """Fold one event into the state."""
    match event:
        case MediaKept() | BrandMediaKept():
            return MediaState(kept=event)
        case MediaRefused():
            return MediaState(refused=True)
        case _:
            assert_never(event)


def _key(command: MediaCommand, _streams: Streams) -> str:
    return command.media


media = Decider(
    category="media",
    initial=MediaState(),
    decide=decide,
    evolve=evolve,
    events=EVENTS,
    commands=(KeepMedia, KeepBrandMedia, RefuseMedia),
    key=_key,
)
