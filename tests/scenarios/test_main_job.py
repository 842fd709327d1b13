"""The main job, end to end: chat -> log -> timeline -> a message at its time, with the real program and Telegram's protocol."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from channels.simulators.telegram import Group, Sent, TelegramSimulator, User
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import Event, Installation, by_polling, by_webhook, free_port, until_async
from tests.scenarios.programs import ColdStart
from tests.scenarios.visitor import Visitor

HELLO = "Hello! Write to us any time; write “help” to see what we can do."
HELP = "Write your question here and we will answer. Write STOP to get no more offers."
PRICE = "价目表：一百元"
WAITED_S = 2
GROUP = -1_002_000_000_001


@dataclass(slots=True)
class Shop:
    """A shop that has opened: its Siyu, and the people around it."""

    siyu: Installation
    telegram: TelegramSimulator
    olga: User
    ada: User
    group: Group

    async def hears(self, whom: User | Group, text: str, times: int = 1) -> Sent:
        """Wait until somebody was sent a text so often, and return the last of them."""

        def found(sent: list[Sent]) -> list[Sent]:
            matching = [one for one in sent if one.chat_id == whom.id and one.text == text]
            return matching if len(matching) >= times else []

        return (await self.telegram.wait_for(found, timeout_s=30))[-1]  # type: ignore[arg-type]

    async def orders(self, line: str) -> Sent:
        """Have the operator give a command in Telegram, and return the answer."""
        before = len(self.told(self.olga))
        self.olga.says(line)
        await self.telegram.wait_for(lambda _: len(self.told(self.olga)) > before, timeout_s=30)
        return self.told(self.olga)[before]

    def told(self, whom: User | Group) -> list[Sent]:
        """What somebody was sent, without the cards about customers who wrote."""
        mine = [one for one in self.telegram.sent if one.chat_id == whom.id and one.method == "sendMessage"]
        return [
            one
            for one in mine
            if not re.match(r"#\d+ .*· (Telegram|Web chat)$", one.text or "", re.MULTILINE)
        ]

    def texts(self, whom: User | Group) -> list[str | None]:
        return [one.text for one in self.told(whom)]


def text(sent: Sent) -> str:
    assert sent.text is not None
    return sent.text


async def opened(siyu: Installation, telegram: TelegramSimulator) -> Shop:
    """Start it, set the rules by the command line, and bind the operator with the printed code."""
    greeting = await siyu.start()
    code = re.search(r"^/bind (\w+)$", greeting, re.MULTILINE)
    assert code is not None, greeting
    assert (await siyu.siyu("do", f"/rule add contains 价格 => {PRICE}")).code == 0
    assert (await siyu.siyu("do", "/rule add contains 价格 => tag:asks-price")).code == 0
    shop = Shop(
        siyu,
        telegram,
        telegram.user(1001, "Olga"),
        telegram.user(1002, "Ada", username="ada_l"),
        telegram.group(GROUP, "Tea friends"),
    )
    await shop.orders(f"/bind {code[1]}")
    await shop.hears(shop.olga, "This account is yours now. /help lists what you can do.")
    return shop


async def the_bot_welcomes_answers_and_tags(shop: Shop) -> None:
    shop.ada.starts()
    await shop.hears(shop.ada, HELLO)
    shop.ada.says("help")
    await shop.hears(shop.ada, HELP)
    shop.ada.says("请问价格是多少？")
    await shop.hears(shop.ada, PRICE)
    assert "#2 Ada" in text(await shop.orders("/find @ada_l"))
    assert "[asks-price]" in text(await shop.orders("/find Ada"))


async def the_operator_tags_notes_and_answers(shop: Shop) -> None:
    assert text(await shop.orders("/tag #2 vip")) == "#2 Ada (telegram @ada_l) has the tag vip now."
    assert text(await shop.orders("/note #2 likes green tea")) == "Noted for #2 Ada (telegram @ada_l)."
    await shop.orders("/reply #2 I can offer you ninety")
    await shop.hears(shop.ada, "I can offer you ninety")
    shop.ada.says("价格 again?")
    await shop.orders("/find again")
    assert shop.texts(shop.ada).count(PRICE) == 1  # a person is talking: the bot is silent
    await shop.orders("/bot #2")
    shop.ada.says("价格 once more?")
    await shop.hears(shop.ada, PRICE, times=2)


async def the_scheduler_sends_at_its_time(shop: Shop) -> None:
    await shop.orders(f"/send #2 --in {WAITED_S}s shall I keep it for you?")
    await shop.hears(shop.ada, "shall I keep it for you?")
    events = await shop.siyu.events()
    stream = [e["stream"] for e in events if e["data"].get("occasion") == "send"][-1]
    planned, started = [e for e in events if e["stream"] == stream][:2]
    assert started["type"] == "delivery-started/1"
    assert planned["data"]["not_before"] <= started["occurred_at"]


async def broadcasts_reach_the_group_and_the_tagged(shop: Shop) -> None:
    shop.ada.joins(shop.group)
    shop.ada.says("hello friends", chat=shop.group)
    await until_async(lambda: seen_in_group(shop))
    asked = await shop.orders(f"/broadcast group:{GROUP} spring tea is here")
    assert "spring tea is here" not in shop.texts(shop.group)
    (button,) = asked.params["reply_markup"]["inline_keyboard"][0]  # type: ignore[index]
    shop.olga.presses(asked, button["callback_data"])
    await shop.hears(shop.group, "spring tea is here")

    draft = await shop.siyu.siyu("do", "/broadcast tag:vip for our best friends")
    assert draft.code == 2  # asked: nothing is sent before somebody says yes
    code = re.search(r"/confirm (\d+)", draft.out)
    assert code is not None, draft
    assert (await shop.siyu.siyu("do", f"/confirm {code[1]}")).code == 0
    await shop.hears(shop.ada, "for our best friends")


async def seen_in_group(shop: Shop) -> bool:
    return any(e["data"].get("group") for e in await shop.siyu.events("message-received"))


async def a_visitor_chats_on_the_web(shop: Shop) -> None:
    async with Visitor(shop.siyu.address) as visitor:
        await visitor.says("价格?")
        await visitor.hears_until_shown(2)
        assert sorted(visitor.shown.values()) == sorted([HELLO, PRICE])
        assert len(visitor.pushed) == 2
        await shop.orders("/send webchat")  # a wrong call shows its usage
        assert "/send CUSTOMER" in text(shop.told(shop.olga)[-1])


async def everything_is_on_the_timeline(shop: Shop) -> list[dict[str, Any]]:
    await until_async(shop.siyu.settled)
    entries: list[dict[str, Any]] = (await shop.siyu.siyu("timeline", "#2", "--json")).lines()
    shown = [(entry["kind"], entry["text"] or entry["value"]) for entry in entries]
    assert [entry for entry in shown if entry[0] != "consented"] == [
        ("message", "/start"),
        ("delivery", HELLO),
        ("message", "help"),
        ("delivery", HELP),
        ("message", "请问价格是多少？"),
        ("delivery", PRICE),
        ("tagged", "vip"),
        ("note", "likes green tea"),
        ("handed-over", None),
        ("delivery", "I can offer you ninety"),
        ("message", "价格 again?"),
        ("returned", None),
        ("message", "价格 once more?"),
        ("delivery", PRICE),
        ("delivery", "shall I keep it for you?"),
        ("joined", None),
        ("message", "hello friends"),
        ("delivery", "for our best friends"),
    ]
    assert {entry["state"] for entry in entries if entry["kind"] == "delivery"} == {"accepted"}
    return entries


async def a_second_process_is_refused(siyu: Installation) -> None:
    refused = await siyu.siyu("run", "--port", "0")
    assert (refused.code, refused.out, refused.err.count("\n")) == (1, "", 1)
    assert refused.err.startswith("siyu: another Siyu (process ")


async def something_is_left_for_later(shop: Shop) -> list[dict[str, Any]]:
    """Plan a message that nobody will be there to send; return the timeline with it."""
    await shop.orders(f"/send #2 --in {WAITED_S}s left over")
    return (await shop.siyu.siyu("timeline", "#2", "--json")).lines()


async def it_ends_cleanly(siyu: Installation) -> None:
    assert await siyu.stop() == 0
    refused = await siyu.siyu("do", "/stats")
    assert refused.code == 1
    assert refused.err == f"siyu: no Siyu runs on {siyu.folder}: start it with siyu run\n"


async def its_export_makes_the_same_installation_that_sends_nothing(
    shop: Shop, copy: Installation, timeline: list[dict[str, Any]], export: Path
) -> None:
    """Import the log elsewhere; the customers there hear nothing, even after sending is resumed."""
    ran = await shop.siyu.siyu("events", "--json")
    export.write_text(ran.out, "utf8")
    exported = ran.lines()
    imported = await copy.siyu("import-events", str(export))
    assert (imported.code, imported.err) == (0, "")
    assert (await copy.siyu("timeline", "#2", "--json")).lines() == timeline

    sent = len(shop.telegram.sent)
    await copy.start()
    assert (await copy.siyu("resume-sending")).out == "messages leave again\n"
    await copy.stop()
    await copy.start()
    shop.ada.says("help")
    await shop.hears(shop.ada, HELP, times=2)  # it works again: and this is all that it sent
    assert [one.text for one in shop.telegram.sent[sent:] if one.method == "sendMessage"] == [HELP]
    again = [e for e in await copy.events() if e["position"] <= len(exported)]
    assert [essence(e) for e in again] == [essence(e) for e in exported]
    assert await copy.stop() == 0


def essence(event: Event) -> str:
    """What an event says, without where and when it was stored."""
    kept = {key: value for key, value in event.items() if key not in {"position", "at", "origin"}}
    return json.dumps(kept, sort_keys=True, ensure_ascii=False)


@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_a_shop_does_its_main_job_from_the_first_message_to_the_export(
    mode: str, telegram: TelegramSimulator, installs: Installs, tmp_path: Path
) -> None:
    port = free_port()
    settings = by_polling(telegram) if mode == "polling" else by_webhook(telegram, port)
    shop = await opened(installs(settings, port=port), telegram)
    await the_bot_welcomes_answers_and_tags(shop)
    await the_operator_tags_notes_and_answers(shop)
    await the_scheduler_sends_at_its_time(shop)
    await broadcasts_reach_the_group_and_the_tagged(shop)
    await a_visitor_chats_on_the_web(shop)
    timeline = await everything_is_on_the_timeline(shop)
    await a_second_process_is_refused(shop.siyu)
    timeline = await something_is_left_for_later(shop)
    await it_ends_cleanly(shop.siyu)
    assert (await shop.siyu.siyu("timeline", "#2", "--json")).lines() == timeline
    copy = installs(settings, name="copy", port=port)
    await its_export_makes_the_same_installation_that_sends_nothing(
        shop, copy, timeline, tmp_path / "export.jsonl"
    )
    assert shop.texts(shop.ada).count("left over") == 0
    assert [one for one in shop.telegram.sent if "Traceback" in (one.text or "")] == []
    assert b"Traceback" not in shop.siyu.output + copy.output


async def test_the_program_runs_from_the_command_line_alone(cold: ColdStart, installs: Installs) -> None:
    siyu = installs({}, programs=cold)
    greeting = await siyu.start()
    assert re.fullmatch(
        r"Siyu runs at (http://127\.0\.0\.1:\d+)\nWeb chat:   \1/chat\n.+\n/bind \w+\n"
        r"Connect a channel \(once, 15 minutes\): \1/connect\S*\n",
        greeting,
    )
    async with Visitor(siyu.address) as visitor:
        await visitor.says("help")
        await visitor.hears_until_shown(2)
    customers = (await siyu.siyu("customers", "--json")).lines()
    assert [(one["number"], len(one["contacts"])) for one in customers] == [(1, 1)]
    assert (await siyu.siyu("verify")).code == 0
    assert await siyu.stop() == 0
    assert (await siyu.siyu("timeline", "#1", "--search", "help")).out.count("\n") == 2
