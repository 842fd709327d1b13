"""One occurrence of a campaign, fanned out in steps: whoever takes it over goes on where the last append stands.

started ─> (those who go first ─> waiting ─>) everybody ─> planned
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import assert_never

from domain.campaigns.campaign import Stage, campaigns
from domain.campaigns.commands import AdvanceRun, ClearRun, FinishRun, SampleRun, StartRun
from domain.campaigns.events import (
    RUN_EVENTS,
    CampaignStarted,
    RunAdvanced,
    RunCleared,
    RunPlanned,
    RunSampled,
    RunStarted,
)
from domain.decider import Decider, Handler, Streams, Write
from domain.errors import VersionConflict
from domain.identity import CampaignId
from domain.message import Command, Context, Event

RunCommand = SampleRun | ClearRun | FinishRun
RunEvent = RunStarted | RunAdvanced | RunSampled | RunCleared | RunPlanned


class Pass(StrEnum):
    """How far a run is."""

    NONE = "none"
    FIRST = "first"
    WAITING = "waiting"
    EVERYBODY = "everybody"
    PLANNED = "planned"


@dataclass(frozen=True, slots=True)
class RunState:
    """``after``: the customer number up to which this pass is planned; ``planned``: how many in it. ``until``: when the wait ends."""

    at_pass: Pass = Pass.NONE
    campaign: CampaignId | None = None
    at: datetime | None = None
    day: date | None = None
    meant: int = 0
    sample: int = 0
    after: int = 0
    planned: int = 0
    until: datetime | None = None


def decide(state: RunState, command: RunCommand, _context: Context) -> Sequence[Event]:
    """Decide what a command means for this run; what another fan-out did already changes nothing."""
    match command:
        case SampleRun(run=run, until=until):
            sampled = state.at_pass is Pass.FIRST
            return (RunSampled(run=run, planned=state.planned, until=until),) if sampled else ()
        case ClearRun(run=run):
            return (RunCleared(run=run),) if state.at_pass is Pass.WAITING else ()
        case FinishRun(run=run):
            done = state.at_pass is Pass.EVERYBODY
            return (RunPlanned(run=run, planned=state.planned),) if done else ()
        case _:
            assert_never(command)


def evolve(state: RunState, event: RunEvent) -> RunState:
    """Fold one event into the state."""
    match event:
        case RunStarted():
            return RunState(
                at_pass=Pass.FIRST if event.sample else Pass.EVERYBODY,
                campaign=event.campaign,
                at=event.at,
                day=event.day,
                meant=event.meant,
                sample=event.sample,
            )
        case RunAdvanced(after=after, planned=planned):
            return replace(state, after=after, planned=planned)
        case RunSampled(until=until):
            return replace(state, at_pass=Pass.WAITING, until=until)
        case RunCleared():
            return replace(state, at_pass=Pass.EVERYBODY, after=0, planned=0)
        case RunPlanned():
            return replace(state, at_pass=Pass.PLANNED)
        case _:
            assert_never(event)


def _key(command: RunCommand, _streams: Streams) -> str:
    return command.run


runs = Decider(
    category="run",
    initial=RunState(),
    decide=decide,
    evolve=evolve,
    events=RUN_EVENTS,
    commands=(SampleRun, ClearRun, FinishRun),
    key=_key,
)


def start(command: StartRun, streams: Streams, _context: Context) -> Iterator[Write | Command]:
    """Begin a run, once, while its campaign is under way. The campaign is running from its first run on."""
    stage = streams.state(campaigns, command.campaign).stage
    known = streams.state(runs, command.run).at_pass is not Pass.NONE
    if known or stage not in {Stage.SCHEDULED, Stage.RUNNING}:
        return
    started = RunStarted(
        run=command.run,
        campaign=command.campaign,
        at=command.at,
        day=command.day,
        meant=command.meant,
        sample=command.sample,
    )
    yield Write(runs, command.run, (started,))
    if stage is Stage.SCHEDULED:
        yield Write(campaigns, command.campaign, (CampaignStarted(campaign=command.campaign),))


def advance(command: AdvanceRun, streams: Streams, _context: Context) -> Iterator[Write | Command]:
    """Plan the next ones, together with their deliveries in the same append.

    Raises VersionConflict where another fan-out was here before, or the campaign was paused or cancelled meanwhile: then no delivery of
    this append is planned either.
    """
    state = streams.state(runs, command.run)
    if state.campaign is None:
        raise VersionConflict("this run was not started")
    if streams.state(campaigns, state.campaign).stage is not Stage.RUNNING:
        raise VersionConflict("this campaign is not running any more")
    here = state.at_pass in {Pass.FIRST, Pass.EVERYBODY} and command.since == state.after
    if not here or command.after <= command.since:
        raise VersionConflict("others have planned this run further meanwhile")
    advanced = RunAdvanced(run=command.run, after=command.after, planned=state.planned + command.planned)
    yield Write(runs, command.run, (advanced,))


FANNING = (Handler(StartRun, start), Handler(AdvanceRun, advance))
