"""Control over HTTP, for a test or a demo in another process, and a page for a person. Everything else is JSON.

    GET /                                    the page: a phone, and what the account did
    GET /control/users                       {"users": [...]}
    POST /control/users                      `user(...)` with these keywords: {"result": its openid}
    POST /control/users/{openid}/{action}    an action of `OfficialAccountUser` with these keywords, files in base64:
                                             {"result": {"xml": what is posted}}, at once
    GET /control/users/{openid}/screen       {"screen": [what they were shown]}
    GET /control/sent?after=N&wait_s=S       {"sent": [...], "next": M}, without the first N; waits S s for one
    GET /control/requests?after=N            {"requests": [...], "next": M}
    GET /control/calls?path=P                {"calls": how often}
    PATCH /control/account                   set what `OfficialAccount` has: {"result": the settings that may be seen}
    POST /control/check-url                  the GET with echostr: {"result": EchoCheck}
    POST, DELETE /control/faults             `Faults.add` with these keywords; none waits any more
    POST, DELETE /control/callback-faults    `CallbackFaults.add`; the same

400 for wrong keywords, 404 for an unknown person or action, 409 for what cannot be done.
"""

import base64
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, fields
from functools import partial
from http import HTTPStatus
from typing import Final

from aiohttp import web

from channels.simulators.wechat.actors import OfficialAccountUser, person_as_json
from channels.simulators.wechat.page import PAGE
from channels.simulators.wechat.scene import Scene
from channels.simulators.wechat.settings import OfficialAccount
from channels.simulators.wechat.shapes import Json
from channels.simulators.wechat.webhook import Callback
from channels.simulators.wechat.world import ImpossibleAction

_WAIT_MAX_S: Final = 30.0
_SECRETS: Final = frozenset({"app_secret", "token", "aes_key"})
_SETS: Final = frozenset({"white_list", "unauthorised", "templates"})

_ACTIONS: Final[dict[str, Callable[..., Callback]]] = {
    "says": OfficialAccountUser.says,
    "sends_image": OfficialAccountUser.sends_image,
    "sends_voice": OfficialAccountUser.sends_voice,
    "sends_video": OfficialAccountUser.sends_video,
    "sends_short_video": OfficialAccountUser.sends_short_video,
    "sends_location": OfficialAccountUser.sends_location,
    "sends_link": OfficialAccountUser.sends_link,
    "taps": OfficialAccountUser.taps,
    "subscribes": OfficialAccountUser.subscribes,
    "unsubscribes": OfficialAccountUser.unsubscribes,
    "scans": OfficialAccountUser.scans,
    "clicks": OfficialAccountUser.clicks,
    "views": OfficialAccountUser.views,
    "answers_popup": OfficialAccountUser.answers_popup,
    "withdraws": OfficialAccountUser.withdraws,
}

_Handler = Callable[[Scene, web.Request], Awaitable[Json]]


def control_routes(scene: Scene) -> list[web.RouteDef]:
    routes: tuple[tuple[str, str, _Handler], ...] = (
        ("GET", "/control/users", _users),
        ("POST", "/control/users", _add_user),
        ("GET", "/control/users/{openid}/screen", _screen),
        ("POST", "/control/users/{openid}/{action}", _user_acts),
        ("GET", "/control/sent", _sent),
        ("GET", "/control/requests", _requests),
        ("GET", "/control/calls", _calls),
        ("PATCH", "/control/account", _set_account),
        ("POST", "/control/check-url", _check_url),
        ("POST", "/control/faults", _add_fault),
        ("DELETE", "/control/faults", _clear_faults),
        ("POST", "/control/callback-faults", _add_callback_fault),
        ("DELETE", "/control/callback-faults", _clear_callback_faults),
    )
    controls = [
        web.route(method, path, partial(_answered, scene, handler)) for method, path, handler in routes
    ]
    return [web.get("/", _page), *controls]


async def _answered(scene: Scene, handler: _Handler, request: web.Request) -> web.Response:
    try:
        body, status = await handler(scene, request), HTTPStatus.OK
    except KeyError as error:
        body, status = {"error": f"unknown: {error}"}, HTTPStatus.NOT_FOUND
    except ImpossibleAction as error:
        body, status = {"error": str(error)}, HTTPStatus.CONFLICT
    except (TypeError, ValueError) as error:
        body, status = {"error": str(error)}, HTTPStatus.BAD_REQUEST
    return web.json_response(body, status=status, dumps=_dumped)


def _dumped(body: object) -> str:
    return json.dumps(body, default=_in_json, ensure_ascii=False)


def _in_json(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return sorted(value) if isinstance(value, set) else str(value)


async def _page(_request: web.Request) -> web.Response:
    return web.Response(text=PAGE, content_type="text/html")


async def _users(scene: Scene, _request: web.Request) -> Json:
    return {"users": [person_as_json(user.person) for user in scene.users]}


async def _add_user(scene: Scene, request: web.Request) -> Json:
    return {"result": scene.user(**await request.json()).openid}


async def _screen(scene: Scene, request: web.Request) -> Json:
    return {"screen": [asdict(shown) for shown in scene.known_user(request.match_info["openid"]).screen]}


async def _user_acts(scene: Scene, request: web.Request) -> Json:
    action = _ACTIONS[request.match_info["action"]]
    user = scene.known_user(request.match_info["openid"])
    keywords: Json = await request.json() if request.can_read_body else {}
    if "content" in keywords:
        keywords["content"] = base64.b64decode(keywords["content"], validate=True)
    return {"result": {"xml": action(user, **keywords).xml.decode()}}


async def _sent(scene: Scene, request: web.Request) -> Json:
    after = max(int(request.query.get("after", "0")), 0)
    wait_s = min(float(request.query.get("wait_s", "0")), _WAIT_MAX_S)
    with suppress(TimeoutError):
        await scene.wait_for(lambda sent: len(sent) > after, timeout_s=wait_s)
    return {"sent": [asdict(sent) for sent in scene.sent[after:]], "next": len(scene.sent)}


async def _requests(scene: Scene, request: web.Request) -> Json:
    after = max(int(request.query.get("after", "0")), 0)
    return {"requests": [asdict(call) for call in scene.requests[after:]], "next": len(scene.requests)}


async def _calls(scene: Scene, request: web.Request) -> Json:
    return {"calls": scene.calls(request.query.get("path", ""))}


async def _set_account(scene: Scene, request: web.Request) -> Json:
    known = {setting.name for setting in fields(OfficialAccount)}
    for name, value in (await request.json()).items():
        if name not in known:
            raise ValueError(f"an account has no setting {name!r}")
        setattr(scene.account, name, set(value) if name in _SETS and value is not None else value)
    return {"result": {name: getattr(scene.account, name) for name in sorted(known - _SECRETS)}}


async def _check_url(scene: Scene, _request: web.Request) -> Json:
    return {"result": asdict(await scene.checks_url())}


async def _add_fault(scene: Scene, request: web.Request) -> Json:
    scene.faults.add(**await request.json())
    return {"result": None}


async def _clear_faults(scene: Scene, _request: web.Request) -> Json:
    scene.faults.clear()
    return {"result": None}


async def _add_callback_fault(scene: Scene, request: web.Request) -> Json:
    scene.callback_faults.add(**await request.json())
    return {"result": None}


async def _clear_callback_faults(scene: Scene, _request: web.Request) -> Json:
    scene.callback_faults.clear()
    return {"result": None}
