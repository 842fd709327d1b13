"""The installation: one short stream that the gate reads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from domain.decider import Decider, Streams
from domain.installation.commands import (
    MarkHistoryImported,
    MarkRestored,
    PauseMarketing,
    PrepareInstallation,
    ResumeMarketing,
    ResumeSending,
)
from domain.installation.events import (
    EVENTS,
    HistoryImported,
    InstallationPrepared,
    InstallationRestored,
    MarketingPaused,
    MarketingResumed,
    SendingResumed,
)
from domain.message import Context, Event

INSTALLATION = "main"
"""The key of the one stream."""

InstallationCommand = (
    PrepareInstallation
    | PauseMarketing
    | ResumeMarketing
    | MarkHistoryImported
    | MarkRestored
    | ResumeSending
)
InstallationEvent = (
    InstallationPrepared
    | MarketingPaused
    | MarketingResumed
    | HistoryImported
    | InstallationRestored
    | SendingResumed
)


@dataclass(frozen=True, slots=True)
class InstallationState:
    """``sending_held``: after an import or a restore nothing at all is sent."""

    prepared: bool = False
    marketing_paused: bool = False
    sending_held: bool = False


def decide(state: InstallationState, command: InstallationCommand, _context: Context) -> Sequence[Event]:
    """Decide what a command means; saying what is already so changes nothing."""
    match command:
        case PrepareInstallation(starter_rules=starter_rules):
            return () if state.prepared else (InstallationPrepared(starter_rules=starter_rules),)
        case PauseMarketing(operator=operator):
            return () if state.marketing_paused else (MarketingPaused(operator=operator),)
        case ResumeMarketing(operator=operator):
            return (MarketingResumed(operator=operator),) if state.marketing_paused else ()
        case MarkHistoryImported(events=events):
            return (HistoryImported(events=events),)
        case MarkRestored(head=head, taken_at=taken_at):
            return (InstallationRestored(head=head, taken_at=taken_at),)
        case ResumeSending():
            return (SendingResumed(),) if state.sending_held else ()
        case _:
            assert_never(command)


def evolve(state: InstallationState, event: InstallationEvent) -> InstallationState:
    """Fold one event into the state."""
    match event:
        case InstallationPrepared():
            return replace(state, prepared=True)
        case MarketingPaused():
            return replace(state, marketing_paused=True)
        case MarketingResumed():
            return replace(state, marketing_paused=False)
        case HistoryImported() | InstallationRestored():
            return replace(state, sending_held=True)
        case SendingResumed():
            return replace(state, sending_held=False)
        case _:
            assert_never(event)


def _key(_command: InstallationCommand, _streams: Streams) -> str:
    return INSTALLATION


installation = Decider(
    category="installation",
    initial=InstallationState(),
    decide=decide,
    evolve=evolve,
    events=EVENTS,
    commands=(
        PrepareInstallation,
        PauseMarketing,
        ResumeMarketing,
        MarkHistoryImported,
        MarkRestored,
        ResumeSending,
    ),
    key=_key,
)
