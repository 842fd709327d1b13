"""What others ask of an account: whether it works, its followers, tags, QR codes and menu."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Literal
from urllib.parse import quote

from channels.wechat.calls import Calls, Json
from channels.wechat.errors import NOT_AUTHORISED_REASON
from channels.wechat.limits import OPENIDS_TAGGED
from domain.errors import OutcomeUnknown, PermanentFailure

QR_CODE_IMAGE: Final = "https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket="
_NO_MENU: Final = 46003
_NOBODY: Final = "nobody"
_TO_NOBODY: Final = {"touser": _NOBODY, "msgtype": "text", "text": {"content": "-"}}
_SHORTEST_QR_CODE_S: Final = 60


@dataclass(frozen=True, slots=True)
class AccountTag:
    """A tag of the account's, with how many have it."""

    id: int
    name: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Follower:
    """What WeChat tells of somebody; since December 2021 neither name nor picture. All but ``openid`` is empty where not ``follows``.

    ``unionid``: the same person for all accounts of one Open Platform account; None where there is none.
    """

    openid: str
    follows: bool
    unionid: str | None = None
    language: str = ""
    remark: str = ""
    tags: tuple[int, ...] = ()
    since: datetime | None = None
    scene: str = ""


@dataclass(frozen=True, slots=True)
class QrCode:
    """``url``: what the code says. ``image``: where a picture of it is. ``lives_s``: None for ever."""

    ticket: str
    url: str
    image: str
    lives_s: int | None


@dataclass(frozen=True, slots=True)
class Reached:
    """How WeChat's servers reach one of our addresses: ``lost`` is the part of packages that was lost (``0%``)."""

    ip: str
    operator: str
    lost: str


