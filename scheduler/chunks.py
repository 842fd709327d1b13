"""Chunks: deliveries planned together, in one append, so that what comes in meanwhile waits no longer than for one of them."""

from collections.abc import Sequence

import structlog

from domain.campaigns.commands import AdvanceRun
from domain.deliveries.commands import PlanDelivery
from domain.dispatch import Failed, Request
from domain.errors import StoreUnavailable, VersionConflict
from domain.message import Command, Context
from scheduler.follower import Dispatch

CHUNK = 200
"""Deliveries in one append."""
CHUNKS_A_STEP = 5
"""Then whatever else is due has its turn: a large audience keeps nobody waiting."""

log_ = structlog.get_logger(__name__)


async def plan(
    dispatch: Dispatch, context: Context, plans: Sequence[PlanDelivery], advance: AdvanceRun | None = None
) -> int:
    """Plan deliveries, and say how far that is, in one append. Returns how many were planned.

    Where the append is refused they are planned one by one, so that one recipient costs nobody else their message. Raises
    StoreUnavailable, Overloaded, and VersionConflict where somebody else was here before.
    """
    commands: tuple[Command, ...] = (*([advance] if advance is not None else []), *plans)
    if not commands:
        return 0
    result = await dispatch(Request(context, commands))
    if not isinstance(result, Failed):
        return len(plans)
    if isinstance(result.error, StoreUnavailable | VersionConflict):
        raise result.error
    if len(commands) > 1:
        count = sum([await plan(dispatch, context, [one]) for one in plans])
        if advance is not None:
            await say(dispatch, context, advance)
        return count
    if not plans:
        raise result.error
    log_.error("fan_out.left_out", delivery=plans[0].delivery, error=type(result.error).__name__)
    return 0


async def say(dispatch: Dispatch, context: Context, *commands: Command) -> None:
    """Have commands done in one append. Raises what keeps it from being done."""
    result = await dispatch(Request(context, commands))
    if isinstance(result, Failed):
        raise result.error
