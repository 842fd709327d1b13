"""Calls about followers and their tags."""

from channels.simulators.wechat.call import Call, number_of, object_of, text_of, texts_of
from channels.simulators.wechat.errors import OK, ApiError
from channels.simulators.wechat.limits import (
    FANS_A_PAGE,
    OPENIDS_TAGGED_MAX,
    REMARK_CHARACTERS_MAX,
    TAG_NAME_BYTES_MAX,
    TAGS_A_PERSON,
    TAGS_MAX,
)
from channels.simulators.wechat.shapes import Json
from channels.simulators.wechat.world import Person, World

_SYSTEM_TAGS = frozenset({0, 1, 2})
_FIRST_TAG = 100


def user_info(world: World, call: Call) -> Json:
    """Since December 2021 without nickname and picture; of who does not follow nothing but that."""
    person = world.known(call.got().get("openid", ""))
    if not person.subscribed:
        return {"subscribe": 0, "openid": person.openid, "tagid_list": []}
    info: Json = {
        "subscribe": 1,
        "openid": person.openid,
        "language": person.language,
        "subscribe_time": person.subscribed_at,
        "remark": person.remark,
        "groupid": person.tags[0] if person.tags else 0,
        "tagid_list": list(person.tags),
        "subscribe_scene": person.subscribe_scene,
        "qr_scene": 0,
        "qr_scene_str": person.scene,
    }
    return info | ({"unionid": person.unionid} if person.unionid is not None else {})


def update_remark(world: World, call: Call) -> Json:
    posted = call.posted()
    person = world.follower(text_of(posted, "openid", 40003))
    remark = posted.get("remark")
    if not isinstance(remark, str) or len(remark) >= REMARK_CHARACTERS_MAX:
        raise ApiError(47003, "hint: remark")
    person.remark = remark
    return OK


def create_tag(world: World, call: Call) -> Json:
    name = _free_name(world, object_of(call.posted(), "tag"))
    if len(world.tags) >= TAGS_MAX:
        raise ApiError(45056)
    tag = max(_FIRST_TAG, *(known + 1 for known in world.tags))
    world.tags[tag] = name
    return {"tag": {"id": tag, "name": name}}


def get_tags(world: World, call: Call) -> Json:
    call.got()
    return {
        "tags": [
            {"id": tag, "name": name, "count": len(_tagged(world, tag))} for tag, name in world.tags.items()
        ]
    }


def update_tag(world: World, call: Call) -> Json:
    asked = object_of(call.posted(), "tag")
    tag = _own_tag(world, asked)
    world.tags[tag] = _free_name(world, asked, besides=tag)
    return OK


def delete_tag(world: World, call: Call) -> Json:
    tag = _own_tag(world, object_of(call.posted(), "tag"))
    for person in _tagged(world, tag):
        person.tags.remove(tag)
    del world.tags[tag]
    return OK


def tag_people(world: World, call: Call) -> Json:
    """All or nobody: one wrong openid, or one with 20 tags already, refuses the call."""
    tag, people = _tag_and_people(world, call)
    if any(tag not in person.tags and len(person.tags) >= TAGS_A_PERSON for person in people):
        raise ApiError(45059)
    for person in people:
        if tag not in person.tags:
            person.tags.append(tag)
    return OK


def untag_people(world: World, call: Call) -> Json:
    tag, people = _tag_and_people(world, call)
    for person in people:
        if tag in person.tags:
            person.tags.remove(tag)
    return OK


def tags_of_person(world: World, call: Call) -> Json:
    person = world.known(text_of(call.posted(), "openid", 40003))
    return {"tagid_list": list(person.tags)}


def people_tagged(world: World, call: Call) -> Json:
    """One page, from after `next_openid`; the last page's next_openid is its last openid too."""
    posted = call.posted()
    openids = sorted(
        person.openid for person in _tagged(world, _known_tag(world, number_of(posted, "tagid")))
    )
    after = posted.get("next_openid") or ""
    page = [openid for openid in openids if openid > str(after)][:FANS_A_PAGE]
    if not page:
        return {"count": 0}
    return {"count": len(page), "data": {"openid": page}, "next_openid": page[-1]}


def _tagged(world: World, tag: int) -> list[Person]:
    return [person for person in world.followers() if tag in person.tags]


def _tag_and_people(world: World, call: Call) -> tuple[int, list[Person]]:
    posted = call.posted()
    openids = texts_of(posted, "openid_list", 40032)
    if not 1 <= len(openids) <= OPENIDS_TAGGED_MAX:
        raise ApiError(40032)
    tag = _known_tag(world, number_of(posted, "tagid", 45159))
    if not all(openid in world.people for openid in openids):
        raise ApiError(49003)
    return tag, [world.follower(openid) for openid in dict.fromkeys(openids)]


def _known_tag(world: World, tag: int) -> int:
    if tag not in world.tags:
        raise ApiError(45159)
    return tag


def _own_tag(world: World, asked: Json) -> int:
    tag = number_of(asked, "id", 45159)
    if tag in _SYSTEM_TAGS:
        raise ApiError(45058)
    return _known_tag(world, tag)


def _free_name(world: World, asked: Json, besides: int | None = None) -> str:
    name = text_of(asked, "name", 45157)
    if len(name.encode()) > TAG_NAME_BYTES_MAX:
        raise ApiError(45158)
    if any(known == name and tag != besides for tag, known in world.tags.items()):
        raise ApiError(45157)
    return name
