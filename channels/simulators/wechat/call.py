"""A call of the API as a handler sees it: the query, the JSON or the uploaded file, and what it may ask of them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import BodyPartReader, web

from channels.simulators.wechat.errors import ApiError
from channels.simulators.wechat.shapes import Json

_ESCAPES: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Download:
    """A file as an answer."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """`verb` is the HTTP method, `address` the caller's, `upload` the multipart field "media"."""

    verb: str
    path: str
    query: Mapping[str, str]
    body: bytes
    upload: Upload | None
    address: str

    def posted(self) -> Json:
        r"""The JSON object of a POST. Raises ApiError 43002, 44002, 47001.

        WeChat does not undo \u escapes: what a client escaped is shown as it was written, so it is kept here.
        """
        if self.verb != "POST":
            raise ApiError(43002)
        if not self.body:
            raise ApiError(44002)
        try:
            posted = json.loads(_ESCAPES.sub(_kept, self.body.decode("utf-8")))
        except ValueError as error:
            raise ApiError(47001) from error
        if not isinstance(posted, dict):
            raise ApiError(47001)
        return posted

    def got(self) -> Mapping[str, str]:
        """The query of a GET. Raises ApiError 43001."""
        if self.verb != "GET":
            raise ApiError(43001)
        return self.query

    def shown(self) -> Json | None:
        """The JSON of a POST, None for none."""
        try:
            return self.posted()
        except ApiError:
            return None


def text_of(posted: Json, name: str, missing: int = 47001) -> str:
    """A text that must be there. Raises ApiError `missing`, 47001 for what is no text."""
    value = posted.get(name)
    if value is None or value == "":
        raise ApiError(missing)
    if not isinstance(value, str):
        raise ApiError(47001)
    return value


def number_of(posted: Json, name: str, missing: int = 47001) -> int:
    """A whole number that must be there, as WeChat takes it: bare or quoted. Raises ApiError `missing`."""
    value = posted.get(name)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ApiError(missing)
    try:
        return int(value)
    except ValueError as error:
        raise ApiError(47001) from error


def object_of(posted: Json, name: str, missing: int = 47001) -> Json:
    """An object that must be there. Raises ApiError `missing`."""
    value = posted.get(name)
    if not isinstance(value, dict):
        raise ApiError(missing)
    return value


def texts_of(posted: Json, name: str, missing: int) -> list[str]:
    """A list of texts that must be there. Raises ApiError `missing`."""
    value = posted.get(name)
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ApiError(missing)
    return value


async def read_call(request: web.Request, path: str) -> Call:
    """Raises ApiError 41005 for a multipart body that ends early."""
    upload, body = None, b""
    if request.content_type == "multipart/form-data":
        try:
            upload = await _uploaded(request)
        except ValueError as error:
            raise ApiError(41005) from error
    else:
        body = await request.read()
    return Call(request.method, path, dict(request.query), body, upload, request.remote or "")


async def _uploaded(request: web.Request) -> Upload | None:
    found = None
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader):
            content = bytes(await part.read(decode=True))
            if part.name == "media" and part.filename is not None:
                found = Upload(part.filename, content)
    return found


def _kept(escape: re.Match[str]) -> str:
    return rf"\{escape[0]}" if escape[1].startswith("u") else escape[0]
