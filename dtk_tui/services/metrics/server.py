"""Serving the numbers on this machine alone, to whoever has the key."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from dtk_tui.atomic_file import write_whole
from dtk_tui.errors import DtkError
from dtk_tui.services.metrics.collector import LibraryCollector
from dtk_tui.store.database import Database

_HOST = "127.0.0.1"


def key_in(file: Path) -> str:
    """Return the key in a file that only its owner may read, made where there is none; DtkError as the disk says."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            write_whole(file, secrets.token_hex(16).encode())
        key = file.read_text().strip()
    except OSError as error:
        raise DtkError(f"{file} cannot be used.", f"{error.strerror or error}.") from error
    if len(key) < 16:
        raise DtkError(f"{file} holds no key.", "Remove it: another one is made.")
    return key


class _QuietHandler(WSGIRequestHandler):
    #: Whoever sends nothing is let go, in seconds.
    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of each request."""


def metrics_server(db: Database, port: int, key: str) -> WSGIServer:
    """Return a server on 127.0.0.1 that answers requests with ``Authorization: Bearer KEY``.

    Args:
        port: 0 is any that is free.

    Raises:
        DtkError: the port is taken.
    """
    registry = CollectorRegistry()
    registry.register(LibraryCollector(db))
    numbers = make_wsgi_app(registry)
    expected = f"Bearer {key}".encode()

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        given = str(environ.get("HTTP_AUTHORIZATION", "")).encode("latin-1", "replace")
        if not hmac.compare_digest(given, expected):
            start_response("401 Unauthorized", [("WWW-Authenticate", "Bearer"), ("Content-Length", "0")])
            return []
        found: Iterable[bytes] = numbers(environ, start_response)
        return found

    try:
        server = WSGIServer((_HOST, port), _QuietHandler)
    except OSError as error:
        raise DtkError(
            f"Port {port} cannot be opened.", f"{error.strerror or error}. Choose another --port."
        ) from error
    server.set_app(answer)
    return server
