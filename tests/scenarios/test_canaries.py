"""X11, as far as it goes here: what customers say and are called, and every secret, stays where it belongs.

Two places hold secrets because somebody put them there: ``siyu.toml``, where an account was connected instead of set in the
environment, and the page at /connect, which shows WeChat's token and key to whoever has its link; neither is made here.
"""

import base64
import json
from pathlib import Path

from channels.simulators import wechat
from channels.simulators.telegram import FaultKind, TelegramSimulator
from channels.simulators.wechat import (
    OfficialAccount,
    OfficialAccountUser,
    WeChatSimulator,
)
from channels.simulators.wechat.callback_faults import FORGERIES
from channels.simulators.wechat.media import SAMPLE_IMAGE
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import SECRET, Installation, by_webhook, free_port, until_async
from tests.scenarios.visitor import Visitor
from tests.scenarios.visits import HEADER, deliver, get, post, update
from tests.scenarios.wechat_account import of_wechat, webhook_at

TOKEN = "7310925846:AAcanary-Token_of-the-bot-0123456789"
PERSONAL = {
    "a text": "canary-text-zq81 我的电话",
    "a text in a group": "canary-group-text-zq82",
    "an edited text": "canary-edit-zq83",
    "a name": "Canaryna Zq84 金丝雀",
    "a user name": "canary_user_zq85",
    "an external id": "5839201746",
    "a group's title": "Canary Club Zq86",
    "a group's id": "1006275839412",
    "a note": "canary-note-zq87",
    "an answer": "canary-reply-zq88",
    "a broadcast": "canary-offer-zq89",
    "a caption": "canary-caption-zq90",
    "a web visitor's text": "canary-web-zq91",
}
SECRETS = {"the token": TOKEN, "the webhook's secret": SECRET}
IN_WECHAT = {
    "a text": "canary-wechat-text-zq71 我的地址",
    "an openid": "oCanary_Zq72-follower",
    "an answer": "canary-wechat-reply-zq73",
    "a note": "canary-wechat-note-zq74",
}
PLACE = "canary-wechat-place-zq75"
FILE = "canary-in-a-picture-zq76"
ACCOUNT = OfficialAccount(
    app_secret="canary-app-secret-zq77-canary-zq",
    token="canaryTokenZq78",
    aes_key="CanaryEncodingAESKeyZq79CanaryEncodingAESKe",
)


def forms(text: str) -> set[bytes]:
    """Every way in which a text may lie in a file."""
    utf8 = text.encode()
    escaped = json.dumps(text)[1:-1].encode()
    encoded = {base64.b64encode(b" " * shift + utf8)[4 * bool(shift) : -4] for shift in range(3)}
    wide = {text.encode("utf-16-le"), text.encode("utf-16-be")}
    return {utf8, escaped, utf8.hex().encode(), utf8.hex().upper().encode(), *wide, *encoded}


def found(content: bytes, canaries: dict[str, str]) -> set[str]:
    """Return which canaries can be read in some bytes."""
    return {name for name, text in canaries.items() if any(form in content for form in forms(text))}


def content_of(folder: Path, *patterns: str) -> bytes:
    """Return all bytes of the files that match."""
    files = [file for pattern in patterns for file in folder.glob(pattern) if file.is_file()]
    assert files
    return b"\0".join(file.read_bytes() for file in files)


async def live_through_everything(siyu: Installation, telegram: TelegramSimulator) -> str:
    """Let every canary pass, on good days and bad; returns a web visitor's token."""
    ada = telegram.user(int(PERSONAL["an external id"]), PERSONAL["a name"], PERSONAL["a user name"])
    club = telegram.group(-int(PERSONAL["a group's id"]), PERSONAL["a group's title"])
    message = ada.says(PERSONAL["a text"])
    ada.edits(message["message_id"], PERSONAL["an edited text"])
    ada.sends_photo(PERSONAL["a caption"])
    ada.joins(club)
    ada.says(PERSONAL["a text in a group"], chat=club)
    await telegram.wait_for(bool)
    await siyu.do(f"/note #1 {PERSONAL['a note']}")
    await siyu.do(f"/broadcast all {PERSONAL['a broadcast']}", yes=True)
    await telegram.wait_for(lambda sent: any(s.text == PERSONAL["a broadcast"] for s in sent))
    for kind in (
        FaultKind.RESET_AFTER,
        FaultKind.GARBAGE,
        FaultKind.SERVER_ERROR_AFTER,
        FaultKind.RATE_LIMITED,
    ):
        telegram.faults.add(kind=kind)
        await siyu.do(f"/reply #1 {PERSONAL['an answer']}")
        await until_async(siyu.settled)
    await siyu.siyu("do", f"/send {PERSONAL['a user name']}")
    for body in (b"{", json.dumps(update(1, PERSONAL["a text"])).encode()[:-3]):
        assert await post(siyu, body) == 400
    wrong = {HEADER: f"{SECRET}-guessed"}
    assert await post(siyu, json.dumps(update(2, PERSONAL["a text"])).encode(), wrong) == 401
    assert await deliver(siyu, {"update_id": 3, "message": {"text": PERSONAL["a text"], "chat": []}}) == 200
    async with Visitor(siyu.address) as visitor:
        await visitor.says(PERSONAL["a web visitor's text"])
        await visitor.hears_until_shown(1)
    await until_async(siyu.settled)
    assert visitor.token is not None
    return visitor.token