class AccountCalls:
    """Typed calls, each raising what is under SendFailed. ``kind``: a subscription account has no QR codes."""

    def __init__(self, calls: Calls, kind: Literal["subscription", "service"]) -> None:
        self._calls, self._kind = calls, kind

    # --- whether it works -----------------------------------------------------------------------------------------

    async def check_token(self) -> None:
        """Return where AppID, AppSecret and our address are right."""
        await self.callback_addresses()

    async def callback_addresses(self) -> tuple[str, ...]:
        """Return the addresses that callbacks come from."""
        return _texts(await self._calls.get("getcallbackip"), "ip_list")

    async def check_callback(self) -> tuple[Reached, ...]:
        """Return how WeChat's servers reach the address that is saved in its console."""
        answer = await self._calls.post("callback/check", {"action": "all", "check_operator": "DEFAULT"})
        return tuple(
            Reached(
                str(one.get("ip", "")), str(one.get("from_operator", "")), str(one.get("package_loss", ""))
            )
            for one in _objects(answer, "ping")
        )

    async def may_use(self) -> Mapping[str, bool]:
        """Return which APIs the account may use: ``message``, ``template``, ``tags``, ``follower``, ``qr-code``, ``menu``.

        Each is asked for something that changes nothing (a message to nobody, a code that ends in a minute); 48001 is the answer where
        it is not allowed, anything else where it is. Raises TemporaryFailure, OutcomeUnknown where that cannot be told now.
        """
        asked: Mapping[str, Callable[[], Awaitable[object]]] = {
            "message": partial(self._calls.post, "message/custom/send", _TO_NOBODY),
            "template": partial(self._calls.post, "message/template/send", _TO_NOBODY),
            "tags": self.tags,
            "follower": partial(self._calls.get, "user/info", {"openid": _NOBODY}),
            "qr-code": partial(self.qr_code, "check", _SHORTEST_QR_CODE_S),
            "menu": self.menu,
        }
        return {name: await _allowed(ask) for name, ask in asked.items()}

    # --- followers and tags ---------------------------------------------------------------------------------------

    async def follower(self, openid: str) -> Follower:
        """Return what WeChat tells of somebody."""
        told = await self._calls.get("user/info", {"openid": openid, "lang": "zh_CN"})
        if not told.get("subscribe"):
            return Follower(openid, follows=False)
        since = told.get("subscribe_time")
        return Follower(
            openid,
            follows=True,
            unionid=str(told["unionid"]) if told.get("unionid") else None,
            language=str(told.get("language", "")),
            remark=str(told.get("remark", "")),
            tags=_numbers(told, "tagid_list"),
            since=datetime.fromtimestamp(since, UTC) if isinstance(since, int) else None,
            scene=str(told.get("qr_scene_str", "")),
        )

    async def remark(self, openid: str, remark: str) -> None:
        """Set what the account's operators call somebody: fewer than 30 characters."""
        await self._calls.post("user/info/updateremark", {"openid": openid, "remark": remark})

    async def tags(self) -> tuple[AccountTag, ...]:
        """Return the account's tags."""
        answer = await self._calls.get("tags/get")
        return tuple(
            AccountTag(int(one["id"]), str(one.get("name", "")), int(one.get("count", 0)))
            for one in _objects(answer, "tags")
            if isinstance(one.get("id"), int)
        )

    async def create_tag(self, name: str) -> AccountTag:
        """Make a tag; its name is at most 30 bytes. WeChat refuses one that exists (errcode-45157)."""
        answer = await self._calls.post("tags/create", {"tag": {"name": name}})
        made = answer.get("tag")
        if not isinstance(made, dict) or not isinstance(made.get("id"), int):
            raise OutcomeUnknown("garbage")
        return AccountTag(made["id"], str(made.get("name", name)))

    async def rename_tag(self, tag: int, name: str) -> None:
        """Give a tag another name."""
        await self._calls.post("tags/update", {"tag": {"id": tag, "name": name}})

    async def delete_tag(self, tag: int) -> None:
        """Take a tag from everybody, and away."""
        await self._calls.post("tags/delete", {"tag": {"id": tag}})

    async def tag(self, tag: int, openids: Sequence[str]) -> None:
        """Give people a tag, 50 a call: who has it already keeps it."""
        await self._members("tags/members/batchtagging", tag, openids)

    async def untag(self, tag: int, openids: Sequence[str]) -> None:
        """Take a tag from people, 50 a call."""
        await self._members("tags/members/batchuntagging", tag, openids)

    async def tags_of(self, openid: str) -> tuple[int, ...]:
        """Return somebody's tags."""
        return _numbers(await self._calls.post("tags/getidlist", {"openid": openid}), "tagid_list")

    async def tagged(self, tag: int) -> AsyncIterator[Sequence[str]]:
        """Yield who has a tag, call by call, up to 10,000 of them."""
        after = ""
        while True:
            page = await self._calls.post("user/tag/get", {"tagid": tag, "next_openid": after})
            data = page.get("data")
            openids = _texts(data, "openid") if isinstance(data, dict) else ()
            if not openids:
                return
            yield openids
            if openids[-1] == after:
                return
            after = openids[-1]

    # --- QR codes and the menu ------------------------------------------------------------------------------------

    async def qr_code(self, scene: str, lives_s: int | None = None) -> QrCode:
        """Make a code that tells us its ``scene`` (at most 64 characters); ``lives_s``: up to 30 days, None: for ever (100,000 such)."""
        if self._kind == "subscription":
            raise PermanentFailure(NOT_AUTHORISED_REASON)
        asked: Json = {"action_info": {"scene": {"scene_str": scene}}}
        if lives_s is None:
            asked |= {"action_name": "QR_LIMIT_STR_SCENE"}
        else:
            asked |= {"action_name": "QR_STR_SCENE", "expire_seconds": lives_s}
        answer = await self._calls.post("qrcode/create", asked)
        ticket, lives = str(answer.get("ticket", "")), answer.get("expire_seconds")
        return QrCode(
            ticket,
            str(answer.get("url", "")),
            f"{QR_CODE_IMAGE}{quote(ticket, safe='')}",
            lives if isinstance(lives, int) and lives_s is not None else None,
        )

    async def create_menu(self, buttons: Sequence[Mapping[str, Any]]) -> None:
        """Show a menu instead of what was shown before: up to 3 buttons with up to 5 below each, as WeChat's documents write them."""
        await self._calls.post("menu/create", {"button": list(buttons)})

    async def menu(self) -> tuple[Json, ...]:
        """Return the buttons of the menu, none where there is no menu."""
        answer = await self._calls.get("menu/get", but=(_NO_MENU,))
        menu = answer.get("menu")
        return _objects(menu, "button") if isinstance(menu, dict) else ()

    async def delete_menu(self) -> None:
        """Take the menu away."""
        await self._calls.get("menu/delete")

    async def _members(self, api: str, tag: int, openids: Sequence[str]) -> None:
        for start in range(0, len(openids), OPENIDS_TAGGED):
            some = list(openids[start : start + OPENIDS_TAGGED])
            await self._calls.post(api, {"tagid": tag, "openid_list": some})


async def _allowed(ask: Callable[[], Awaitable[object]]) -> bool:
    try:
        await ask()
    except PermanentFailure as refusal:
        return refusal.reason != NOT_AUTHORISED_REASON
    return True


def _objects(answer: Json, name: str) -> tuple[Json, ...]:
    return tuple(one for one in _listed(answer, name) if isinstance(one, dict))


def _texts(answer: Json, name: str) -> tuple[str, ...]:
    return tuple(one for one in _listed(answer, name) if isinstance(one, str))


def _numbers(answer: Json, name: str) -> tuple[int, ...]:
    return tuple(one for one in _listed(answer, name) if isinstance(one, int))


def _listed(answer: Json, name: str) -> list[Any]:
    value = answer.get(name)
    return value if isinstance(value, list) else []
