"""Files that people sent: fetched from WeChat as they are wanted, a video from the address that WeChat names."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from channels.download import CHUNK_BYTES, Downloads
from channels.wechat.client import WeChatClient
from channels.wechat.errors import VENDOR_ERRORS
from domain.errors import OutcomeUnknown, PermanentFailure, TemporaryFailure

VIDEO_BYTES_MAX: Final = 256 * 1024 * 1024
"""A bound of last resort: who reads stops long before."""
RETRY_S: Final = 5.0


class WeChatMedia:
    """See channels.channel.MediaSource. ``file_id`` is a MediaId, good for three days."""

    def __init__(self, client: WeChatClient, downloads: Downloads) -> None:
        self._client, self._downloads = client, downloads

    async def fetch(self, details: Mapping[str, Any]) -> AsyncIterator[bytes]:
        """Yield the bytes of a file. Raises TemporaryFailure, PermanentFailure."""
        media_id = details.get("file_id")
        if not isinstance(media_id, str) or not media_id:
            raise PermanentFailure("no-file")
        try:
            async with self._client.file(media_id) as answer:
                if not isinstance(answer, dict):
                    async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                        yield chunk
                    return
            url = answer.get("video_url")
            if not isinstance(url, str) or not url:
                raise PermanentFailure("media-gone")
            async with self._downloads.open(url, VIDEO_BYTES_MAX) as arriving:
                async for chunk in arriving.chunks:
                    yield chunk
        except OutcomeUnknown as failure:
            raise TemporaryFailure(failure.reason, retry_after_s=RETRY_S) from None
        except VENDOR_ERRORS:
            raise TemporaryFailure("connection-lost", retry_after_s=RETRY_S) from None
