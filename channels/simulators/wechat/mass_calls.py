"""Mass messages: to openids, to a tag or to all, once for each `clientmsgid`.

A subscription account has one call a day; a service account has a hundred, and each of its followers gets four
messages in a calendar month: further ones are not sent to that follower. Days and months are Beijing's.
"""

import hashlib
import json
from datetime import datetime, timedelta, timezone
from typing import Final

from channels.simulators.wechat.call import Call, number_of, object_of, texts_of
from channels.simulators.wechat.errors import OK, ApiError
from channels.simulators.wechat.limits import (
    CLIENT_MSG_ID_BYTES_MAX,
    MASS_DELETE_S,
    MASS_DUPLICATE_S,
    MASS_RECEIVED_A_MONTH,
    OPENIDS_MASS_MAX,
    OPENIDS_MASS_MIN,
)
from channels.simulators.wechat.message_calls import content_of, readable
from channels.simulators.wechat.notices import mass_finished
from channels.simulators.wechat.sent import Via
from channels.simulators.wechat.shapes import Json
from channels.simulators.wechat.world import MassJob, Person, World

SENDER: Final = "mphelper"
"""Who the result comes from: WeChat's own mass-sending account."""

_BEIJING: Final = timezone(timedelta(hours=8))
_KINDS: Final = frozenset({"text", "image", "voice", "mpvideo"})


def send(world: World, call: Call) -> Json:
    """`touser`: 2 to 10,000 openids; one that is unknown or does not follow is filtered out."""
    posted = call.posted()
    openids = texts_of(posted, "touser", 40032)
    if len(openids) < OPENIDS_MASS_MIN:
        raise ApiError(40130)
    if len(openids) > OPENIDS_MASS_MAX:
        raise ApiError(40032)
    people = [world.people[openid] for openid in dict.fromkeys(openids) if openid in world.people]
    return _submit(world, posted, people, len(openids))


def send_all(world: World, call: Call) -> Json:
    """`filter`: is_to_all, or a tag_id."""
    posted = call.posted()
    chosen = object_of(posted, "filter")
    people = world.followers()
    if chosen.get("is_to_all") is not True:
        tag = number_of(chosen, "tag_id", 45159)
        if tag not in world.tags:
            raise ApiError(45159)
        people = [person for person in people if tag in person.tags]
    return _submit(world, posted, people, len(people))


def delete(world: World, call: Call) -> Json:
    """Take a message back within half an hour. A text cannot be taken back, WeChat says: only news and video."""
    msg_id = number_of(call.posted(), "msg_id")
    job = next((job for job in world.jobs if job.msg_id == msg_id), None)
    if job is None or world.clock() > job.at + MASS_DELETE_S or job.kind != "mpvideo":
        raise ApiError(47003, "hint: msg_id")
    world.unshow(msg_id)
    return OK


def _submit(world: World, posted: Json, people: list[Person], total: int) -> Json:
    kind, content = content_of(_with_one_image(posted))
    if kind not in _KINDS:
        raise ApiError(40008)
    text = readable(world, kind, content)
    now = world.clock()
    client_id = _client_msg_id(posted)
    for job in world.jobs:
        if job.client_msg_id == client_id and now < job.at + MASS_DUPLICATE_S:
            raise ApiError(45065, more={"msg_id": job.msg_id})
    today = [job for job in world.jobs if _day(job.at) == _day(now)]
    if len(today) >= world.account.mass_calls_a_day:
        raise ApiError(45028)
    job = MassJob(world.next_job_id(), client_id, now, kind)
    world.jobs.append(job)
    receivers = [person for person in people if person.subscribed and not _full(world, person, now)]
    for person in receivers:
        person.mass_got.append(now)
        world.show(Via.MASS, person, kind, text, content, job.msg_id)
    counts = {"total": total, "filtered": len(receivers), "sent": len(receivers)}
    world.event(SENDER, mass_finished(job.msg_id, **counts))
    return {
        "errcode": 0,
        "errmsg": "send job submission success",
        "msg_id": job.msg_id,
        "msg_data_id": job.msg_id + 1,
    }


def _with_one_image(posted: Json) -> Json:
    """The form with `images`, a list, as the older one with `image`: the first stands for all."""
    images = posted.get("images")
    if posted.get("msgtype") != "image" or not isinstance(images, dict):
        return posted
    media_ids = texts_of(images, "media_ids", 41006)
    return posted | {"image": {"media_id": media_ids[0] if media_ids else ""}}


def _client_msg_id(posted: Json) -> str:
    """The caller's, else a hash of content and range: two equal messages that were both meant collide, as at WeChat."""
    given = posted.get("clientmsgid")
    if given is None or given == "":
        return hashlib.sha256(json.dumps(posted, sort_keys=True).encode()).hexdigest()
    if not isinstance(given, str):
        raise ApiError(47001)
    if len(given.encode()) > CLIENT_MSG_ID_BYTES_MAX:
        raise ApiError(45067)
    return given


def _full(world: World, person: Person, now: float) -> bool:
    if world.account.kind != "service":
        return False
    this_month = [at for at in person.mass_got if _day(at)[:2] == _day(now)[:2]]
    return len(this_month) >= MASS_RECEIVED_A_MONTH


def _day(at: float) -> tuple[int, int, int]:
    there = datetime.fromtimestamp(at, _BEIJING)
    return there.year, there.month, there.day
