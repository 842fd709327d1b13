"""Fetching the files of messages, after the messages: one that cannot be had never delays or loses the message it came with."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from bot.house import House, done
from bot.media.types import kind_of, peeked, safe_name, type_of
from channels.channel import Adapter, MediaSource
from domain.conversations.events import MessageReceived
from domain.dispatch import Request
from domain.errors import (
    Overloaded,
    PermanentFailure,
    SendFailed,
    StoreUnavailable,
    SubjectForgotten,
    TemporaryFailure,
    VersionConflict,
)
from domain.identity import EventId, MediaId, Party, Slug, StreamId, SubjectId
from domain.media.commands import KeepMedia, RefuseMedia
from domain.message import Personal
from projections.media import Waiting, waiting

AT_ONCE: Final = 4
"""Files fetched at the same time."""
LOOK_AHEAD: Final = 1_000
FETCH_S: Final = 120.0
"""One try takes no longer, from the first request to the file's last byte on the disk."""
TRIED_FOR: Final = timedelta(days=3)
"""Then it is refused: providers keep files for three days (WeChat) or hand out new links for ever (Telegram)."""
LOOKED_BACK: Final = TRIED_FOR + timedelta(days=1)
"""Older files are left alone: an installation that stood still, or learned of files only now, has nobody to ask for them."""
FIRST_RETRY_S: Final = 5.0
LONGEST_RETRY_S: Final = 6 * 3600.0
RETRY_FACTOR: Final = 3.0
"""From 5 s to 6 h: about twenty tries in three days."""
GONE: Final = Slug("gone")
FORGOTTEN: Final = Slug("forgotten")

log_ = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Tries:
    """How often a file was tried, and when it may be again. Not kept over a restart: then it is tried at once."""

    count: int = 0
    not_before: datetime | None = None


