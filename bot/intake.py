"""The way in: what came over a channel is durable when this returns, in the order in which it was said."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import structlog

from bot.house import House, done
from channels.channel import Intake
from domain.conversations.commands import NotUnderstood, Receive
from domain.dispatch import Failed, Request, Result
from domain.errors import BadInput, Overloaded, StoreUnavailable, SubjectForgotten, VersionConflict
from domain.identity import Slug
from domain.message import Context

FORGOTTEN_RETRIES_S = (0.0, 0.2, 1.0)
"""Whoever returns is looked up anew: another process may have forgotten them, or be about to destroy who they were."""

log_ = structlog.get_logger(__name__)


def way_in(house: House) -> Intake:
    """Return the Intake of a house.

    What one chat said is handed in one by one, each when the one before it is durable: in one batch, a request that meets a conflict is
    decided again, and stored behind those that came after it.
    """

    async def intake(received: Sequence[Receive]) -> None:
        if len(received) == 1:  # a webhook: no task of its own
            await take(received[0])
            return
        lines: dict[str, list[Receive]] = {}
        for one in received:
            lines.setdefault(_chat_of(one), []).append(one)
        ended = await asyncio.gather(*map(in_turn, lines.values()), return_exceptions=True)
        for error in ended:
            if error is not None:
                raise error

    async def in_turn(line: Sequence[Receive]) -> None:
        for one in line:
            await take(one)

    async def take(receive: Receive) -> None:
        context = Context(actor=Slug("customer"), occurred_at=receive.occurred_at, now=house.clock())
        result = await house.submit(Request(context, (receive,)))
        for pause_s in FORGOTTEN_RETRIES_S:
            if not isinstance(result, Failed) or not isinstance(result.error, SubjectForgotten):
                break
            await asyncio.sleep(pause_s)
            await asyncio.to_thread(house.vault.look_again)
            result = await house.submit(Request(context, (receive,)))
        if not isinstance(result, Failed):
            return
        _come_again(result)
        if isinstance(result.error, BadInput):
            raise result.error
        # What cannot be decided (a damaged stream, a forgotten person) is kept all the same, and must not come again and again.
        log_.error("intake.undecidable", channel=receive.channel, error=type(result.error).__name__)
        kept = replace(receive, content=NotUnderstood(reason=Slug("undecidable")), sender=None, chat=None)
        result = await house.submit(Request(context, (kept,)))
        _come_again(result)
        done(result)

    return intake


def _come_again(result: Result) -> None:
    """Raises Overloaded, StoreUnavailable for what could not be stored now: it is no less readable for that."""
    if not isinstance(result, Failed):
        return
    match result.error:
        case VersionConflict() as contended:
            raise Overloaded(str(contended))
        case Overloaded() | StoreUnavailable() as error:
            raise error
        case _:
            return


def _chat_of(receive: Receive) -> str:
    """Return what keeps its order: a group's messages, or somebody's own; what names nobody has a place of its own."""
    if receive.chat is not None:
        return f"group {receive.chat.external_id}"
    return f"contact {receive.sender.external_id}" if receive.sender is not None else receive.key
