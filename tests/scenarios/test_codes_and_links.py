"""A campaign with a code and a button, from its pool to the till: sent over Telegram's protocol, clicked, redeemed once."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import aiohttp

from channels.simulators.telegram import Sent, TelegramSimulator
from tests.scenarios.bytescan import scan
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import by_polling, free_port, until_async

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
)
SHOP, RULES = "https://tea.example/618?from=siyu", "https://tea.example/rules"
FORM = f"""\
name: 618
audience: {{all: true}}
when: now
codes: tea
content:
  text: "{{{{ name }}}}, your code: {{{{ code }}}}, see {RULES}."
  buttons:
    - {{label: "Look", url: "{SHOP}"}}
"""
CODES = ("CANARY-4711", "CANARY-4712")


def with_code(sent: Sequence[Sent]) -> list[Sent]:
    return [one for one in sent if "your code: " in (one.text or "")]


def button_url(sent: Sent) -> str:
    markup = cast(dict[str, list[list[dict[str, str]]]], sent.params["reply_markup"])
    return markup["inline_keyboard"][0][0]["url"]


async def followed(url: str, agent: str = PHONE) -> tuple[int, str | None]:
    """Where somebody is sent who follows a link."""
    async with (
        aiohttp.ClientSession(headers={"User-Agent": agent}) as phone,
        phone.get(url, allow_redirects=False) as answer,
    ):
        return answer.status, answer.headers.get("Location")


async def test_a_code_is_handed_out_its_link_clicked_and_the_code_redeemed_once(
    installs: Installs, telegram: TelegramSimulator, tmp_path: Path
) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    siyu = installs({**by_polling(telegram), "SIYU_PUBLIC_URL": address}, port=port)
    form, file = tmp_path / "june.yaml", tmp_path / "codes.csv"
    form.write_text(FORM, "utf8")
    file.write_text("\n".join(("code", *CODES)), "utf8")
    added = await siyu.siyu("codes", "add", "tea", str(file), "--expires", "2099-12-31")
    assert (added.code, added.out) == (0, "2 codes added to the pool tea: 2 are left.\n")
    again = await siyu.siyu("codes", "add", "tea", str(file))
    assert (again.code, again.out.splitlines()[0]) == (2, "line 2: this code is in the pool tea already")

    await siyu.start()
    telegram.user(1, "Ada").starts()

    async def known() -> bool:
        return len(await siyu.ask("customers", json=True)) == 1

    await until_async(known)
    launched = await siyu.siyu("campaign", "launch", str(form), "--yes")
    assert launched.code == 0, launched
    (sent,) = await telegram.wait_for(with_code, timeout_s=30)
    await until_async(siyu.settled)

    text = str(sent.text)
    rules, button = text.partition("see ")[2].removesuffix("."), button_url(sent)
    assert text == f"Ada, your code: {CODES[0]}, see {rules}."
    assert rules.startswith(f"{address}/l/")
    assert button.startswith(f"{address}/l/")
    (started,) = [e for e in await siyu.events("delivery-started") if e["data"].get("code")]
    assert started["data"]["rendered"].startswith(text)
    assert started["data"]["code"] == CODES[0]

    assert await followed(rules, "TelegramBot (like TwitterBot)") == (302, RULES)
    assert await siyu.events("delivery-confirmed") == []
    assert await followed(rules) == (302, RULES)
    assert await followed(button) == (302, SHOP)
    assert await followed(f"{button[:-1]}{'A' if button[-1] != 'A' else 'B'}") == (404, None)
    (clicked,) = await siyu.events("delivery-confirmed")
    assert (clicked["stream"], clicked["data"]["how"]) == (started["stream"], "clicked")

    assert await siyu.do("/codes") == (
        "tea: 1 left of 2, 1 given out, 0 redeemed (they count until 2100-01-01 00:00 Asia/Shanghai)"
    )
    assert (await siyu.do(f"/redeem {CODES[0].lower()}")).startswith("Redeemed. The code was given to #1 Ada")
    second = await siyu.siyu("do", f"/redeem {CODES[0]}")
    assert (second.code, second.out.partition(", at ")[0]) == (1, "This code was redeemed already")
    never_given = await siyu.siyu("do", f"/redeem {CODES[1]}")
    assert (never_given.code, never_given.out) == (1, "This is no code that we gave to anybody.\n")
    assert len(await siyu.events("coupon-redeemed")) == 1
    assert (await siyu.siyu("codes", "list")).out == "tea: 1 left of 2, 1 given out, 1 redeemed\n"

    assert await siyu.stop() == 0
    assert scan({code: code for code in CODES}, *siyu.folder.glob("log.db*")) == {}
