"""Methods that send, change and remove messages."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from channels.simulators.telegram.account import Account
from channels.simulators.telegram.account_methods import chat_id_of
from channels.simulators.telegram.errors import NOT_MODIFIED, bad_request
from channels.simulators.telegram.formatting import (
    CAPTION_UNITS_MAX,
    TEXT_UNITS_MAX,
    formatted_text,
    reply_markup,
    utf16_units,
)
from channels.simulators.telegram.parameters import Parameters
from channels.simulators.telegram.shapes import Json, file_content
from channels.simulators.telegram.world import Room, StoredFile

_TOPIC_NAME_MAX = 128
_ATTACH = "attach://"
_CHAT_ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)


async def send_message(account: Account, parameters: Parameters) -> Json:
    return _send(account, parameters, _message_text(parameters))


async def send_location(account: Account, parameters: Parameters) -> Json:
    place = {"latitude": parameters.decimal("latitude"), "longitude": parameters.decimal("longitude")}
    return _send(account, parameters, {"location": place})


def sends_file(kind: str) -> Callable[[Account, Parameters], Awaitable[Json]]:
    """The method for files of `kind`: uploaded, by a known file's id, or by an HTTP URL (not loaded)."""

    async def send_file(account: Account, parameters: Parameters) -> Json:
        file = _file(account, parameters, kind)
        content = file_content(kind, file.id, len(file.content), file.name)
        caption = formatted_text(parameters, "caption")
        if utf16_units(caption["caption"]) > CAPTION_UNITS_MAX:
            raise bad_request("message caption is too long")
        return _send(account, parameters, content | (caption if caption["caption"] else {}))

    return send_file


async def edit_message_text(account: Account, parameters: Parameters) -> Json:
    content = _message_text(parameters)
    message = _own_message(account, parameters, "message to edit not found")
    if "text" not in message:
        raise bad_request("there is no text in the message to edit")
    changed = content | reply_markup(parameters)
    shown = {field: message[field] for field in ("text", "entities", "reply_markup") if field in message}
    if changed == shown:
        raise bad_request(NOT_MODIFIED)
    for field in shown:
        del message[field]
    message |= changed | {"edit_date": account.world.now}
    return message


async def edit_message_reply_markup(account: Account, parameters: Parameters) -> Json:
    message = _own_message(account, parameters, "message to edit not found")
    changed = reply_markup(parameters)
    if changed.get("reply_markup") == message.get("reply_markup"):
        raise bad_request(NOT_MODIFIED)
    message.pop("reply_markup", None)
    message |= changed | {"edit_date": account.world.now}
    return message


async def delete_message(account: Account, parameters: Parameters) -> bool:
    chat_id, message_id = chat_id_of(parameters), parameters.integer("message_id")
    account.world.reachable(chat_id)
    if account.world.message(chat_id, message_id) is None:
        raise bad_request("message to delete not found")
    account.world.forget_message(chat_id, message_id)
    return True


async def send_chat_action(account: Account, parameters: Parameters) -> bool:
    if parameters.text("action").lower() not in _CHAT_ACTIONS:
        raise bad_request("wrong parameter action in request")
    account.world.reachable(chat_id_of(parameters))
    return True


async def create_forum_topic(account: Account, parameters: Parameters) -> Json:
    room = account.world.reachable(chat_id_of(parameters))
    name = parameters.required("name")
    if not isinstance(room, Room) or not room.forum:
        raise bad_request("the chat is not a forum")
    if room.bot_status != "administrator":
        raise bad_request("not enough rights to create a topic")
    if len(name) > _TOPIC_NAME_MAX:
        raise bad_request("TOPIC_TITLE_TOO_LONG")
    message = account.world.new_topic(room, name, account.world.bot)
    return {"message_thread_id": message["message_thread_id"], **message["forum_topic_created"]}


def _message_text(parameters: Parameters) -> Json:
    content = formatted_text(parameters)
    if not content["text"]:
        raise bad_request("message text is empty")
    if utf16_units(content["text"]) > TEXT_UNITS_MAX:
        raise bad_request("message is too long")
    return content


def _send(account: Account, parameters: Parameters, content: Json) -> Json:
    world = account.world
    chat_id = chat_id_of(parameters)
    keyboard = reply_markup(parameters)
    chat = world.reachable(chat_id)
    thread_id = world.thread_of(chat, parameters.integer("message_thread_id"))
    reply_to = _replied_to(account, parameters, chat_id)
    return world.new_message(chat_id, world.bot, content | keyboard, thread_id=thread_id, reply_to=reply_to)


def _replied_to(account: Account, parameters: Parameters, chat_id: int) -> int | None:
    given = parameters.structure("reply_parameters", "reply parameters")
    if given is None:
        given = {"message_id": parameters.integer("reply_to_message_id")}
    if not isinstance(given, dict):
        raise bad_request("object expected as reply parameters")
    message_id = given.get("message_id")
    if not isinstance(message_id, int):
        raise bad_request('can\'t find field "message_id"')
    if message_id <= 0:
        return None
    if account.world.message(chat_id, message_id) is not None:
        return message_id
    if given.get("allow_sending_without_reply") or parameters.flag("allow_sending_without_reply"):
        return None
    raise bad_request("message to be replied not found")


def _own_message(account: Account, parameters: Parameters, missing: str) -> Json:
    chat_id, message_id = chat_id_of(parameters), parameters.integer("message_id")
    if message_id <= 0:
        raise bad_request("message identifier is not specified")
    account.world.reachable(chat_id)
    message = account.world.message(chat_id, message_id)
    if message is None:
        raise bad_request(missing)
    if message["from"]["id"] != account.world.bot["id"]:
        raise bad_request("message can't be edited")
    return message


def _file(account: Account, parameters: Parameters, kind: str) -> StoredFile:
    given = parameters.text(kind)
    upload = parameters.uploads.get(given.removeprefix(_ATTACH) if given.startswith(_ATTACH) else kind)
    if upload is not None:
        if not upload.content:
            raise bad_request("file must be non-empty")
        return account.world.store_file(upload.content, upload.name)
    if not given or given.startswith(_ATTACH):
        raise bad_request(f"there is no {kind} in the request")
    if urlsplit(given).scheme in ("http", "https"):
        return account.world.store_file(b"", given.rsplit("/", 1)[-1])
    if (known := account.world.files.get(given)) is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    return known
