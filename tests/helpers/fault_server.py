"""A real HTTP server on the loopback whose answers a test chooses byte by byte."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: Writes an answer to a connection, which is closed behind it.
Answer = Callable[[socket.socket], None]
#: Chooses the answer to what was asked.
Choice = Callable[[dict[str, Any]], Answer]


class FaultServer(socketserver.ThreadingTCPServer):
    """Answers each request by ``answer``, which may be another one at any time; keeps what it was asked."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.answer = answer
        self.choose: Choice | None = None
        self.heads: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.released = threading.Event()
        self.came = threading.Condition()

    @property
    def url(self) -> str:
        """The base URL of the endpoint."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Request(socketserver.StreamRequestHandler):
    server: FaultServer

    def handle(self) -> None:
        """Read one request, and answer it."""
        head = []
        while (line := self.rfile.readline()).strip():
            head.append(line.decode())
        if not head:
            return
        sizes = [int(line.split(":")[1]) for line in head if line.lower().startswith("content-length:")]
        data = self.rfile.read(sizes[0]) if sizes else b""
        body = json.loads(data) if data else {}
        with self.server.came:
            self.server.heads.append("".join(head))
            self.server.bodies.append(body)
            self.server.came.notify_all()
        try:
            (self.server.choose(body) if self.server.choose else self.server.answer)(self.connection)
        except OSError:
            pass  # the client went away, as some answers make it


@contextmanager
def fault_server(answer: Answer) -> Iterator[FaultServer]:
    """A server that runs, ended behind the test."""
    with FaultServer(answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()


def http(
    body: bytes | str | dict[str, Any], status: int = 200, kind: str = "application/json", **headers: str
) -> Answer:
    """An ordinary answer."""
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n{named}"
    return lambda connection: connection.sendall(f"{head}Connection: close\r\n\r\n".encode() + data)


def stream(*events: str, end: bool = True) -> Answer:
    """A stream of server-sent events, each given as the JSON of its data."""
    data = "".join(f"data: {event}\n\n" for event in events) + ("data: [DONE]\n\n" if end else "")
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    return lambda connection: connection.sendall((head + data).encode())


def said(text: str | None, finish_reason: str | None = "stop", **message: Any) -> dict[str, Any]:
    """A chat completion with an answer."""
    return {
        "object": "chat.completion",
        "choices": [
            {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": text} | message}
        ],
        "usage": {"prompt_tokens": 600, "completion_tokens": 12, "prompt_tokens_details": {"cached_tokens": 585}},
    }


def chunk(text: str | None, finish_reason: str | None = None, **delta: Any) -> str:
    """One chunk of a stream."""
    return json.dumps({"choices": [{"index": 0, "finish_reason": finish_reason, "delta": {"content": text} | delta}]})
