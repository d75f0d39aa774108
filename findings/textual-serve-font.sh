#!/usr/bin/env bash
# Surprise: the page of an app that textual-serve serves on loopback asks another host for a style sheet.
# Packages: textual-serve 1.1.3, aiohttp 3.14.5
# Guess:    a server on loopback that brings its terminal, its fonts and its scripts along needs no network, and tells
#           nobody that it is used.
# Really:   its page links a style sheet of Google Fonts. All other links go to the server itself.
# Matters:  every visit is seen by a third party; behind a firewall that drops packets the page stays blank until the
#           browser gives up; a Content-Security-Policy of 'self' breaks it.
# Remedy:   serve a page of one's own over the same static files and the same WebSocket.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check \
    textual-serve==1.1.3 aiohttp==3.14.5
cd "$work"
venv/bin/python - <<'PY'
import asyncio
import sys
from html.parser import HTMLParser
from importlib.metadata import version
from urllib.parse import urlsplit

from aiohttp.test_utils import TestClient, TestServer
from textual_serve.server import Server


class Loaded(HTMLParser):
    """Collects what a page loads: scripts, style sheets, pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        link = given.get("href") if tag == "link" else given.get("src")
        if link:
            self.links.append(link)


async def page() -> tuple[str, int | None]:
    server = Server("python -c pass", host="127.0.0.1", port=8000)
    app = await server._make_app()
    app.on_startup.clear()  # only greets on the console
    async with TestClient(TestServer(app)) as client:
        return await (await client.get("/")).text(), client.port


text, port = asyncio.run(page())
loaded = Loaded()
loaded.feed(text)
elsewhere = sorted({urlsplit(link).hostname or "" for link in loaded.links} - {"", "127.0.0.1", "localhost"})
print(f"textual-serve {version('textual-serve')} on 127.0.0.1: a page that loads {len(loaded.links)} things")
print("from other hosts:", ", ".join(elsewhere) or "nothing")
if elsewhere != ["fonts.googleapis.com"]:
    sys.exit("CHANGED: what the page loads from other hosts")
PY
