"""People and groups that a test, or a demo, moves: each action becomes the updates that Telegram would send.

Actions return the Message or CallbackQuery as the person sees it; whether the bot hears of it follows from
membership, privacy mode and allowed_updates, as at Telegram.
"""

import secrets

from channels.simulators.telegram.formatting import implied_entities
from channels.simulators.telegram.sent import Sent
from channels.simulators.telegram.shapes import PRESENT, Json, MemberStatus, chat_member, file_content
from channels.simulators.telegram.world import ImpossibleAction, Person, Room, World

_SAMPLE = b"simulated file"


class Group:
    def __init__(self, world: World, room: Room) -> None:
        self.room = room
        self._world = world

    @property
    def id(self) -> int:
        return self.room.id

    def adds_bot(self, by: "User", *, administrator: bool = False) -> None:
        """The bot gets my_chat_member and the service message."""
        self._bot_becomes("administrator" if administrator else "member", by)
        self._service(by.person.as_user(), {"new_chat_members": [self._world.bot]})

    def promotes_bot(self, by: "User") -> None:
        self._bot_becomes("administrator", by)

    def removes_bot(self, by: "User") -> None:
        """Kicked: my_chat_member is the last the bot hears from the group."""
        self._bot_becomes("kicked", by)

    def opens_topic(self, name: str, by: "User") -> int:
        """The id of the new message thread."""
        if not self.room.forum:
            raise ImpossibleAction(f"group {self.id} has no topics: it is no forum")
        message = self._world.new_topic(self.room, name, by.person.as_user())
        self._tell_bot(message)
        return int(message["message_thread_id"])

    def migrates(self, new_id: int, by: "User") -> "Group":
        """Upgrade to the supergroup `new_id`: a service message on each side; then this chat is closed."""
        if self.room.kind != "group" or self.room.migrated_to is not None:
            raise ImpossibleAction(f"group {self.id} is no basic group, or has migrated already")
        upgraded = Room(
            new_id,
            self.room.title,
            "supergroup",
            bot_status=self.room.bot_status,
            members=dict(self.room.members),
        )
        self._world.rooms[new_id] = upgraded
        self._service(by.person.as_user(), {"migrate_to_chat_id": new_id})
        self.room.migrated_to = new_id
        group = Group(self._world, upgraded)
        group._service(by.person.as_user(), {"migrate_from_chat_id": self.id})
        return group

    def member_changes(self, user: "User", status: MemberStatus) -> None:
        """Set a person's status; chat_member goes to a bot that is an administrator and asked for it."""
        before = self.room.members.get(user.id, "left")
        self.room.members[user.id] = status
        who = user.person.as_user()
        if self.room.bot_status == "administrator":
            self._world.update("chat_member", self._changed(who, who, before, status))
        if status == "member" and before not in PRESENT:
            self._service(
                who, {"new_chat_members": [who], "new_chat_member": who, "new_chat_participant": who}
            )
        elif status == "left" and before in PRESENT:
            self._service(who, {"left_chat_member": who, "left_chat_participant": who})

    def _bot_becomes(self, status: MemberStatus, by: "User") -> None:
        before, self.room.bot_status = self.room.bot_status, status
        change = self._changed(by.person.as_user(), self._world.bot, before, status)
        self._world.update("my_chat_member", change)

    def _changed(self, by: Json, who: Json, before: MemberStatus, after: MemberStatus) -> Json:
        return {
            "chat": self.room.as_chat(),
            "from": by,
            "date": self._world.now,
            "old_chat_member": chat_member(who, before),
            "new_chat_member": chat_member(who, after),
        }

    def _service(self, sender: Json, content: Json) -> None:
        self._tell_bot(self._world.new_message(self.id, sender, content))

    def _tell_bot(self, message: Json) -> None:
        if self._world.seen_by_bot(message):
            self._world.update("message", message)


