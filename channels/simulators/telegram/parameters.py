"""The parameters of a call: from the query, a JSON body, a urlencoded or a multipart form."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web

from channels.simulators.telegram.errors import TEXT_ENCODING, bad_request

_JSON_FIELDS = ("reply_markup", "reply_parameters", "entities", "caption_entities", "link_preview_options")
_TRUE = frozenset({"true", "yes", "1"})


@dataclass(frozen=True, slots=True)
class Upload:
    name: str | None
    content: bytes


@dataclass(frozen=True, slots=True)
class Parameters:
    """Named values as Telegram reads them: every value is a text, nested objects are JSON in a text."""

    texts: Mapping[str, str] = field(default_factory=dict)
    uploads: Mapping[str, Upload] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """The value, "" where it is missing: Telegram makes no difference."""
        return self.texts.get(name, "")

    def required(self, name: str) -> str:
        if value := self.text(name):
            return value
        raise bad_request(f'parameter "{name}" is required')

    def integer(self, name: str, default: int = 0) -> int:
        """The value, `default` where it is missing, 0 where it is no number (as Telegram's to_integer)."""
        if not (value := self.text(name).strip()):
            return default
        try:
            return int(value)
        except ValueError:
            return 0

    def decimal(self, name: str) -> float:
        if not (value := self.text(name).strip()):
            raise bad_request(f"{name} is empty")
        try:
            return float(value)
        except ValueError:
            return 0.0

    def flag(self, name: str) -> bool:
        return self.text(name).strip().lower() in _TRUE

    def structure(self, name: str, what: str) -> object:
        """The JSON value, None where it is missing. Raises 400 "can't parse <what> JSON object"."""
        if not (value := self.text(name)):
            return None
        try:
            structure: object = json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {what} JSON object") from None
        return structure

    def decoded(self) -> dict[str, object]:
        """All values for a reader: objects decoded where Telegram expects JSON, uploads as their bytes."""
        decoded: dict[str, object] = dict(self.texts)
        for name in _JSON_FIELDS:
            if name in decoded:
                decoded[name] = self.structure(name, name)
        return decoded | {name: upload.content for name, upload in self.uploads.items()}


async def parse_parameters(request: web.Request) -> Parameters:
    """Read a call. Raises 400 for what is no UTF-8, holds NUL or lone surrogates, or is no JSON object."""
    try:
        texts = dict(_pairs(request.rel_url.raw_query_string))
        uploads: dict[str, Upload] = {}
        match request.content_type:
            case "application/json":
                texts |= _from_json(await request.read())
            case "multipart/form-data":
                await _read_multipart(request, texts, uploads)
            case _:
                texts |= dict(_pairs((await request.read()).decode("utf-8")))
    except UnicodeDecodeError:
        raise bad_request(TEXT_ENCODING) from None
    for value in texts.values():
        _check_text(value)
    return Parameters(texts, uploads)


def _pairs(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True, encoding="utf-8", errors="strict")


def _from_json(body: bytes) -> dict[str, str]:
    if not body:
        return {}
    try:
        values: object = json.loads(body.decode("utf-8"))
    except json.JSONDecodeError:
        raise bad_request("can't parse JSON object") from None
    if not isinstance(values, dict):
        raise bad_request("can't parse JSON object")
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in values.items()
        if value is not None
    }


async def _read_multipart(request: web.Request, texts: dict[str, str], uploads: dict[str, Upload]) -> None:
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            continue
        content = bytes(await part.read(decode=True))
        if part.filename is None:
            texts[part.name] = content.decode("utf-8")
        else:
            uploads[part.name] = Upload(part.filename, content)


def _check_text(value: str) -> None:
    # Telegram drops NUL silently; refusing it finds the text that a database of ours would have choked on.
    if "\0" in value:
        raise bad_request(TEXT_ENCODING)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise bad_request(TEXT_ENCODING) from None
