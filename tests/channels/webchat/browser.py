"""A real browser: Debian's Chromium, spoken to in its own protocol (CDP) over a socket on loopback."""

import asyncio
import base64
import json
import tempfile
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect

from tests.channels.house import DEADLINE_S

START_S = 60.0
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)


class Browser:
    """One Chromium with an empty profile; every tab shares its cookies."""

    def __init__(self, *, language: str = "en") -> None:
        self.language = language
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._ids = count(1)
        self.problems: list[str] = []
        """Errors and violations that any tab's console told."""

    async def __aenter__(self) -> Self:
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._process = await asyncio.create_subprocess_exec(
            "chromium",
            *FLAGS,
            f"--accept-lang={self.language}",
            f"--user-data-dir={self._profile.name}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        port_file = Path(self._profile.name, "DevToolsActivePort")
        async with asyncio.timeout(START_S):
            while not port_file.exists() or len(port_file.read_text().splitlines()) < 2:
                await asyncio.sleep(0.05)
        port, path = port_file.read_text().splitlines()
        self._socket: ClientConnection = await connect(
            f"ws://127.0.0.1:{port}{path}", proxy=None, max_size=None
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.close()
        await self._reader
        self._process.terminate()
        await self._process.wait()
        self._profile.cleanup()

    async def tab(self, url: str, shows: str = "text") -> "Tab":
        """Open a page and wait until its element with the id ``shows`` is there."""
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        tab = Tab(self, attached["sessionId"])
        for domain in ("Page", "Runtime", "Log", "Network"):
            await tab.call(f"{domain}.enable")
        await tab.go(url, shows)
        return tab

    async def call(self, method: str, session: str | None = None, **parameters: object) -> dict[str, Any]:
        id_ = next(self._ids)
        answer = self._answers[id_] = asyncio.get_running_loop().create_future()
        frame: dict[str, Any] = {"id": id_, "method": method, "params": parameters}
        await self._socket.send(json.dumps(frame | ({"sessionId": session} if session else {})))
        async with asyncio.timeout(DEADLINE_S):
            result: dict[str, Any] = await answer
            return result

    async def _read(self) -> None:
        async for text in self._socket:
            frame = json.loads(text)
            if "id" in frame:
                answer = self._answers.pop(frame["id"])
                if "error" in frame:
                    answer.set_exception(AssertionError(frame["error"]))
                else:
                    answer.set_result(frame["result"])
            elif frame["method"] == "Runtime.exceptionThrown":
                self.problems.append(
                    str(frame["params"]["exceptionDetails"].get("exception", frame["params"]))
                )
            elif frame["method"] == "Log.entryAdded" and frame["params"]["entry"]["level"] == "error":
                self.problems.append(frame["params"]["entry"]["text"])


class Tab:
    def __init__(self, browser: Browser, session: str) -> None:
        self._browser, self._session = browser, session

    async def call(self, method: str, **parameters: object) -> dict[str, Any]:
        return await self._browser.call(method, self._session, **parameters)

    async def go(self, url: str, shows: str = "text") -> None:
        await self.call("Page.navigate", url=url)
        await self.until(f"document.readyState === 'complete' && document.getElementById('{shows}') !== null")

    async def run(self, script: str) -> object:
        answer = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, condition: str) -> None:
        """Wait until a script's value is true; the page may be loading meanwhile."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                answer = await self.call(
                    "Runtime.evaluate", expression=f"Boolean({condition})", returnByValue=True
                )
                if answer["result"].get("value") is True:
                    return
                await asyncio.sleep(0.02)

    async def types(self, text: str) -> None:
        """Type into the focused element, as an input method does."""
        await self.call("Input.insertText", text=text)

    async def presses(self, key: str, code: int) -> None:
        for kind in ("rawKeyDown", "keyUp"):
            await self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                nativeVirtualKeyCode=code,
            )

    async def says(self, text: str) -> None:
        await self.run("document.getElementById('text').focus()")
        await self.types(text)
        await self.presses("Enter", 13)

    async def bubbles(self) -> list[str]:
        found = await self.run("[...document.querySelectorAll('.bubble')].map(bubble => bubble.textContent)")
        assert isinstance(found, list)
        return found

    async def screenshot(self, path: Path) -> None:
        image = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(image["data"]))
