"""The history of a conversation for channels that show it again, read from the timeline."""

import asyncio
from collections.abc import Callable, Sequence

from domain.identity import ContactId, Slug
from domain.ports.history import Said, SaidFile
from projections.engine import Projector
from projections.timeline.apply import timeline
from projections.timeline.queries import Entry, said_with

CATCH_UP_S = 10.0
"""How long a reader waits for the view."""
FILE_KINDS = frozenset({"photo", "voice", "video", "document", "sticker"})
"""Kinds of messages that come with a file."""


class TimelineHistory:
    """``domain.ports.history.History`` over the timeline. Somebody must drive the projector, in this process: else give ``catch_up``."""

    def __init__(
        self,
        projector: Projector,
        timeout_s: float = CATCH_UP_S,
        catch_up: Callable[[], None] | None = None,
    ) -> None:
        """``catch_up``: brings the views to the log's end; called in a thread."""
        self._projector, self._timeout_s, self._catch_up = projector, timeout_s, catch_up

    async def recent(self, contact: ContactId, limit: int) -> Sequence[Said]:
        """See History. Ours are those that were sent or are being sent. Raises StoreUnavailable when the view does not catch up."""
        if self._catch_up is not None:
            await asyncio.to_thread(self._catch_up)
        else:
            head = await asyncio.to_thread(self._projector.log.head)
            await self._projector.wait_for(head, self._timeout_s, views=(timeline.name,))
        return await asyncio.to_thread(self._recent, contact, limit)

    def _recent(self, contact: ContactId, limit: int) -> list[Said]:
        with self._projector.views.read() as connection:
            return [_said(entry) for entry in said_with(connection, contact, limit)]


def _said(entry: Entry) -> Said:
    ours = entry.delivery
    at = entry.at if entry.state is None else entry.state.at
    text = (entry.edited if entry.edited is not None else entry.text) or ""
    identity = ours if ours is not None else entry.provider_message or entry.event
    return Said(
        id=identity, at=at, by_customer=ours is None, text=text, choices=entry.choices, file=_file(entry)
    )


def _file(entry: Entry) -> SaidFile | None:
    """A message of another kind than text has a file, or had one: the page says so while it has nothing to show."""
    file = entry.file
    if file is not None and file.media is not None:
        kind = file.kind or Slug("document")
        return SaidFile(kind, file.content_type or "", file.name or "", file.size or 0, file.media)
    return SaidFile(Slug(entry.value)) if entry.delivery is None and entry.value in FILE_KINDS else None
