"""Connecting a WeChat Official Account, step by step.

Where settings lie in WeChat's console, and what an address must be: developers.weixin.qq.com, "公众号与服务号", "消息推送配置"
(2026-11-22).
"""

import ipaddress
import secrets
import string
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from channels.connecting import (
    PUBLIC_URL,
    Ask,
    Check,
    Failed,
    Ground,
    Guide,
    Outcome,
    Passed,
    Step,
    Waiting,
    refused,
    say,
)
from channels.wechat.adapter import WeChatAdapter
from channels.wechat.calls import Calls
from channels.wechat.errors import VENDOR_ERRORS
from channels.wechat.health import Health
from channels.wechat.identity import WECHAT_CHANNEL
from channels.wechat.settings import WECHAT, Settings, read_settings, setting
from domain.errors import BadSettings, PermanentFailure, SendFailed
from domain.identity import Account

ANSWER_WITHIN_S: Final = 8.0
TOKEN_CHARS: Final = 24
AES_KEY_CHARS: Final = 43
NOBODY: Final = "siyu-asks-whether-it-may"
"""An openid that nobody has: an API that the account may use answers that, others 48001, and nothing is sent."""
QR_CODE_LIVES_S: Final = 60
UNKNOWN_APP_ID: Final = frozenset({40013, 41002})
_ALPHANUMERIC: Final = string.ascii_letters + string.digits
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

Call = Callable[[Calls], Awaitable[object]]


async def has_its_form(settings: Mapping[str, str], ground: Ground) -> Outcome:
    """Look at the settings without asking anybody."""
    for key, advice in (
        ("app_id", say("Fill in the AppID and the AppSecret.")),
        ("app_secret", say("Fill in the AppID and the AppSecret.")),
    ):
        if not settings.get(key):
            return Waiting(advice)
    try:
        read_settings(ground.name, settings)
    except BadSettings as error:
        wrong = (ask.key for ask in GUIDE.asks if setting(ground.name, ask.key.upper()) in str(error))
        return refused(error, next(wrong, None))
    return Passed()


async def is_known(settings: Mapping[str, str], ground: Ground) -> Outcome:
    """Fetch an access token, and use it."""
    account = read_settings(ground.name, settings)
    health = Health(Account(account.app_id), ground.clock)
    try:
        await _call(account, health, lambda calls: calls.get("getcallbackip"))
    except SendFailed as failure:
        return await _unanswered(failure.reason, account, health.state.address, ground)
    return Passed()


async def has_an_address(settings: Mapping[str, str], ground: Ground) -> Outcome:
    """Look whether the public address is one that WeChat takes."""
    if not ground.public_url:
        return Waiting(say("Fill in the public address: https:// and a domain that leads to Siyu."))
    if settings.get("api_base", WECHAT).rstrip("/") == WECHAT:
        wrong = _fault_of(ground.public_url)
        if wrong is not None:
            return Failed(wrong, {"url": ground.public_url}, PUBLIC_URL)
    return Passed(say("URL: {url}"), {"url": _url(ground)})


async def was_checked(_settings: Mapping[str, str], ground: Ground) -> Outcome:
    """Wait for the check that WeChat makes when the server configuration is saved."""
    adapter = ground.adapter
    if isinstance(adapter, WeChatAdapter) and adapter.heard.echo_at is not None:
        return Passed()
    if await _was_called(ground):
        return Passed(say("messages come already"))
    advice = say(
        "In WeChat's console (developers.weixin.qq.com, your account, 消息推送配置; "
        "or mp.weixin.qq.com, 设置与开发, 开发接口管理) enter URL {url}, "
        "the Token and the EncodingAESKey, choose safe mode (安全模式) and XML, and save."
    )
    return Waiting(advice, {"url": _url(ground)})


async def was_written_to(_settings: Mapping[str, str], ground: Ground) -> Outcome:
    """Wait for the first encrypted message."""
    if await _was_called(ground):
        return Passed()
    return Waiting(
        say(
            "Enable the server configuration (启用), then follow the account and write to it. "
            "If nothing comes, look whether safe mode is chosen."
        )
    )


