"""Text as Telegram counts and formats it: UTF-16 units, HTML, entities, keyboards."""

import html
import re
from collections.abc import Iterator

from channels.simulators.telegram.errors import bad_request
from channels.simulators.telegram.parameters import Parameters
from channels.simulators.telegram.shapes import Json

TEXT_UNITS_MAX = 4096
CAPTION_UNITS_MAX = 1024
CALLBACK_DATA_BYTES_MAX = 64
_RAW_TEXT_BYTES_MAX = 1 << 15

_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "tg-emoji": "custom_emoji",
    "blockquote": "blockquote",
}
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z-]*)(?P<attributes>(?:\s[^>]*)?)>|<")
_ATTRIBUTE = re.compile(r"""([a-z-]+)\s*=\s*["']([^"']*)["']""")
_ESCAPE = re.compile(r"&(?:lt|gt|amp|quot|#\d+|#x[0-9A-Fa-f]+);")
_IMPLIED = re.compile(r"(?<!\S)(?:(?P<bot_command>/[A-Za-z0-9_]{1,32}(?:@\w+)?)|(?P<mention>@\w{3,32}))")


def utf16_units(text: str) -> int:
    """The length as Telegram counts it: an emoji outside the basic plane is two."""
    return len(text.encode("utf-16-le")) // 2


def formatted_text(parameters: Parameters, field: str = "text") -> Json:
    """{field: text, ["entities" or "caption_entities"]: [...]} of a call, its parse mode applied, trimmed.

    The text is "" where it is missing; the caller decides whether that, or its length, is an error.
    """
    text = parameters.text(field)
    if len(text.encode()) > _RAW_TEXT_BYTES_MAX:
        raise bad_request("text is too long")
    entities_field = "entities" if field == "text" else f"{field}_entities"
    match parameters.text("parse_mode").lower():
        case "" | "none":
            entities = _given_entities(parameters, entities_field, utf16_units(text))
        case "html":
            text, entities = parse_html(text)
        case _:
            # Markdown and MarkdownV2 exist at Telegram; Siyu sends HTML only, so here they are a mistake.
            raise bad_request("unsupported parse_mode")
    text, entities = _trimmed(text, entities)
    return {field: text} | ({entities_field: entities} if entities else {})


def parse_html(markup: str) -> tuple[str, list[Json]]:
    """Text and entities of Telegram's HTML. Raises 400 "can't parse entities: ..." with the byte offset."""
    text = ""
    entities: list[Json] = []
    opened: list[tuple[str, Json]] = []
    position = 0
    for tag in _TAG.finditer(markup):
        text += _unescaped(markup[position : tag.start()])
        position = tag.end()
        name = (tag["name"] or "").lower()
        at_byte = len(markup[: tag.start()].encode())
        if not tag["end"]:
            opened.append(
                (name, _opened_entity(name, tag["attributes"], at_byte) | {"offset": utf16_units(text)})
            )
            continue
        entity = _closed_entity(opened, name, at_byte)
        entity["length"] = utf16_units(text) - entity["offset"]
        if entity["length"]:
            entities.append(entity)
    if opened:
        raise bad_request(
            f"can't parse entities: Can't find end tag corresponding to start tag \"{opened[-1][0]}\""
        )
    text += _unescaped(markup[position:])
    return text, sorted(entities, key=lambda entity: (entity["offset"], -entity["length"]))


def implied_entities(text: str) -> list[Json]:
    """The commands and mentions that Telegram finds in what people write."""
    return [
        {
            "type": found.lastgroup,
            "offset": utf16_units(text[: found.start()]),
            "length": utf16_units(found.group()),
        }
        for found in _IMPLIED.finditer(text)
    ]


def reply_markup(parameters: Parameters) -> Json:
    """{"reply_markup": InlineKeyboardMarkup}, or {}: other keyboards are objects, and not shown back."""
    markup = parameters.structure("reply_markup", "reply keyboard markup")
    if markup is None:
        return {}
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    rows = markup.get("inline_keyboard")
    if rows is None:
        return {}
    for button in _buttons(rows):
        _check_button(button)
    return {"reply_markup": {"inline_keyboard": rows}} if rows else {}


def _unescaped(markup: str) -> str:
    return _ESCAPE.sub(lambda found: html.unescape(found.group()), markup)


def _opened_entity(name: str, attributes: str | None, at_byte: int) -> Json:
    values = dict(_ATTRIBUTE.findall(attributes or ""))
    unknown_span = name == "span" and values.get("class") != "tg-spoiler"
    if name not in _TAGS or unknown_span:
        raise bad_request(f'can\'t parse entities: Unsupported start tag "{name}" at byte offset {at_byte}')
    match name:
        case "a":
            return {"type": "text_link", "url": values.get("href", "")}
        case "tg-emoji":
            return {"type": "custom_emoji", "custom_emoji_id": values.get("emoji-id", "")}
        case "blockquote" if "expandable" in (attributes or ""):
            return {"type": "expandable_blockquote"}
        case _:
            return {"type": _TAGS[name]}


def _closed_entity(opened: list[tuple[str, Json]], name: str, at_byte: int) -> Json:
    if not opened:
        raise bad_request(f"can't parse entities: Unexpected end tag at byte offset {at_byte}")
    expected, entity = opened.pop()
    if name != expected:
        mismatch = f'expected "</{expected}>", found "</{name}>"'
        raise bad_request(f"can't parse entities: Unmatched end tag at byte offset {at_byte}, {mismatch}")
    return entity


def _given_entities(parameters: Parameters, field: str, units: int) -> list[Json]:
    given = parameters.structure(field, "entities")
    if not isinstance(given, list):
        return []
    for entity in given:
        if not isinstance(entity, dict):
            raise bad_request("can't parse MessageEntity: expected an Object")
        start, length = entity.get("offset"), entity.get("length")
        if not isinstance(start, int) or not isinstance(length, int) or start < 0 or start + length > units:
            raise bad_request("ENTITY_BOUNDS_INVALID")
    return given


def _trimmed(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Telegram removes white space around a text; entities move with it and lose what is cut off."""
    leading = utf16_units(text) - utf16_units(text.lstrip())
    text = text.strip()
    units = utf16_units(text)
    moved = []
    for entity in entities:
        start = max(entity["offset"] - leading, 0)
        end = min(entity["offset"] + entity["length"] - leading, units)
        if end > start:
            moved.append(entity | {"offset": start, "length": end - start})
    return text, moved


def _buttons(rows: object) -> Iterator[object]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays')
    for row in rows:
        yield from row


def _check_button(button: object) -> None:
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    if not button.get("text"):
        raise bad_request("can't parse inline keyboard button: Can't find field \"text\"")
    if not any(
        button.get(action) for action in ("url", "callback_data", "web_app", "login_url", "copy_text")
    ):
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    data = button.get("callback_data")
    if isinstance(data, str) and not button.get("url") and len(data.encode()) > CALLBACK_DATA_BYTES_MAX:
        raise bad_request("BUTTON_DATA_INVALID")
