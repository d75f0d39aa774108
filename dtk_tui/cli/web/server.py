"""The server of ``dtk serve``: a page with a terminal in it, and one process of the app for each page.

Of textual-serve it takes the terminal for the browser and the process of the app; the page, which loads nothing from
anywhere else, and who may see it are its own.
"""

from __future__ import annotations

import asyncio
import hmac
import html
import ipaddress
import secrets
import shlex
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import textual_serve
from aiohttp import WSCloseCode, WSMsgType, web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from dtk_tui.errors import DtkError

#: The driver of an app that is shown in a browser, as Textual's variable names it.
_DRIVER = "dtk_tui.ui.drivers.browser:BrowserDriver"
_STATIC = Path(str(textual_serve.__file__)).parent / "static"
_PAGE = Path(__file__).with_name("page.html")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
        " font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
#: Columns and lines that a page may ask for.
_LARGEST = 1000
#: How long the end of the server waits for the apps, which give their jobs back.
_CLOSE_S = 20.0
_MISSING = "Open the whole address that dtk serve printed: its token is missing here, or is that of an earlier run."
_OTHER_NAME = "This address is not the one that dtk serve printed."

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_sockets: web.AppKey[Any] = web.AppKey("sockets", set)


def new_token() -> str:
    """Return a token that nobody guesses."""
    return secrets.token_urlsafe(24)


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def web_app(host: str, token: str | None, command: str) -> web.Application:
    """Return what serves the page.

    Args:
        host: the address that it is for.
        token: what a browser has to know; None lets everybody in.
        command: the shell's line that starts the app.
    """
    app = web.Application(middlewares=[_guard(host, token)])
    app[_sockets] = set()
    app.on_response_prepare.append(_add_headers)
    app.on_shutdown.append(_close_pages)
    app.add_routes([web.get("/", _page), web.get("/ws", _session(command)), web.static("/static", _STATIC)])
    return app


def serve_app(host: str, port: int, token: str | None, tell: Callable[[str], None]) -> None:
    """Serve the app of this environment until the process is interrupted or asked to end.

    Args:
        host, port: where to listen; port 0 takes one that is free.
        token: as of ``web_app``.
        tell: is given the address for the browser as soon as it can be opened.

    Raises:
        DtkError: the address cannot be listened at.
    """
    python = shlex.join([sys.executable, "-m", "dtk_tui"])
    asyncio.run(_serve(web_app(host, token, f"exec env TEXTUAL_DRIVER={_DRIVER} {python}"), host, port, token, tell))


async def _serve(app: web.Application, host: str, port: int, token: str | None, tell: Callable[[str], None]) -> None:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSE_S)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise DtkError(f"{host}:{port} cannot be listened at.", f"{error.strerror}. Try another --port.") from error
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                asyncio.get_running_loop().add_signal_handler(number, ended.set)
        name = f"[{host}]" if ":" in host else host
        query = f"?token={token}" if token is not None else ""
        tell(f"http://{name}:{runner.addresses[0][1]}/{query}")
        await ended.wait()
    finally:
        await runner.cleanup()


def _guard(host: str, token: str | None) -> Any:
    """Return what lets in who has the token, once by the address and then by a cookie.

    A name that is neither an address nor the one that was asked for may be a stranger's that leads here.
    """

    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not _is_own_name(request.url.host or "", host):
            raise web.HTTPForbidden(text=_OTHER_NAME)
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            raise web.HTTPForbidden(text=_OTHER_NAME)
        if token is None:
            return await handler(request)
        # Browsers keep the cookies of all ports of a machine together.
        cookie = f"dtk-{request.url.port}"
        if hmac.compare_digest(request.cookies.get(cookie, "").encode(), token.encode()):
            return await handler(request)
        if request.path != "/" or not hmac.compare_digest(request.query.get("token", "").encode(), token.encode()):
            raise web.HTTPForbidden(text=_MISSING)
        entered = web.HTTPFound("/")
        entered.set_cookie(cookie, token, httponly=True, samesite="Lax")
        raise entered

    return web.middleware(guard)


def _is_own_name(name: str, host: str) -> bool:
    if name in (host, "localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


async def _close_pages(app: web.Application) -> None:
    for socket in set(app[_sockets]):
        await socket.close(code=WSCloseCode.GOING_AWAY)


async def _page(request: web.Request) -> web.Response:
    scheme = "wss" if request.secure else "ws"
    page = _PAGE.read_text(encoding="utf-8").replace("{socket}", html.escape(f"{scheme}://{request.host}/ws"))
    return web.Response(text=page, content_type="text/html")


def _session(command: str) -> Handler:
    async def session(request: web.Request) -> web.StreamResponse:
        """Run the app for one page, as long as it is open."""
        socket = web.WebSocketResponse(heartbeat=15)
        await socket.prepare(request)
        sockets = request.app[_sockets]
        sockets.add(socket)

        async def close() -> None:
            await socket.close()

        app = AppService(
            command,
            write_bytes=socket.send_bytes,
            write_str=socket.send_str,
            close=close,
            download_manager=DownloadManager(),
        )
        try:
            await app.start(_cells(request.query.get("width", ""), 80), _cells(request.query.get("height", ""), 24))
            # An app that ends without a word, as one that is killed does, leaves no page that only looks alive.
            ended = cast("asyncio.Task[None]", cast(Any, app)._task)
            closing = asyncio.create_task(_close_after(ended, socket))
            await _hand_on(socket, app)
            closing.cancel()
        finally:
            sockets.discard(socket)
            await app.stop()
            if (process := cast(Any, app)._process) is not None:
                await process.wait()
        return socket

    return session


async def _close_after(ended: asyncio.Task[None], socket: web.WebSocketResponse) -> None:
    await asyncio.wait([ended])
    await socket.close()


async def _hand_on(socket: web.WebSocketResponse, app: Any) -> None:
    """Hand on what a page sends, until it is closed; what is not understood closes it."""
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            continue
        match message.json():
            case ["stdin", str(text)]:
                await app.send_bytes(text.encode("utf-8", "replace"))
            case ["resize", {"width": int(width), "height": int(height)}]:
                await app.set_terminal_size(_cells(width, 80), _cells(height, 24))
            case ["ping", str(sent)]:
                await socket.send_json(["pong", sent])
            case ["blur"]:
                await app.blur()
            case ["focus"]:
                await app.focus()


def _cells(value: str | int, default: int) -> int:
    try:
        return min(max(int(value), 1), _LARGEST)
    except ValueError:
        return default