def may(call: Call, without: str) -> Check:
    """Return a check whether the account may use an API; ``without``: what does not work without it."""

    async def check(settings: Mapping[str, str], ground: Ground) -> Outcome:
        account = read_settings(ground.name, settings)
        try:
            await _call(account, Health(Account(account.app_id), ground.clock), call)
        except PermanentFailure as failure:
            if failure.reason == "not-authorised":
                return Failed(without)
        except SendFailed as failure:
            return Failed(
                say("WeChat does not answer plainly ({reason}): it is tried again."),
                {"reason": failure.reason},
            )
        return Passed()

    return check


async def _was_called(ground: Ground) -> bool:
    adapter = ground.adapter
    if isinstance(adapter, WeChatAdapter):
        if adapter.heard.callback_at is not None:
            return True
        return await ground.heard(WECHAT_CHANNEL, adapter.account)
    return False


def _url(ground: Ground) -> str:
    path = "/webhooks/wechat" if ground.name == "main" else f"/webhooks/wechat/{ground.name}"
    return f"{ground.public_url}{path}"


def _fault_of(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return say("{url} is no address: write it as https://shop.example.com")
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        return say("{url} is no address: write it as https://shop.example.com")
    if port != _DEFAULT_PORTS[parts.scheme]:
        return say(
            "WeChat calls port 80 (http) and 443 (https) only: {url} has another one. Put a web server before Siyu."
        )
    if parts.path.strip("/"):
        return say("{url} has a path: write the domain alone.")
    return (
        None
        if _is_domain(parts.hostname)
        else say("WeChat needs a domain that the internet knows: {url} is none.")
    )


def _is_domain(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." in host and not host.endswith((".local", ".localhost", ".internal"))
    return False


async def _unanswered(reason: str, account: Settings, address: str, ground: Ground) -> Failed:
    match reason:
        case "secret-wrong":
            if await _errcode(account) in UNKNOWN_APP_ID:
                advice = say("WeChat does not know this AppID (40013): copy it again from WeChat's console.")
                return Failed(advice, ask="app_id")
            advice = say(
                "WeChat refuses the AppSecret (40125): reset it in WeChat's console (AppSecret 管理), "
                "where it is shown once, and enter the new one."
            )
            return Failed(advice, ask="app_secret")
        case "address-not-listed":
            advice = say(
                "WeChat refuses calls from this machine (40164): add {address} to the IP white list (API IP 白名单) "
                "in WeChat's console, and wait some minutes."
            )
            return Failed(advice, {"address": address or "?"})
        case "token-refused":
            return Failed(
                say(
                    "WeChat refuses the token that it has just given: is another program using this AppSecret?"
                )
            )
        case "account-frozen":
            return Failed(say("WeChat has frozen the account: see WeChat's console."))
        case "not-found":
            return Failed(
                say("There is no WeChat API at {setting}: check the address."),
                {"setting": setting(ground.name, "API_BASE")},
            )
        case "unreachable" | "timeout" | "token-timeout":
            return Failed(say("WeChat cannot be reached from here: check the network."))
        case _:
            return Failed(
                say("WeChat does not answer plainly ({reason}): it is tried again."), {"reason": reason}
            )


async def _errcode(account: Settings) -> int:
    """Return what the call for a token is refused with: which of the two is wrong is in the code alone."""
    asked = {
        "grant_type": "client_credential",
        "appid": account.app_id,
        "secret": account.app_secret.get_secret_value(),
    }
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)) as session,
            session.post(
                f"{account.api_base}/cgi-bin/stable_token", json=asked, allow_redirects=False
            ) as response,
        ):
            answer: Any = await response.json(content_type=None)
    except (*VENDOR_ERRORS, ValueError):
        return 0
    code = answer.get("errcode") if isinstance(answer, dict) else None
    return code if isinstance(code, int) else 0


async def _call(account: Settings, health: Health, call: Call) -> None:
    calls = Calls(account, health, ANSWER_WITHIN_S)
    try:
        await call(calls)
    finally:
        await calls.close()


def new_token() -> str:
    """Make what WeChat's console calls Token."""
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(TOKEN_CHARS))


