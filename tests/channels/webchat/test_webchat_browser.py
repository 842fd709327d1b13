"""The page in a real browser, against the real channel."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from domain.conversations.commands import Message, Press
from domain.errors import StoreUnavailable
from domain.identity import MediaId, Slug
from domain.ports.messenger import Attachment
from tests.channels.house import until
from tests.channels.webchat.browser import Browser, Tab
from tests.channels.webchat.house import House, Server, outbound

pytestmark = pytest.mark.nightly

EVIL = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"
LAST_NOTE = "[...document.querySelectorAll('.row.me .meta')].at(-1).textContent"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with Browser() as browser:
        yield browser


@pytest.fixture
async def tab(browser: Browser, server: Server) -> Tab:
    tab = await browser.tab(f"{server.url}/chat")
    await tab.until("document.getElementById('status').dataset.state === 'open'")
    return tab


def said(house: House) -> list[str]:
    return [received.content.text for received in house.taken if isinstance(received.content, Message)]


def visitor(house: House) -> str:
    sender = house.taken[0].sender
    assert sender is not None
    return sender.external_id


async def test_a_customer_writes_and_is_answered_and_finds_it_again_after_a_reload(
    house: House, server: Server, browser: Browser, tab: Tab
) -> None:
    await tab.says("hi")
    await tab.until(f"{LAST_NOTE}.endsWith('Sent')")
    await server.adapter.messenger.send(outbound(visitor(house), "5f1c", "Hello!"))
    await tab.until("document.querySelectorAll('.row.shop').length === 1")
    assert await tab.bubbles() == ["You: hi", "Hello!"]
    await until(lambda: house.confirmations == ["5f1c"])
    await tab.go(f"{server.url}/chat")
    await tab.until("document.querySelectorAll('.row.me').length === 1")
    assert await tab.bubbles() == ["You: hi"]  # this house's history keeps what came in
    assert browser.problems == []


async def test_what_anybody_typed_is_never_markup(
    house: House, server: Server, browser: Browser, tab: Tab
) -> None:
    await tab.says(EVIL)
    await until(lambda: house.taken)
    evil = outbound(
        visitor(house), "5f1c", EVIL + " javascript:alert(1) https://shop.example/a.", (((EVIL, EVIL),),)
    )
    await server.adapter.messenger.send(evil)
    await tab.until("document.querySelectorAll('.choice').length === 1")
    assert (await tab.bubbles())[0] == "You: " + EVIL
    assert await tab.run("document.querySelectorAll('.log img, .log script').length") == 0
    assert await tab.run("[...document.querySelectorAll('.log a')].map(link => link.href)") == [
        "https://shop.example/a"
    ]
    assert await tab.run("document.title") == "Chat with Tea & Co"
    assert browser.problems == []


async def test_a_button_is_pressed_once(house: House, server: Server, tab: Tab) -> None:
    await tab.says("hi")
    await until(lambda: house.taken)
    choices = ((("Yes", "y"), ("No", "n")),)
    await server.adapter.messenger.send(outbound(visitor(house), "5f1c", "Tea?", choices))
    await tab.until("document.querySelectorAll('.choice').length === 2")
    await tab.run("document.querySelector('.choice').click()")
    await until(lambda: len(house.taken) == 2)
    content = house.taken[1].content
    assert isinstance(content, Press)
    assert (content.data, content.provider_message) == ("y", "5f1c")
    assert await tab.run(
        "[...document.querySelectorAll('.choice')].map(b => [b.disabled, b.ariaPressed])"
    ) == [
        [True, "true"],
        [True, "false"],
    ]


async def test_messages_wait_for_the_log_in_their_order_even_over_a_reload(
    house: House, server: Server, tab: Tab
) -> None:
    house.outage = StoreUnavailable("the disk is full")
    for text in ("one", "two", "three"):
        await tab.says(text)
    await tab.until("!document.getElementById('notice').hidden")
    assert await tab.run("document.querySelectorAll('.row.sending').length") == 3
    await tab.go(f"{server.url}/chat")
    await tab.until("document.querySelectorAll('.row.sending').length === 3")
    house.outage = None
    await tab.until("document.querySelectorAll('.row.sending').length === 0")
    assert said(house) == ["one", "two", "three"]
    assert await tab.bubbles() == ["You: one", "You: two", "You: three"]


async def test_a_page_that_was_cut_off_comes_back_by_itself_and_sends_what_waits(
    house: House, server: Server, tab: Tab
) -> None:
    await tab.says("before")
    await until(lambda: house.taken)
    await server.adapter.stop()
    await tab.until("document.getElementById('status').dataset.state === 'closed'")
    await tab.says("meanwhile")
    await server.adapter.start()
    await until(lambda: said(house) == ["before", "meanwhile"])
    await tab.until("document.querySelectorAll('.row.sending').length === 0")
    assert await tab.bubbles() == ["You: before", "You: meanwhile"]


async def test_two_windows_show_the_same_conversation(
    house: House, server: Server, browser: Browser, tab: Tab
) -> None:
    other = await browser.tab(f"{server.url}/chat")
    await other.until("document.getElementById('status').dataset.state === 'open'")
    await tab.says("hi")
    await other.until("document.querySelectorAll('.row.me').length === 1")
    assert await other.bubbles() == await tab.bubbles() == ["You: hi"]


async def test_enter_that_picks_a_chinese_word_does_not_send(house: House, tab: Tab) -> None:
    await tab.run("document.getElementById('text').focus()")
    await tab.call("Input.imeSetComposition", text="nihao", selectionStart=5, selectionEnd=5)
    await tab.presses("Enter", 229)
    await tab.types("你好")
    await tab.presses("Enter", 13)
    await until(lambda: house.taken)
    assert said(house) == ["你好"]


async def test_a_link_from_another_site_finds_the_same_visitor(
    house: House, server: Server, tab: Tab
) -> None:
    await tab.says("hi")
    await until(lambda: house.taken)
    elsewhere = server.url.replace("127.0.0.1", "localhost")  # another site for the same server
    await tab.go(f"{elsewhere}/chat")
    await tab.run(f"location.assign('{server.url}/chat')")
    await tab.until(
        f"location.origin === '{server.url}' && document.querySelectorAll('.row.me').length === 1"
    )
    await tab.says("again")
    await until(lambda: len(house.taken) == 2)
    assert len({received.sender for received in house.taken}) == 1


async def test_a_page_nobody_looks_at_counts_what_came_in_its_title(
    house: House, server: Server, browser: Browser, tab: Tab
) -> None:
    await tab.says("hi")
    await until(lambda: house.taken)
    await tab.run("Object.defineProperty(document, 'hidden', {configurable: true, get: () => true})")
    await server.adapter.messenger.send(outbound(visitor(house), "5f1c", "Hello!"))
    await tab.until("document.title === '(1) Chat with Tea & Co'")
    assert house.confirmations == []
    await tab.run("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    await tab.until("document.title === 'Chat with Tea & Co'")
    await until(lambda: house.confirmations == ["5f1c"])


async def test_every_control_has_a_name_and_the_keyboard_reaches_it(
    house: House, server: Server, tab: Tab
) -> None:
    tree = await tab.call("Accessibility.getFullAXTree")
    controls = {
        (node["role"]["value"], node["name"]["value"])
        for node in tree["nodes"]
        if not node.get("ignored")
        and node.get("role", {}).get("value") in {"textbox", "button", "log", "status"}
    }
    assert controls == {
        ("textbox", "Write a message"),
        ("button", "Send a photo or a file"),
        ("button", "Send"),
        ("log", "Conversation"),
        ("status", ""),
    }
    reached = []
    for text in ("", "", "", "hi"):
        await tab.types(text)
        await tab.presses("Tab", 9)
        reached.append(await tab.run("document.activeElement.id"))
    assert reached == ["log", "attach", "text", "send"]


async def test_a_message_is_quoted_once_and_only_if_it_is_not_unquoted(
    house: House, server: Server, browser: Browser, tab: Tab
) -> None:
    await tab.says("hi")
    await until(lambda: house.taken)
    await server.adapter.messenger.send(outbound(visitor(house), "5f1c", "Tea?"))
    await tab.until("document.querySelectorAll('.row.shop .reply').length === 1")
    for text, unquotes in (("yes", False), ("two", False), ("no", True)):
        if text != "two":
            await tab.run("document.querySelector('.row.shop .reply').click()")
            assert await tab.run("document.getElementById('quoted').textContent") == "Reply to: Tea?"
        if unquotes:
            await tab.run("document.getElementById('unquote').click()")
        assert await tab.run("document.getElementById('quote').hidden") == (text != "yes")
        await tab.says(text)
    await until(lambda: len(house.taken) == 4)
    quoted = [received.content.reply_to for received in house.taken if isinstance(received.content, Message)]
    assert quoted == [None, "5f1c", None, None]
    assert browser.problems == []


HANDS_OVER = """
(() => {
  const files = new DataTransfer();
  files.items.add(new File([new Uint8Array([137, 80, 78, 71])], "tea.png", {type: "image/png"}));
  const input = document.getElementById("file");
  input.files = files.files;
  input.dispatchEvent(new Event("change"));
})()
"""


async def test_a_picture_is_sent_and_one_of_ours_is_shown_by_a_link(
    house: House, server: Server, browser: Browser, tab: Tab
) -> None:
    await tab.run(HANDS_OVER)
    await tab.until(f"{LAST_NOTE}.endsWith('Sent')")
    (content,) = [received.content for received in house.taken]
    assert isinstance(content, Message)
    assert (content.kind, content.details["file_name"]) == ("photo", "tea.png")
    assert await tab.bubbles() == ["You: 📎 Photo: tea.png"]
    file = Attachment(Slug("document"), "application/pdf", "prices.pdf", 9, nothing, MediaId("ab12"))
    await server.adapter.messenger.send(replace(outbound(visitor(house), "5f1c", "here"), attachment=file))
    await tab.until("document.querySelector('.row.shop a.file')?.getAttribute('href') === '/media/ab12'")
    assert browser.problems == []


async def nothing() -> AsyncIterator[bytes]:
    yield b""
