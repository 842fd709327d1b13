"""The mirror of one contact: the tags that the provider has for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.decider import Decider, Streams
from domain.identity import Tag
from domain.message import Context, Event
from domain.mirrors.commands import MirrorTag
from domain.mirrors.events import EVENTS, TagMirrored


@dataclass(frozen=True, slots=True)
class MirrorState:
    """``there``: the tags that the provider has."""

    there: frozenset[Tag] = frozenset()


def decide(state: MirrorState, command: MirrorTag, _context: Context) -> Sequence[Event]:
    """Note it, unless it is known."""
    if (command.tag in state.there) == command.there:
        return ()
    return (TagMirrored(contact=command.contact, tag=command.tag, there=command.there),)


def evolve(state: MirrorState, event: TagMirrored) -> MirrorState:
    """Fold one event into the state."""
    tags = {event.tag}
    return MirrorState(state.there | tags if event.there else state.there - tags)


def _key(command: MirrorTag, _streams: Streams) -> str:
    return command.contact


mirrors = Decider(
    category="mirror",
    initial=MirrorState(),
    decide=decide,
    evolve=evolve,
    events=EVENTS,
    commands=(MirrorTag,),
    key=_key,
)
