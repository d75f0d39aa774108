"""The server of dtk serve: who is let in, what a page loads, and the app behind it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
from typer.testing import CliRunner

pytest.importorskip("textual_serve", reason="the extra serve is not installed")

from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError
from aiohttp.test_utils import TestServer

from dtk_tui.cli.application import application
from dtk_tui.cli.web.server import is_loopback, web_app
from dtk_tui.errors import UsageError

DRIVER = "dtk_tui.ui.drivers.browser:BrowserDriver"
APP = """
from textual.app import App
from textual.widgets import Label

class Small(App):
    BINDINGS = [("q", "quit", "Quit")]
    def compose(self):
        yield Label("it runs")
    def on_resize(self, event):
        self.query_one(Label).update(f"it runs in {event.size.width}x{event.size.height}")

Small().run()
"""
COMMAND = f"exec env TEXTUAL_DRIVER={DRIVER} {shlex.join([sys.executable, '-c', APP])}"


@pytest.fixture
async def served() -> AsyncIterator[TestServer]:
    """A small app, served with the token ``secret``."""
    server = TestServer(web_app("127.0.0.1", "secret", COMMAND))
    await server.start_server()
    yield server
    await server.close()


@pytest.fixture
async def browser() -> AsyncIterator[ClientSession]:
    """What keeps cookies as a browser does, also those of an address without a name."""
    from aiohttp import CookieJar

    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        yield session


@pytest.mark.parametrize("path", ["/", "/ws", "/static/js/textual.js", "/?token=secrets", "/ws?token=secret"])
async def test_without_its_token_nothing_is_shown(served: TestServer, browser: ClientSession, path: str) -> None:
    answer = await browser.get(served.make_url(path))
    assert (answer.status, "token" in await answer.text()) == (403, True)


async def test_the_token_is_asked_once_and_leaves_the_address(served: TestServer, browser: ClientSession) -> None:
    entered = await browser.get(served.make_url("/?token=secret"), allow_redirects=False)
    assert (entered.status, entered.headers["Location"]) == (302, "/")
    cookie = entered.cookies[f"dtk-{served.port}"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"
    page = await browser.get(served.make_url("/"))
    text = await page.text()
    assert page.status == 200 and f"ws://127.0.0.1:{served.port}/ws" in text and "secret" not in text
    assert "https://" not in text and "default-src 'none'" in page.headers["Content-Security-Policy"]
    for file in ("js/textual.js", "css/xterm.css", "fonts/RobotoMono-VariableFont_wght.ttf"):
        assert file in text and (await browser.get(served.make_url(f"/static/{file}"))).status == 200


async def test_a_strangers_name_or_page_is_not_let_in(browser: ClientSession) -> None:
    server = TestServer(web_app("127.0.0.1", None, COMMAND))
    await server.start_server()
    try:
        assert (await browser.get(server.make_url("/"))).status == 200
        assert (await browser.get(server.make_url("/"), headers={"Host": "rebound.example:80"})).status == 403
        assert (await browser.get(server.make_url("/"), headers={"Host": f"localhost:{server.port}"})).status == 200
        with pytest.raises(WSServerHandshakeError):
            await browser.ws_connect(server.make_url("/ws"), origin="http://127.0.0.1:1")
    finally:
        await server.close()


async def test_a_page_has_an_app_of_its_own_that_ends_with_it(served: TestServer, browser: ClientSession) -> None:
    await browser.get(served.make_url("/?token=secret"))
    origin = str(served.make_url("")).rstrip("/")
    async with browser.ws_connect(served.make_url("/ws?width=91&height=30"), origin=origin) as page:
        seen = b""

        async def shows(words: bytes) -> None:
            nonlocal seen
            while words not in seen:
                message = await page.receive(120)
                assert message.type is WSMsgType.BINARY, message
                seen += message.data

        await shows(b"91x30")
        await page.send_json(["resize", {"width": 70, "height": 20}])
        await shows(b"70x20")
        await page.send_json(["ping", "1"])
        await page.send_json(["stdin", "q"])
        while (message := await page.receive(120)).type is not WSMsgType.CLOSE:
            assert message.type is WSMsgType.BINARY or message.json() == ["pong", "1"]


def test_an_app_whose_server_is_gone_ends() -> None:
    environ = {**os.environ, "TEXTUAL_DRIVER": DRIVER}
    with subprocess.Popen(
        [sys.executable, "-c", APP], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as app:
        assert app.stdin is not None and app.stdout is not None
        assert app.stdout.readline() == b"__GANGLION__\n"
        app.stdin.close()
        app.stdout.read()
        assert app.wait(120) == 0


def test_other_addresses_need_a_token() -> None:
    done = CliRunner().invoke(application, ["serve", "--host", "0.0.0.0", "--no-token"])
    assert isinstance(done.exception, UsageError) and "--no-token" in done.exception.detail
    assert [is_loopback(one) for one in ("127.0.0.9", "::1", "localhost", "0.0.0.0", "box.example")] == [
        True, True, True, False, False,
    ]  # fmt: skip
