"""What Telegram knows: people, groups, messages, files. Everything the bot may see becomes an update."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from channels.simulators.telegram.errors import CHAT_NOT_FOUND, bad_request, forbidden
from channels.simulators.telegram.shapes import PRESENT, GroupKind, Json, MemberStatus
from channels.simulators.telegram.updates import UpdateQueue

_GENERAL_TOPIC = 1


class ImpossibleAction(Exception):
    """What an actor was told to do cannot be done in Telegram's clients."""


@dataclass(slots=True)
class Person:
    id: int
    first_name: str
    username: str | None = None
    language_code: str | None = None
    started: bool = False
    blocked: bool = False
    deactivated: bool = False

    def as_user(self) -> Json:
        optional = {"username": self.username, "language_code": self.language_code}
        present = {name: value for name, value in optional.items() if value is not None}
        return {"id": self.id, "is_bot": False, "first_name": self.first_name} | present

    def as_chat(self) -> Json:
        username = {"username": self.username} if self.username is not None else {}
        return {"id": self.id, "type": "private", "first_name": self.first_name} | username


@dataclass(slots=True)
class Room:
    """A group or supergroup. `topics` are the message threads of a forum, by id."""

    id: int
    title: str
    kind: GroupKind
    forum: bool = False
    bot_status: MemberStatus = "member"
    members: dict[int, MemberStatus] = field(default_factory=dict)
    topics: dict[int, str] = field(default_factory=dict)
    migrated_to: int | None = None

    def as_chat(self) -> Json:
        return {"id": self.id, "type": self.kind, "title": self.title} | (
            {"is_forum": True} if self.forum else {}
        )


@dataclass(frozen=True, slots=True)
class StoredFile:
    id: str
    name: str | None
    content: bytes

    @property
    def path(self) -> str:
        return f"files/{self.id}"


class World:
    """`bot` is the bot's User; `privacy_mode` hides from it what is said in groups and not meant for it."""

    def __init__(
        self, bot: Json, queue: UpdateQueue, clock: Callable[[], float], *, privacy_mode: bool
    ) -> None:
        self.bot = bot
        self.people: dict[int, Person] = {}
        self.rooms: dict[int, Room] = {}
        self.files: dict[str, StoredFile] = {}
        self.callbacks: set[str] = set()
        self._privacy_mode = privacy_mode
        self._queue = queue
        self._clock = clock
        self._messages: dict[int, dict[int, Json]] = {}
        # Private chats and basic groups count their messages together, each supergroup its own.
        self._last_ids: dict[int, int] = {}

    @property
    def now(self) -> int:
        return int(self._clock())

    def update(self, kind: str, content: Json) -> Json | None:
        return self._queue.push({kind: content})

    def chat(self, chat_id: int) -> Json:
        room = self.rooms.get(chat_id)
        return room.as_chat() if room is not None else self.people[chat_id].as_chat()

    def reachable(self, chat_id: int) -> Person | Room:
        """The chat the bot writes to. Raises Telegram's 400 or 403 where the bot may not."""
        if (room := self.rooms.get(chat_id)) is not None:
            self._check_room(room)
            return room
        if (person := self.people.get(chat_id)) is None:
            raise bad_request(CHAT_NOT_FOUND)
        if person.deactivated:
            raise forbidden("user is deactivated")
        if person.blocked:
            raise forbidden("bot was blocked by the user")
        if not person.started:
            raise forbidden("bot can't initiate conversation with a user")
        return person

    def thread_of(self, chat: Person | Room, thread_id: int) -> int:
        """The thread a message goes to: 0 outside forums, whatever the call says. Raises 400 for no topic."""
        if not thread_id or not isinstance(chat, Room) or not chat.forum:
            return 0
        if thread_id not in chat.topics:
            raise bad_request("message thread not found")
        return thread_id

    def message(self, chat_id: int, message_id: int) -> Json | None:
        return self._messages.get(chat_id, {}).get(message_id)

    def new_message(
        self, chat_id: int, sender: Json, content: Json, *, thread_id: int = 0, reply_to: int | None = None
    ) -> Json:
        """Store a message and return it; a reply carries the message it answers, but not that one's reply."""
        message_id = self._next_message_id(chat_id)
        message: Json = {
            "message_id": message_id,
            "from": sender,
            "chat": self.chat(chat_id),
            "date": self.now,
        }
        if thread_id:
            message["message_thread_id"] = thread_id
            if message["chat"].get("is_forum"):
                message["is_topic_message"] = True
        original = self.message(chat_id, reply_to) if reply_to is not None else None
        if original is not None:
            message["reply_to_message"] = {
                key: original[key] for key in original if key != "reply_to_message"
            }
        message |= content
        self._messages.setdefault(chat_id, {})[message_id] = message
        return message

    def forget_message(self, chat_id: int, message_id: int) -> None:
        self._messages.get(chat_id, {}).pop(message_id, None)

    def seen_by_bot(self, message: Json) -> bool:
        """Whether the bot gets a message: as a member, and in privacy mode if it is meant for the bot."""
        room = self.rooms.get(message["chat"]["id"])
        if room is None:
            return True
        if room.bot_status not in PRESENT:
            return False
        if not self._privacy_mode or room.bot_status == "administrator" or "text" not in message:
            return True
        replied_to = message.get("reply_to_message", {}).get("from", {}).get("id")
        return bool(replied_to == self.bot["id"] or message["text"].startswith("/"))

    def new_topic(self, room: Room, name: str, creator: Json) -> Json:
        """Open a topic in a forum; the service message that says so has the topic's id as its own."""
        content = {"forum_topic_created": {"name": name, "icon_color": 7322096}}
        thread_id = max(self._last_ids.get(room.id, 0), _GENERAL_TOPIC) + 1
        self._last_ids[room.id] = thread_id - 1
        room.topics[thread_id] = name
        return self.new_message(room.id, creator, content, thread_id=thread_id)

    def store_file(self, content: bytes, name: str | None = None) -> StoredFile:
        file = StoredFile(secrets.token_urlsafe(16), name, content)
        self.files[file.id] = file
        return file

    def _next_message_id(self, chat_id: int) -> int:
        room = self.rooms.get(chat_id)
        counter = chat_id if room is not None and room.kind == "supergroup" else 0
        self._last_ids[counter] = self._last_ids.get(counter, 0) + 1
        return self._last_ids[counter]

    def _check_room(self, room: Room) -> None:
        if room.migrated_to is not None:
            raise bad_request(
                "group chat was upgraded to a supergroup chat", {"migrate_to_chat_id": room.migrated_to}
            )
        kind = f"{room.kind} chat"
        if room.bot_status == "kicked":
            raise forbidden(f"bot was kicked from the {kind}")
        if room.bot_status == "left":
            raise forbidden(f"bot is not a member of the {kind}")
