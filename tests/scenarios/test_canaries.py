"""X11, as far as it goes here: what customers say and are called, and every secret, stays where it belongs."""

import base64
import json
from pathlib import Path

from channels.simulators.telegram import FaultKind, TelegramSimulator
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import SECRET, Installation, by_webhook, free_port, until_async
from tests.scenarios.visitor import Visitor
from tests.scenarios.visits import HEADER, deliver, get, post, update

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
