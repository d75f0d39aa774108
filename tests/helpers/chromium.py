"""A headless Chromium, told what to do by its debugging protocol."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

#: Where Debian and others put it.
PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_WITHIN_S = 120


class Page:
    """A page of a browser."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        #: The addresses of all that was loaded.
        self.loaded: list[str] = []

    async def tell(self, method: str, **values: Any) -> Any:
        """Tell it something and return its answer."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": values})
        while True:
            said = await self._socket.receive_json(timeout=_WITHIN_S)
            if said.get("method") == "Network.requestWillBeSent":
                self.loaded.append(said["params"]["request"]["url"])
            if said.get("id") == number:
                assert "error" not in said, said
                return said["result"]

    async def value(self, script: str) -> Any:
        """Return what a script comes to."""
        return (await self.tell("Runtime.evaluate", expression=script))["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until a script comes to true."""
        async with asyncio.timeout(_WITHIN_S):
            while not await self.value(script):
                await asyncio.sleep(0.05)

    async def press(self, key: str, code: str, number: int, modifiers: int = 0) -> None:
        """Press a key."""
        for kind in ("rawKeyDown", "keyUp"):
            await self.tell(
                "Input.dispatchKeyEvent",
                type=kind, key=key, code=code, windowsVirtualKeyCode=number, modifiers=modifiers,
            )  # fmt: skip


@asynccontextmanager
async def page(folder: Path, address: str, size: tuple[int, int] = (1200, 720)) -> AsyncIterator[Page]:
    """Open a page at an address, in a browser that keeps its files in a folder."""
    assert PROGRAM is not None
    flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0")
    command = [PROGRAM, *flags, f"--user-data-dir={folder}", f"--window-size={size[0]},{size[1]}", "about:blank"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
        try:
            told = folder / "DevToolsActivePort"
            await _until(lambda: told.is_file() and "\n" in told.read_text())
            port = told.read_text().split()[0]
            async with ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    pages = json.loads(await answer.text())
                where = next(one["webSocketDebuggerUrl"] for one in pages if one["type"] == "page")
                async with session.ws_connect(where, max_msg_size=0) as socket:
                    shown = Page(socket)
                    await shown.tell("Network.enable")
                    await shown.tell("Page.enable")
                    await shown.tell("Page.navigate", url=address)
                    yield shown
        finally:
            browser.terminate()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(_WITHIN_S):
        while not condition():
            await asyncio.sleep(0.05)
