"""Telegram's files, down: getFile says where one lies, and there it is fetched, over the same proxy as everything else."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from channels.telegram.client import TelegramClient
from domain.errors import PermanentFailure

_FILE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,512}")


class TelegramFiles:
    """A MediaSource."""

    def __init__(self, client: TelegramClient) -> None:
        self._client = client

    async def fetch(self, details: Mapping[str, Any]) -> AsyncIterator[bytes]:
        """See MediaSource."""
        file_id = details.get("file_id")
        if not isinstance(file_id, str) or not _FILE_ID.fullmatch(file_id):
            raise PermanentFailure("gone")
        path = await self._client.file_path(file_id)
        async with self._client.opened(path) as file:
            async for chunk in file.chunks:
                yield chunk
