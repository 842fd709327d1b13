"""With which hands an errand is run: the accounts of the Siyu that runs, or one that is opened for it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from channels.channel import Adapter
from domain.errors import PermanentFailure, Rejected, SendFailed, StoreUnavailable, TemporaryFailure

DONE_WITHIN_S = 60.0
T = TypeVar("T")


class Hands(Protocol):
    """Does something with an account of a channel, from a thread."""

    def __call__(self, channel: str, name: str, work: Callable[[Adapter], Coroutine[Any, Any, T]]) -> T:
        """Return what ``work`` returns. Raises Rejected where there is no such account, or the provider refuses; StoreUnavailable."""
        ...


def at_work(find: Callable[[str, str], Adapter | None], loop: asyncio.AbstractEventLoop) -> Hands:
    """Use the accounts that are open, on their loop."""

    def do(channel: str, name: str, work: Callable[[Adapter], Coroutine[Any, Any, T]]) -> T:
        adapter = find(channel, name)
        if adapter is None:
            raise _unknown(channel, name)
        return asyncio.run_coroutine_threadsafe(_in_time(adapter, work), loop).result()

    return do


def alone(make: Callable[[str, str], Adapter], configured: Callable[[], list[tuple[str, str]]]) -> Hands:
    """Open the account for this one thing; it receives nothing."""

    def do(channel: str, name: str, work: Callable[[Adapter], Coroutine[Any, Any, T]]) -> T:
        if (channel, name) not in configured():
            raise _unknown(channel, name)
        return asyncio.run(_opened(make(channel, name), work))

    return do


async def _opened(adapter: Adapter, work: Callable[[Adapter], Coroutine[Any, Any, T]]) -> T:
    try:
        return await _in_time(adapter, work)
    finally:
        await adapter.stop()


async def _in_time(adapter: Adapter, work: Callable[[Adapter], Coroutine[Any, Any, T]]) -> T:
    try:
        async with asyncio.timeout(DONE_WITHIN_S):
            return await work(adapter)
    except TimeoutError:
        raise _failed(adapter, TemporaryFailure("timeout")) from None
    except SendFailed as failure:
        raise _failed(adapter, failure) from None


def _failed(adapter: Adapter, failure: SendFailed) -> Rejected | StoreUnavailable:
    """Return what a provider's refusal means to who sits at the command line."""
    match failure:
        case PermanentFailure(reason="not-authorised"):
            return Rejected("This account may not do that: providers keep it for verified service accounts.")
        case PermanentFailure(reason="lives-for-ever"):
            return Rejected("A link of this channel lives for ever: leave out --days.")
        case PermanentFailure(reason="no-username"):
            return Rejected("The bot has no user name yet: give it one with @BotFather.")
        case PermanentFailure():
            return Rejected("{channel} refused it: {reason}", channel=adapter.channel, reason=failure.reason)
        case _:
            return StoreUnavailable(
                "{channel} cannot be asked now ({reason}): try again",
                channel=adapter.channel,
                reason=failure.reason,
            )


def _unknown(channel: str, name: str) -> Rejected:
    return Rejected(
        "no account of {channel} is called {name}: siyu connect {channel}", channel=channel, name=name
    )