def new_aes_key() -> str:
    """Make what WeChat's console calls EncodingAESKey."""
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(AES_KEY_CHARS))


def _validate(name: str, settings: Mapping[str, str], _public_url: str | None) -> object:
    return read_settings(name, settings)


def _api(id_: str, title: str, call: Call, without: str) -> Step:
    return Step(id_, title, may(call, without), needs=("known",), required=False, rarely=True)


_APIS: Final[tuple[Step, ...]] = (
    _api(
        "may-send",
        say("The account may send service messages"),
        lambda calls: calls.post(
            "message/custom/send", {"touser": NOBODY, "msgtype": "text", "text": {"content": "?"}}
        ),
        say("Without it (48001) Siyu can answer within 5 seconds only: have the account verified (认证)."),
    ),
    _api(
        "may-tag",
        say("The account may use tags"),
        lambda calls: calls.get("tags/get"),
        say("Without it (48001) tags stay in Siyu: have the account verified (认证)."),
    ),
    _api(
        "may-know",
        say("The account may ask for its followers"),
        lambda calls: calls.get("user/info", {"openid": NOBODY}),
        say("Without it (48001) nobody is known across accounts: have the account verified (认证)."),
    ),
    _api(
        "may-make-menus",
        say("The account may have a menu"),
        lambda calls: calls.get("menu/get", but=(46003,)),
        say("Without it (48001) there is no menu below the chat: have the account verified (认证)."),
    ),
    _api(
        "may-make-qr-codes",
        say("The account may make QR codes"),
        lambda calls: calls.post(
            "qrcode/create",
            {
                "action_name": "QR_STR_SCENE",
                "expire_seconds": QR_CODE_LIVES_S,
                "action_info": {"scene": {"scene_str": NOBODY}},
            },
        ),
        say(
            "Without it (48001) QR codes cannot tell where somebody came from: it takes a verified service account."
        ),
    ),
    _api(
        "may-send-templates",
        say("The account may send template messages"),
        lambda calls: calls.post(
            "message/template/send", {"touser": NOBODY, "template_id": NOBODY, "data": {}}
        ),
        say(
            "Without it (48001) nobody can be told of an order after 48 hours: it takes a verified service account."
        ),
    ),
)

GUIDE: Final = Guide(
    title=say("WeChat Official Account"),
    about=say("Customers write to your Official Account."),
    warning=say(
        "Enabling the server configuration switches off WeChat's own automatic replies and menu: Siyu takes their place."
    ),
    asks=(
        Ask(
            key="kind",
            title=say("Kind of account"),
            help=say("service: 服务号; subscription: 订阅号 (公众号)."),
            choices=("service", "subscription"),
        ),
        Ask(
            key="app_id",
            title="AppID",
            help=say(
                "In WeChat's console (developers.weixin.qq.com): your account, 基础信息. It begins with wx."
            ),
        ),
        Ask(
            key="app_secret",
            title="AppSecret",
            help=say("There, AppSecret 管理; WeChat shows it once, when it is enabled or reset."),
            secret=True,
        ),
        Ask(
            key=PUBLIC_URL,
            title=say("Public address"),
            help=say("Where WeChat reaches this Siyu: http:// or https:// and a domain, on port 80 or 443."),
        ),
        Ask(key="token", title="Token", help=say("Siyu makes it."), secret=True, make=new_token),
        Ask(key="aes_key", title="EncodingAESKey", help=say("Siyu makes it."), secret=True, make=new_aes_key),
    ),
    steps=(
        Step("settings", say("The settings have their form"), has_its_form),
        Step("known", say("WeChat knows the account"), is_known, needs=("settings",), health=True),
        Step("address", say("WeChat can call the public address"), has_an_address, needs=("settings",)),
        Step(
            "echo",
            say("WeChat checked the address"),
            was_checked,
            needs=("settings", "address"),
            live=True,
        ),
        Step(
            "first-message",
            say("A first encrypted message came"),
            was_written_to,
            needs=("settings", "address"),
            live=True,
        ),
        *_APIS,
    ),
    validate=_validate,
)
