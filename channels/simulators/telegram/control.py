"""Control over HTTP, for a test or a demo in another process. Everything is JSON.

    POST /control/updates               queue a raw update: {"update": the numbered one, or null}
    GET /control/updates                {"pending": the updates not confirmed yet}
    GET /control/sent?after=N&wait_s=S  {"sent": [...], "next": M}, without the first N; waits S s for one
    GET /control/violations             {"violations": [...]}
    POST /control/faults                `Faults.add` with these keywords
    DELETE /control/faults              no fault waits any more
    POST /control/users, .../groups     `user(...)`, `group(...)` with these keywords: {"result": its id}
    POST /control/users/{id}/{action}   an action of `User` with these keywords, groups by id: {"result": it}
    POST /control/groups/{id}/{action}  an action of `Group` with these keywords, people by id: the same

400 for wrong keywords, 404 for an unknown person, group or action, 409 for what cannot be done.
"""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from http import HTTPStatus
from typing import Final

from aiohttp import web

from channels.simulators.telegram.actors import Group, User
from channels.simulators.telegram.scene import Scene
from channels.simulators.telegram.shapes import Json
from channels.simulators.telegram.world import ImpossibleAction

_WAIT_MAX_S: Final = 30.0

_USER_ACTIONS: Final[dict[str, Callable[..., Json | None]]] = {
    "says": User.says,
    "starts": User.starts,
    "sends_photo": User.sends_photo,
    "sends_voice": User.sends_voice,
    "sends_video": User.sends_video,
    "sends_document": User.sends_document,
    "sends_sticker": User.sends_sticker,
    "sends_location": User.sends_location,
    "sends_contact": User.sends_contact,
    "edits": User.edits,
    "presses": User.presses,
    "blocks": User.blocks,
    "unblocks": User.unblocks,
    "deactivates": User.deactivates,
    "joins": User.joins,
    "leaves": User.leaves,
}
_GROUP_ACTIONS: Final[dict[str, Callable[..., int | Group | None]]] = {
    "adds_bot": Group.adds_bot,
    "promotes_bot": Group.promotes_bot,
    "removes_bot": Group.removes_bot,
    "opens_topic": Group.opens_topic,
    "migrates": Group.migrates,
}


_Handler = Callable[[Scene, web.Request], Awaitable[Json]]


def control_routes(scene: Scene) -> list[web.RouteDef]:
    routes: tuple[tuple[str, str, _Handler], ...] = (
        ("POST", "/control/updates", _push),
        ("GET", "/control/updates", _pending),
        ("GET", "/control/sent", _sent),
        ("GET", "/control/violations", _violations),
        ("POST", "/control/faults", _add_fault),
        ("DELETE", "/control/faults", _clear_faults),
        ("POST", "/control/users", _add_user),
        ("POST", "/control/groups", _add_group),
        ("POST", "/control/users/{id}/{action}", _user_acts),
        ("POST", "/control/groups/{id}/{action}", _group_acts),
    )
    return [web.route(method, path, partial(_answered, scene, handler)) for method, path, handler in routes]


async def _answered(scene: Scene, handler: _Handler, request: web.Request) -> web.Response:
    try:
        body, status = await handler(scene, request), HTTPStatus.OK
    except KeyError as error:
        body, status = {"error": f"unknown: {error}"}, HTTPStatus.NOT_FOUND
    except ImpossibleAction as error:
        body, status = {"error": str(error)}, HTTPStatus.CONFLICT
    except (TypeError, ValueError) as error:
        body, status = {"error": str(error)}, HTTPStatus.BAD_REQUEST
    return web.json_response(body, status=status, dumps=partial(json.dumps, default=_in_json))


async def _push(scene: Scene, request: web.Request) -> Json:
    return {"update": scene.push(await request.json())}


async def _pending(scene: Scene, _request: web.Request) -> Json:
    return {"pending": scene.pending_updates}


async def _sent(scene: Scene, request: web.Request) -> Json:
    after = max(int(request.query.get("after", "0")), 0)
    wait_s = min(float(request.query.get("wait_s", "0")), _WAIT_MAX_S)
    with suppress(TimeoutError):
        await scene.wait_for(lambda sent: len(sent) > after, timeout_s=wait_s)
    return {"sent": [asdict(sent) for sent in scene.sent[after:]], "next": len(scene.sent)}


async def _violations(scene: Scene, _request: web.Request) -> Json:
    return {"violations": [asdict(violation) for violation in scene.violations]}


async def _add_fault(scene: Scene, request: web.Request) -> Json:
    scene.faults.add(**await request.json())
    return {"result": None}


async def _clear_faults(scene: Scene, _request: web.Request) -> Json:
    scene.faults.clear()
    return {"result": None}


async def _add_user(scene: Scene, request: web.Request) -> Json:
    return {"result": scene.user(**await request.json()).id}


async def _add_group(scene: Scene, request: web.Request) -> Json:
    return {"result": scene.group(**await request.json()).id}


async def _user_acts(scene: Scene, request: web.Request) -> Json:
    action = _USER_ACTIONS[request.match_info["action"]]
    user = scene.known_user(int(request.match_info["id"]))
    return {"result": action(user, **await _keywords(scene, request))}


async def _group_acts(scene: Scene, request: web.Request) -> Json:
    action = _GROUP_ACTIONS[request.match_info["action"]]
    group = scene.known_group(int(request.match_info["id"]))
    result = action(group, **await _keywords(scene, request))
    return {"result": result.id if isinstance(result, Group) else result}


async def _keywords(scene: Scene, request: web.Request) -> Json:
    keywords: Json = await request.json() if request.can_read_body else {}
    for name in keywords.keys() & {"chat", "group"}:
        keywords[name] = scene.known_group(keywords[name])
    if "by" in keywords:
        keywords["by"] = scene.known_user(keywords["by"])
    return keywords


def _in_json(value: object) -> str:
    # Uploaded files: their size is what a reader in another process can use.
    return f"{len(value)} bytes" if isinstance(value, bytes) else str(value)
