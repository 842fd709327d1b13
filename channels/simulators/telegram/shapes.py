"""The JSON that Telegram answers with: chats, members, files (core.telegram.org/bots/api, 9.x)."""

from typing import Any, Literal

Json = dict[str, Any]

GroupKind = Literal["group", "supergroup"]
MemberStatus = Literal["creator", "administrator", "member", "left", "kicked"]

PRESENT: frozenset[MemberStatus] = frozenset({"creator", "administrator", "member"})

_ADMINISTRATOR_RIGHTS = (
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_pin_messages",
    "can_manage_topics",
    "can_send_welcome_messages",
)


def chat_member(user: Json, status: MemberStatus) -> Json:
    """A ChatMember of any status, with the fields that its status requires."""
    member: Json = {"user": user, "status": status}
    match status:
        case "creator":
            member["is_anonymous"] = False
        case "administrator":
            rights = dict.fromkeys(_ADMINISTRATOR_RIGHTS, True)
            member |= {"can_be_edited": False, "is_anonymous": False} | rights
        case "kicked":
            member["until_date"] = 0
        case "member" | "left":
            pass
    return member


def full_chat(chat: Json) -> Json:
    """A ChatFullInfo: what getChat answers."""
    gifts = (
        "unlimited_gifts",
        "limited_gifts",
        "unique_gifts",
        "premium_subscription",
        "gifts_from_channels",
    )
    required = {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
    }
    return chat | required


def file_content(kind: str, file_id: str, size: int, file_name: str | None) -> Json:
    """The field of a Message that holds a file of `kind`: {"photo": [PhotoSize]}, {"voice": Voice}, ..."""
    file: Json = {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": size}
    match kind:
        case "photo":
            return {"photo": [file | {"width": 640, "height": 480}]}
        case "voice":
            return {"voice": file | {"duration": 3, "mime_type": "audio/ogg"}}
        case "video":
            return {"video": file | {"width": 640, "height": 480, "duration": 3, "mime_type": "video/mp4"}}
        case "sticker":
            flags = {"is_animated": False, "is_video": False}
            return {"sticker": file | {"type": "regular", "width": 512, "height": 512, "emoji": "👍"} | flags}
        case _:
            return {"document": file | ({"file_name": file_name} if file_name else {})}
