"""Methods about the bot itself, its updates and the chats it is in."""

import re
from urllib.parse import urlsplit

from channels.simulators.telegram.account import Account
from channels.simulators.telegram.errors import (
    CHAT_NOT_FOUND,
    OLD_QUERY,
    WEBHOOK_ACTIVE,
    bad_request,
    conflict,
)
from channels.simulators.telegram.parameters import Parameters
from channels.simulators.telegram.shapes import Json, MemberStatus, chat_member, full_chat
from channels.simulators.telegram.webhook import CONNECTIONS_DEFAULT, CONNECTIONS_MAX, Webhook
from channels.simulators.telegram.world import Room

_POLL_LIMIT_MAX = 100
_POLL_TIMEOUT_MAX_S = 50
_SECRET_MAX = 256
_SECRET = re.compile(r"[A-Za-z0-9_-]*")
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_COMMANDS_MAX = 100
_DOWNLOAD_BYTES_MAX = 20 * 1024 * 1024
_COMMAND_DESCRIPTION_MAX = 256


async def get_me(account: Account, _parameters: Parameters) -> Json:
    abilities = {
        "can_join_groups": True,
        "can_read_all_group_messages": not account.privacy_mode,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }
    return account.world.bot | abilities


async def get_updates(account: Account, parameters: Parameters) -> list[Json]:
    if account.delivery is not None:
        raise conflict(WEBHOOK_ACTIVE)
    account.queue.allow(_allowed_updates(parameters))
    limit = min(max(parameters.integer("limit", _POLL_LIMIT_MAX), 1), _POLL_LIMIT_MAX)
    timeout_s = min(max(parameters.integer("timeout"), 0), _POLL_TIMEOUT_MAX_S)
    return await account.queue.poll(parameters.integer("offset"), limit, timeout_s)


async def set_webhook(account: Account, parameters: Parameters) -> bool:
    """Telegram takes https only; http is taken here too, as everything runs on one machine."""
    url = parameters.text("url")
    if not url:
        return await delete_webhook(account, parameters)
    _check_url(url)
    secret = parameters.text("secret_token")
    if len(secret) > _SECRET_MAX:
        raise bad_request("secret token is too long")
    if not _SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    connections = parameters.integer("max_connections", CONNECTIONS_DEFAULT)
    if parameters.flag("drop_pending_updates"):
        account.queue.clear()
    account.queue.allow(_allowed_updates(parameters))
    await account.open_webhook(Webhook(url, secret, min(max(connections, 1), CONNECTIONS_MAX)))
    return True


async def delete_webhook(account: Account, parameters: Parameters) -> bool:
    if parameters.flag("drop_pending_updates"):
        account.queue.clear()
    await account.close_webhook()
    return True


async def get_webhook_info(account: Account, _parameters: Parameters) -> Json:
    info: Json = {"url": "", "has_custom_certificate": False, "pending_update_count": len(account.queue)}
    if (delivery := account.delivery) is not None:
        info |= {"url": delivery.webhook.url, "max_connections": delivery.webhook.connections}
        info["ip_address"] = urlsplit(delivery.webhook.url).hostname
        if (error := delivery.last_error) is not None:
            info |= {"last_error_date": int(error.at), "last_error_message": error.message}
    if account.queue.allowed is not None:
        info["allowed_updates"] = sorted(account.queue.allowed)
    return info


async def set_my_commands(account: Account, parameters: Parameters) -> bool:
    commands = parameters.structure("commands", "commands")
    if not isinstance(commands, list):
        raise bad_request("expected an Array of BotCommand")
    if len(commands) > _COMMANDS_MAX:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not isinstance(command, dict):
            raise bad_request("can't parse BotCommand: expected an Object")
        if not _COMMAND.fullmatch(str(command.get("command", ""))):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", ""))) <= _COMMAND_DESCRIPTION_MAX:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    account.commands[_command_scope(parameters)] = commands
    return True


async def get_my_commands(account: Account, parameters: Parameters) -> list[Json]:
    return account.commands.get(_command_scope(parameters), [])


async def delete_my_commands(account: Account, parameters: Parameters) -> bool:
    account.commands.pop(_command_scope(parameters), None)
    return True


async def get_chat(account: Account, parameters: Parameters) -> Json:
    return full_chat(account.world.chat(_known_chat_id(account, parameters)))


async def get_chat_member(account: Account, parameters: Parameters) -> Json:
    user_id = parameters.integer("user_id")
    if user_id <= 0:
        raise bad_request("invalid user_id specified")
    chat_id = _known_chat_id(account, parameters)
    world = account.world
    room = world.rooms.get(chat_id)
    if user_id == world.bot["id"]:
        return chat_member(world.bot, room.bot_status if room is not None else "member")
    if (person := world.people.get(user_id)) is None:
        raise bad_request("PARTICIPANT_ID_INVALID")
    in_private: MemberStatus = "member" if user_id == chat_id else "left"
    return chat_member(person.as_user(), in_private if room is None else room.members.get(user_id, "left"))


async def leave_chat(account: Account, parameters: Parameters) -> bool:
    world = account.world
    room = world.reachable(_known_chat_id(account, parameters))
    if not isinstance(room, Room):
        raise bad_request("chat member status can't be changed in private chats")
    before, room.bot_status = room.bot_status, "left"
    change = {
        "chat": room.as_chat(),
        "from": world.bot,
        "date": world.now,
        "old_chat_member": chat_member(world.bot, before),
        "new_chat_member": chat_member(world.bot, "left"),
    }
    world.update("my_chat_member", change)
    return True


async def get_file(account: Account, parameters: Parameters) -> Json:
    file_id = parameters.text("file_id")
    if not file_id:
        raise bad_request("file_id not specified")
    if (file := account.world.files.get(file_id)) is None:
        raise bad_request("invalid file_id")
    size = len(file.content)
    if size > _DOWNLOAD_BYTES_MAX:
        raise bad_request("file is too big")
    return {"file_id": file.id, "file_unique_id": f"u{file.id}", "file_size": size, "file_path": file.path}


async def answer_callback_query(account: Account, parameters: Parameters) -> bool:
    query_id = parameters.text("callback_query_id")
    if query_id not in account.world.callbacks:
        raise bad_request(OLD_QUERY)
    account.world.callbacks.remove(query_id)
    return True


def chat_id_of(parameters: Parameters) -> int:
    """The chat a call names. No chat here has a public name, so "@name" is not found, as any other text."""
    value = parameters.text("chat_id").strip()
    if not value:
        raise bad_request("chat_id is empty")
    try:
        return int(value)
    except ValueError:
        raise bad_request(CHAT_NOT_FOUND) from None


def _known_chat_id(account: Account, parameters: Parameters) -> int:
    chat_id = chat_id_of(parameters)
    if chat_id not in account.world.people and chat_id not in account.world.rooms:
        raise bad_request(CHAT_NOT_FOUND)
    return chat_id


def _allowed_updates(parameters: Parameters) -> list[str] | None:
    if not parameters.text("allowed_updates"):
        return None
    kinds = parameters.structure("allowed_updates", "allowed_updates")
    if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
        return None
    return [kind.lower() for kind in kinds]


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        raise bad_request("invalid webhook URL specified") from None
    if parts.scheme not in ("http", "https"):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if not parts.hostname or not port_is_valid:
        raise bad_request("invalid webhook URL specified")


def _command_scope(parameters: Parameters) -> tuple[str, str]:
    scope = parameters.text("scope") or '{"type": "default"}'
    return scope, parameters.text("language_code")