class User:
    def __init__(self, world: World, person: Person) -> None:
        self.person = person
        self._world = world

    @property
    def id(self) -> int:
        return self.person.id

    def says(
        self, text: str, *, chat: Group | None = None, thread: int = 0, reply_to: int | None = None
    ) -> Json:
        """Write in private, or in a group; `reply_to` is a message id of that chat."""
        entities = implied_entities(text)
        content: Json = {"text": text} | ({"entities": entities} if entities else {})
        return self._sends(content, chat=chat, thread=thread, reply_to=reply_to)

    def starts(self, payload: str = "") -> Json:
        """Press Start, perhaps through a deep link with a payload."""
        return self.says(f"/start {payload}".rstrip())

    def sends_photo(self, caption: str = "", *, content: bytes = _SAMPLE, chat: Group | None = None) -> Json:
        return self._sends_file("photo", content, caption=caption, chat=chat)

    def sends_voice(self, *, content: bytes = _SAMPLE, chat: Group | None = None) -> Json:
        return self._sends_file("voice", content, chat=chat)

    def sends_video(self, caption: str = "", *, content: bytes = _SAMPLE, chat: Group | None = None) -> Json:
        return self._sends_file("video", content, caption=caption, chat=chat)

    def sends_document(
        self, file_name: str, caption: str = "", *, content: bytes = _SAMPLE, chat: Group | None = None
    ) -> Json:
        return self._sends_file("document", content, caption=caption, chat=chat, file_name=file_name)

    def sends_sticker(self, *, content: bytes = _SAMPLE, chat: Group | None = None) -> Json:
        return self._sends_file("sticker", content, chat=chat)

    def sends_location(self, latitude: float, longitude: float, *, chat: Group | None = None) -> Json:
        return self._sends({"location": {"latitude": latitude, "longitude": longitude}}, chat=chat)

    def sends_contact(self, phone_number: str, first_name: str, *, chat: Group | None = None) -> Json:
        return self._sends({"contact": {"phone_number": phone_number, "first_name": first_name}}, chat=chat)

    def edits(self, message_id: int, text: str, *, chat: Group | None = None) -> Json:
        """Change the text of an own message."""
        message = self._world.message(chat.id if chat is not None else self.id, message_id)
        if message is None or message["from"]["id"] != self.id or "text" not in message:
            raise ImpossibleAction(f"user {self.id} has no text message {message_id} to edit")
        message.pop("entities", None)
        entities = implied_entities(text)
        message |= {"text": text, "edit_date": self._world.now} | ({"entities": entities} if entities else {})
        if self._world.seen_by_bot(message):
            self._world.update("edited_message", message.copy())
        return message

    def presses(self, message: Sent | int, callback_data: str, *, chat: Group | None = None) -> Json:
        """Press a button that a message of the bot's has. `chat` is for a bare message id only."""
        if isinstance(message, Sent):
            chat_id, message_id = message.chat_id or 0, message.message_id or 0
        else:
            chat_id, message_id = chat.id if chat is not None else self.id, message
        return self._presses(chat_id, message_id, callback_data)

    def blocks(self) -> None:
        self._turns(blocked=True)

    def unblocks(self) -> None:
        self._turns(blocked=False)

    def deactivates(self) -> None:
        """Delete the account: the bot hears nothing and is refused from then on."""
        self.person.deactivated = True

    def joins(self, group: Group) -> None:
        group.member_changes(self, "member")

    def leaves(self, group: Group) -> None:
        group.member_changes(self, "left")

    def _presses(self, chat_id: int, message_id: int, callback_data: str) -> Json:
        message = self._world.message(chat_id, message_id)
        rows = message["reply_markup"]["inline_keyboard"] if message and "reply_markup" in message else []
        if not any(button.get("callback_data") == callback_data for row in rows for button in row):
            raise ImpossibleAction(f"message {message_id} of chat {chat_id} has no button {callback_data!r}")
        query: Json = {
            "id": str(secrets.randbits(62)),
            "from": self.person.as_user(),
            "message": dict(message or {}),
            "chat_instance": str(chat_id),
            "data": callback_data,
        }
        self._world.callbacks.add(query["id"])
        self._world.update("callback_query", query)
        return query

    def _turns(self, *, blocked: bool) -> None:
        if self.person.blocked is blocked:
            raise ImpossibleAction(f"user {self.id} has {'already' if blocked else 'not'} blocked the bot")
        self.person.blocked = blocked
        self.person.started = True
        before: MemberStatus = "member" if blocked else "kicked"
        after: MemberStatus = "kicked" if blocked else "member"
        change = {
            "chat": self.person.as_chat(),
            "from": self.person.as_user(),
            "date": self._world.now,
            "old_chat_member": chat_member(self._world.bot, before),
            "new_chat_member": chat_member(self._world.bot, after),
        }
        self._world.update("my_chat_member", change)

    def _sends_file(
        self,
        kind: str,
        content: bytes,
        *,
        caption: str = "",
        chat: Group | None = None,
        file_name: str | None = None,
    ) -> Json:
        file = self._world.store_file(content, file_name)
        fields = file_content(kind, file.id, len(content), file_name)
        return self._sends(fields | ({"caption": caption} if caption else {}), chat=chat)

    def _sends(
        self, content: Json, *, chat: Group | None = None, thread: int = 0, reply_to: int | None = None
    ) -> Json:
        self._check_can_write(chat, thread)
        chat_id = chat.id if chat is not None else self.id
        sender = self.person.as_user()
        message = self._world.new_message(chat_id, sender, content, thread_id=thread, reply_to=reply_to)
        if self._world.seen_by_bot(message):
            # A copy: a later edit must not change an update that is still waiting.
            self._world.update("message", message.copy())
        return message

    def _check_can_write(self, chat: Group | None, thread: int) -> None:
        if self.person.deactivated:
            raise ImpossibleAction(f"user {self.id} is deactivated")
        if chat is None:
            if self.person.blocked:
                raise ImpossibleAction(f"user {self.id} has blocked the bot: unblock it first")
            self.person.started = True
            return
        if chat.room.migrated_to is not None:
            raise ImpossibleAction(f"group {chat.id} has become supergroup {chat.room.migrated_to}")
        if chat.room.members.get(self.id) not in PRESENT:
            raise ImpossibleAction(f"user {self.id} is no member of group {chat.id}")
        if thread and thread not in chat.room.topics:
            raise ImpossibleAction(f"group {chat.id} has no message thread {thread}")