async def test_canaries_are_in_the_views_and_nowhere_else(
    telegram: TelegramSimulator, installs: Installs
) -> None:
    telegram.token = TOKEN
    port = free_port()
    siyu = installs(by_webhook(telegram, port), port=port)
    await siyu.start()
    visitors_token = await live_through_everything(siyu, telegram)
    secrets = {**SECRETS, "a web visitor's token": visitors_token}
    status, metrics = await get(f"{siyu.address}/metrics")
    told_by_metrics = found(metrics.encode(), PERSONAL | secrets)
    running = content_of(siyu.folder, "log.db*", "keys.db*", "master.key", "siyu.*")
    assert await siyu.stop() == 0

    stored = content_of(siyu.folder, "log.db*", "keys.db*", "master.key", "siyu.*")
    views = content_of(siyu.folder, "views.db*")
    printed = b"".join(file.read_bytes() for file in siyu.folder.parent.glob("*-output/*-run.*"))
    assert (status, told_by_metrics) == (200, set())
    assert found(running + stored, PERSONAL | secrets) == set()
    assert found(printed, PERSONAL | secrets) == set()
    assert found(views, secrets) == set()
    assert found(views, PERSONAL) == set(PERSONAL)  # the scanner works


async def live_in_wechat(siyu: Installation, account: WeChatSimulator, mei: OfficialAccountUser) -> str:
    """Let every canary pass over WeChat, on good days and bad; returns what WeChat calls the picture."""
    await mei.says(IN_WECHAT["a text"]).finished()
    sent = mei.sends_image(SAMPLE_IMAGE + FILE.encode())
    await mei.sends_location(30.25, 120.15, label=PLACE).finished()
    await siyu.do(f"/note #1 {IN_WECHAT['a note']}")
    for kind in (wechat.FaultKind.GARBAGE, wechat.FaultKind.INVALID_TOKEN, wechat.FaultKind.RESET_AFTER):
        account.faults.add(kind=kind, path="message/custom/send")
        await mei.says("and?").finished()
        await siyu.do(f"/send #1 {IN_WECHAT['an answer']}")
        await until_async(siyu.settled)
    for forgery in FORGERIES:
        account.callback_faults.add(kind=forgery)
        await mei.says(IN_WECHAT["a text"]).finished()
    await account.checks_url(genuine=False)

    async def kept() -> bool:
        return bool(await siyu.events("media-kept"))

    await until_async(kept)
    return sent.xml.decode().partition("<MediaId><![CDATA[")[2].partition("]]>")[0]


async def test_canaries_of_wechat_are_in_the_views_and_nowhere_else(installs: Installs) -> None:
    port = free_port()
    ACCOUNT.webhook_url = webhook_at(port)
    async with WeChatSimulator(ACCOUNT) as account:
        siyu = installs(of_wechat(account), port=port)
        await siyu.start()
        picture = await live_in_wechat(siyu, account, account.user(IN_WECHAT["an openid"]))
        access = account.tokens.stable(forced=False)["access_token"]
        status, metrics = await get(f"{siyu.address}/metrics")
        health = (await siyu.siyu("doctor")).out
        assert await siyu.stop() == 0

    secrets = {
        "the AppSecret": ACCOUNT.app_secret,
        "the Token": ACCOUNT.token,
        "the EncodingAESKey": ACCOUNT.aes_key,
        "the access token": access,
    }
    # Details of messages, and files, are in no view.
    unseen = {"a picture's id": picture, "a picture": FILE, "a place": PLACE}
    told = "\n".join([metrics, health, *(str(file) for file in siyu.folder.rglob("*"))])
    views = content_of(siyu.folder, "views.db*")
    others = [file for file in siyu.folder.rglob("*") if file.is_file() and "views.db" not in file.name]
    stored = b"\0".join(file.read_bytes() for file in others)
    assert status == 200
    assert {"log.db", "keys.db", "master.key"} < {file.name for file in others}
    assert len(list((siyu.folder / "media").rglob("*"))) > 0
    assert found(told.encode() + stored + siyu.output, IN_WECHAT | unseen | secrets) == set()
    assert found(views, unseen | secrets) == set()
    assert found(views, IN_WECHAT) == set(IN_WECHAT)
