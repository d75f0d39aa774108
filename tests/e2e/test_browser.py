"""The app in a browser, as ``dtk serve`` shows it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("textual_serve", reason="the extra serve is not installed")

from aiohttp import ClientSession, CookieJar

from tests.e2e.conftest import Dtk
from tests.helpers import chromium
from tests.helpers.processes import children_of, wait_for_end


@pytest.fixture
def address(dtk: Dtk) -> Iterator[str]:
    """What ``dtk serve`` prints; it ends as by Ctrl-C, and what it started with it."""
    command = [dtk.program, "serve", "--port", "0"]
    with subprocess.Popen(command, env=dtk.environ, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        apps = children_of(server.pid)
        server.send_signal(signal.SIGINT)
        assert server.wait(120) == 0
        for app in apps:
            wait_for_end(app)


async def test_the_app_comes_to_whoever_has_the_address(address: str) -> None:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        assert (await browser.get(address)).status == 200
        socket = address.partition("?")[0] + "ws?width=100&height=30"
        async with browser.ws_connect(socket) as page:
            seen = b""
            while b"empty library" not in seen:
                seen += (await page.receive(120)).data


@pytest.mark.skipif(chromium.PROGRAM is None, reason="there is no Chromium here (Debian: apt install chromium)")
async def test_it_runs_in_a_browser_that_loads_nothing_from_elsewhere(address: str, tmp_path: Path) -> None:
    async with chromium.page(tmp_path / "profile", address) as page:
        await page.until("document.body.classList.contains('-first-byte')")
        await page.value("document.querySelector('.xterm-helper-textarea').focus()")
        assert await page.value("location.search") == ""
        await page.press("q", "KeyQ", 81, modifiers=2)
        await page.until("document.body.classList.contains('-closed')")
        assert await page.value("getComputedStyle(document.querySelector('.closed')).display") == "flex"
        root = address.partition("?")[0]
        assert [one for one in page.loaded if not one.startswith((root, "data:"))] == []