class Fetcher:
    """Fetches what waits, a few at a time. What it has done is in the log: killed at any point, it begins that file again."""

    def __init__(self, house: House, adapters: Callable[[], Sequence[Adapter]]) -> None:
        """``adapters``: those that are open now."""
        self._house, self._adapters = house, adapters
        self._tasks: dict[EventId, asyncio.Task[None]] = {}
        self._tries: dict[EventId, _Tries] = {}
        self._settled: set[EventId] = set()
        """Decided, though the view may not show it yet. As ``_tries``, no more than is listed at once: each step leaves out the others."""

    async def step(self) -> float | None:
        """Start what may start now. Returns 0 where a file just came to its end, else None. Raises StoreUnavailable."""
        now = self._house.clock()
        listed = await asyncio.to_thread(self._waiting, now - LOOKED_BACK)
        known = {each.message for each in listed}
        self._settled &= known
        self._tries = {message: tries for message, tries in self._tries.items() if message in known}
        for each in listed:
            if len(self._tasks) >= AT_ONCE:
                break
            if each.message in self._tasks or each.message in self._settled or not self._may_try(each, now):
                continue
            self._tasks[each.message] = asyncio.create_task(self._settle(each), name=f"media-{each.message}")
        return None

    async def idle(self) -> None:
        """Return when nothing is being fetched."""
        while self._tasks:
            await asyncio.wait(self._tasks.values())

    async def close(self) -> None:
        """Let go of what is under way: it is fetched again at the next start."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _waiting(self, since: datetime) -> list[Waiting]:
        with self._house.views.read() as connection:
            return waiting(connection, since, LOOK_AHEAD)

    def _may_try(self, each: Waiting, now: datetime) -> bool:
        tries = self._tries.get(each.message)
        return tries is None or tries.not_before is None or tries.not_before <= now

    async def _settle(self, each: Waiting) -> None:
        try:
            await self._decide(each)
        except (SendFailed, StoreUnavailable, Overloaded, VersionConflict, TimeoutError) as error:
            self._again(each, error)
        except Exception as bug:
            log_.exception("media.bug", message=each.message)
            self._again(each, bug)
        else:
            self._settled.add(each.message)
        finally:
            del self._tasks[each.message]

    async def _decide(self, each: Waiting) -> None:
        """Keep the file or refuse it. Raises what leaves that open."""
        media = MediaId(self._house.digest("media", each.message))
        try:
            command: KeepMedia | RefuseMedia = await self._fetched(each, media)
        except PermanentFailure as failure:
            command = _refusal(each, media, Slug(failure.reason))
        except SubjectForgotten:
            command = _refusal(each, media, FORGOTTEN)
        except (SendFailed, TimeoutError):
            if self._house.clock() - each.at < TRIED_FOR:
                raise
            command = _refusal(each, media, GONE)
        try:
            done(await self._house.submit(Request(self._house.context("media"), (command,))))
        except SubjectForgotten:  # between the last byte and now: nothing of them is kept
            await asyncio.to_thread(self._house.media.destroy, SubjectId(f"contact-{each.contact}"))
            refusal = _refusal(each, media, FORGOTTEN)
            done(await self._house.submit(Request(self._house.context("media"), (refusal,))))

    async def _fetched(self, each: Waiting, media: MediaId) -> KeepMedia:
        details, source = await asyncio.to_thread(self._asked, each)
        if source is None:
            raise TemporaryFailure("no-channel", retry_after_s=FIRST_RETRY_S)
        async with asyncio.timeout(FETCH_S), _closing(source.fetch(details)) as chunks:
            head, whole = await peeked(chunks, self._house.settings.media.max_bytes)
            type_ = type_of(head)
            kind = kind_of(type_, each.said)
            size = await self._house.media.keep(media, SubjectId(f"contact-{each.contact}"), whole)
        name = safe_name(str(details.get("file_name") or ""), type_, kind)
        return KeepMedia(
            media=media,
            contact=each.contact,
            message=each.message,
            kind=kind,
            content_type=type_,
            size=size,
            name=Personal(name),
        )

    def _asked(self, each: Waiting) -> tuple[Mapping[str, Any], MediaSource | None]:
        """Return what names the file, and who has it. Raises SubjectForgotten, PermanentFailure, StoreUnavailable."""
        address = self._house.vault.address_of(Party.CONTACT, each.contact)
        name, _, version = each.message.rpartition("@")
        recorded = self._house.log.read_stream(StreamId(name))
        event = next((r.event for r in recorded if r.version == int(version)), None)
        if not isinstance(event, MessageReceived) or event.details is None:
            raise PermanentFailure(GONE)
        details = event.details.value
        if address is None or not isinstance(details, dict):
            raise SubjectForgotten("whoever sent this was forgotten")
        place = (address.channel, address.account)
        return details, next((a.media for a in self._adapters() if (a.channel, a.account) == place), None)

    def _again(self, each: Waiting, error: Exception) -> None:
        tries = self._tries.setdefault(each.message, _Tries())
        asked_s = error.retry_after_s if isinstance(error, TemporaryFailure) else 0.0
        pause_s = min(FIRST_RETRY_S * RETRY_FACTOR**tries.count, LONGEST_RETRY_S)
        tries.count += 1
        tries.not_before = self._house.clock() + timedelta(seconds=max(asked_s, pause_s))
        reason = error.reason if isinstance(error, SendFailed) else type(error).__name__
        log_.warning("media.later", message=each.message, tries=tries.count, reason=reason)


def _refusal(each: Waiting, media: MediaId, reason: Slug) -> RefuseMedia:
    return RefuseMedia(media=media, contact=each.contact, message=each.message, reason=reason)


@contextlib.asynccontextmanager
async def _closing(chunks: AsyncIterator[bytes]) -> AsyncIterator[AsyncIterator[bytes]]:
    """Let a source close its connection at once, also where we stop in the middle."""
    try:
        yield chunks
    finally:
        close: Callable[[], Any] | None = getattr(chunks, "aclose", None)
        if close is not None:
            await close()
