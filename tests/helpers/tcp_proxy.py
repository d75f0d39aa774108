"""A way over TCP to a PostgreSQL that listens on a Unix socket, and that a test can cut off without closing it."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo


class TcpProxy:
    """Hands on what clients and the server send; while it is ``frozen`` nothing, as if the way between was gone.

    Attributes:
        conninfo: how to reach the server through it.
    """

    def __init__(self, conninfo: str) -> None:
        parts = conninfo_to_dict(conninfo)
        self._server = f"{parts['host']}/.s.PGSQL.{parts['port']}"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.conninfo = make_conninfo(conninfo, host="127.0.0.1", port=self._listener.getsockname()[1])
        self.frozen = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._forward, daemon=True)
        self._thread.start()

    def _forward(self) -> None:
        other_of: dict[socket.socket, socket.socket] = {}
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._ended.wait(0.01 if self.frozen.is_set() else 0):
                for key, _ in () if self.frozen.is_set() else selector.select(0.05):
                    if key.fileobj is self._listener:
                        client, server = self._listener.accept()[0], socket.socket(socket.AF_UNIX)
                        server.connect(self._server)
                        other_of |= {client: server, server: client}
                        for end in (client, server):
                            selector.register(end, selectors.EVENT_READ)
                        continue
                    one = next((end for end in other_of if end is key.fileobj), None)
                    if one is None:
                        continue  # closed with its other end, after both had something to say
                    data = b""
                    with suppress(OSError):
                        data = one.recv(1 << 16)
                        other_of[one].sendall(data)
                    if not data:
                        for end in (one, other_of.pop(one)):
                            selector.unregister(end)
                            end.close()
                            other_of.pop(end, None)
        for end in (self._listener, *other_of):
            end.close()

    def end(self) -> None:
        """Close all ways."""
        self._ended.set()
        self._thread.join()


@contextmanager
def tcp_proxy(conninfo: str) -> Iterator[TcpProxy]:
    """A proxy that is ended behind the test."""
    proxy = TcpProxy(conninfo)
    try:
        yield proxy
    finally:
        proxy.end()
