"""A server over the llama-cpp-python package, with as much of what llama.cpp's own server understands as captions need.

The package works on one request after the other, and has no picture in a cache.
"""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

_LARGEST = 64_000_000
_SETTINGS = ("temperature", "top_p", "top_k", "min_p", "max_tokens", "seed")


class ChatModel(Protocol):
    """What answers; ``llama_cpp.Llama`` does."""

    n_tokens: int

    def create_chat_completion(self, messages: Any, *, stream: bool, **settings: Any) -> Iterator[Mapping[str, Any]]:
        """Read the messages, and yield chunks of the answer in OpenAI's form.

        Raises:
            ValueError: the messages cannot be read: a broken picture, too many tokens.
        """


@dataclass(slots=True)
class Usage:
    """How many tokens a request had, as far as it came."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it in OpenAI's form."""
        total = self.prompt_tokens + self.completion_tokens
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": total,
        }


@dataclass(slots=True)
class Completion:
    """An answer in pieces, on their way."""

    chunks: Iterator[Mapping[str, Any]]
    usage: Usage
    finish_reason: str = "stop"
    pieces: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[str]:
        """Yield the pieces of the text; the package gives one a token."""
        for chunk in self.chunks:
            for choice in chunk["choices"]:
                self.finish_reason = choice.get("finish_reason") or self.finish_reason
                if text := choice["delta"].get("content"):
                    self.usage.completion_tokens += 1
                    yield text


def ask(model: ChatModel, body: Mapping[str, Any]) -> Completion:
    """Ask a model what a request says.

    Raises:
        ValueError: the request cannot be answered.
    """
    messages = body.get("messages")
    if not isinstance(messages, list):
        raise ValueError("The request has no messages.")
    settings = {name: body[name] for name in _SETTINGS if name in body}
    chunks = model.create_chat_completion(messages, stream=True, **settings)
    return Completion(chunks, Usage(prompt_tokens=model.n_tokens))


class PackageServer(ThreadingHTTPServer):
    """Listens at once; answers 503 until ``model`` is set.

    Args:
        key: what whoever asks has to know.
        alias: how the model is called.
    """

    daemon_threads = True

    def __init__(self, host: str, port: int, *, key: str, alias: str) -> None:
        super().__init__((host, port), _Request)
        self.key = key
        self.alias = alias
        self.model: ChatModel | None = None
        self.turn = threading.Lock()


class _Request(BaseHTTPRequestHandler):
    server: PackageServer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the log is for what goes wrong."""

    def do_GET(self) -> None:
        """Tell whether the model is loaded, and how it is called."""
        if self.path == "/health":
            if self.server.model is None:
                self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "Loading model")
            else:
                self._answer(HTTPStatus.OK, {"status": "ok"})
        elif self._is_allowed():
            if self.path == "/v1/models":
                self._answer(HTTPStatus.OK, {"object": "list", "data": [{"id": self.server.alias, "object": "model"}]})
            else:
                self._refuse(HTTPStatus.NOT_FOUND, "File Not Found")

    def do_POST(self) -> None:
        """Answer a request for a chat completion."""
        if not self._is_allowed():
            return
        model, size = self.server.model, self.headers.get("Content-Length", "")
        if self.path != "/v1/chat/completions":
            self._refuse(HTTPStatus.NOT_FOUND, "File Not Found")
        elif model is None:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "Loading model")
        elif not size.isdigit() or int(size) > _LARGEST:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A request has {_LARGEST:,} bytes at most.")
        else:
            self._complete(model, self.rfile.read(int(size)))

    def _complete(self, model: ChatModel, data: bytes) -> None:
        with self.server.turn:
            if self._is_gone():
                return
            try:
                body = json.loads(data)
                completion = ask(model, body)
                (self._stream if body.get("stream") else self._whole)(completion)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                self._refuse(HTTPStatus.BAD_REQUEST, str(error))
            except ConnectionError:
                pass  # whoever asked went away; the next one has its turn
            except Exception as error:
                self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, f"{type(error).__name__}: {error}")

    def _whole(self, completion: Completion) -> None:
        pieces = []
        for piece in completion:
            if self._is_gone():
                return
            pieces.append(piece)
        message = {"role": "assistant", "content": "".join(pieces)}
        choice = {"index": 0, "finish_reason": completion.finish_reason, "message": message}
        self._answer(
            HTTPStatus.OK,
            {"object": "chat.completion", "choices": [choice], "usage": completion.usage.as_json()},
        )

    def _stream(self, completion: Completion) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for piece in completion:
            self._event({"choices": [{"index": 0, "finish_reason": None, "delta": {"content": piece}}]})
        self._event({"choices": [{"index": 0, "finish_reason": completion.finish_reason, "delta": {}}]})
        self._event({"choices": [], "usage": completion.usage.as_json()})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, data: Mapping[str, Any]) -> None:
        self.wfile.write(b"data: %b\n\n" % json.dumps({"object": "chat.completion.chunk", **data}).encode())

    def _is_allowed(self) -> bool:
        if self.headers.get("Authorization") == f"Bearer {self.server.key}":
            return True
        self._refuse(HTTPStatus.UNAUTHORIZED, "Invalid API Key")
        return False

    def _is_gone(self) -> bool:
        """Say whether the other side has closed the connection."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        self._answer(status, {"error": {"code": int(status), "message": message}})

    def _answer(self, status: HTTPStatus, body: Mapping[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def load(model: str, projector: str, context: int, gpu_layers: int | None) -> ChatModel:
    """Load a model and its projector with llama-cpp-python.

    Args:
        context: tokens of a request with its answer.
        gpu_layers: layers on the GPU; None: all, where the package was built for one.

    Raises:
        ValueError: a file is none that it understands.
    """
    import llama_cpp
    from llama_cpp.llama_chat_format import MTMDChatHandler

    class Handler(MTMDChatHandler):  # type: ignore[misc,unused-ignore]
        """The chat template of the model, which gets each message as one text, as llama.cpp's server gives it."""

        @classmethod
        def _convert_message_for_template(cls, message: Any, media_marker: str) -> dict[str, Any]:
            parts = message["content"]
            if isinstance(parts, list):
                texts = (media_marker if part.get("type") == "image_url" else part.get("text", "") for part in parts)
                return {**message, "content": "".join(texts)}
            return dict(message)

    if gpu_layers is None:
        gpu_layers = -1 if llama_cpp.llama_supports_gpu_offload() else 0
    handler = Handler(clip_model_path=projector, use_gpu=gpu_layers != 0)
    loaded = llama_cpp.Llama(model_path=model, n_ctx=context, n_gpu_layers=gpu_layers, chat_handler=handler)
    handler._init_mtmd_context(loaded)  # a projector that does not fit is told before the first request
    loaded.verbose = handler.verbose = False  # prompts are nothing for a log
    found: ChatModel = loaded
    return found


def serve(host: str, port: int, *, key: str, alias: str, load: Callable[[], ChatModel]) -> PackageServer:
    """Listen, and load the model; return the server, which goes on on a thread.

    Raises:
        OSError: the port is taken.
        ValueError: as ``load``.
    """
    server = PackageServer(host, port, key=key, alias=alias)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.model = load()
    return server
