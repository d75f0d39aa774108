"""HTTP to a server of chat completions, for both backends: requests, deadlines, and what their failures mean."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx

from dtk_tui.errors import DtkError
from dtk_tui.inference.captioner.base import Answer, LostRequestError, Question, UnavailableError
from dtk_tui.inference.captioner.completion import LARGEST, picture_part, read_completion, read_stream, request_body
from dtk_tui.inference.captioner.refusals import quoted, refuse, words_of
from dtk_tui.text import without_user

T = TypeVar("T")

_CONNECT_S = 10.0
#: Servers close a connection that was idle for 5 s; one that is closing must not be used again.
_IDLE_S = 3.0
_UNREACHABLE_S = 1.0


class ChatClient:
    """A client of one server; safe to use from several threads.

    Args:
        base_url: with its ``/v1``.
        key: sent as a bearer token; empty sends none.
        timeout_s: the longest that one answer may take.
        connections: how many requests there are at once.
    """

    def __init__(self, base_url: str, key: str, *, timeout_s: float, connections: int) -> None:
        self._base_url = base_url.rstrip("/")
        self._named = without_user(self._base_url)
        self._key = key
        self._timeout_s = timeout_s
        headers = {"Accept-Encoding": "identity"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self._streams: weakref.WeakSet[Any] = weakref.WeakSet()
        self._last = threading.local()
        self._http = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(timeout_s, connect=_CONNECT_S),
            limits=httpx.Limits(max_connections=connections + 2, keepalive_expiry=_IDLE_S),
            trust_env=not _is_loopback(httpx.URL(base_url).host),  # a proxy cannot reach what is on this machine
            follow_redirects=False,  # the key is for this server alone
        )

    def close(self) -> None:
        """Close all connections; requests under way fail at once."""
        for stream in list(self._streams):
            with contextlib.suppress(OSError, AttributeError):  # closing alone would not wake who reads from it
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._http.close()

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        """Note the connections that are made."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._streams.add(info["return_value"])

    def ask(
        self,
        model: str,
        picture: bytes,
        question: Question,
        *,
        slot: int | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """Ask about a picture; see ``Captioner.ask``."""
        body = request_body(model, self._part(picture), question, slot, stream=on_text is not None)

        def read(response: httpx.Response, chunks: Iterator[bytes]) -> Answer:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind == "text/event-stream":
                return read_stream(_lines(chunks), on_text or _ignore)
            data = b"".join(chunks)
            if not data.strip():
                raise LostRequestError(f"The endpoint answers with nothing (HTTP {response.status_code}).")
            self._check_kind(kind, data)
            answer = read_completion(data)
            if on_text is not None and answer.text:  # an endpoint that does not stream
                on_text(answer.text)
            return answer

        return self._request("POST", "/chat/completions", body, read)

    def models(self) -> list[dict[str, Any]]:
        """Return what the server says of each of its models; each has an ``id``."""

        def read(response: httpx.Response, chunks: Iterator[bytes]) -> list[dict[str, Any]]:
            data = b"".join(chunks)
            self._check_kind(response.headers.get("content-type", ""), data)
            try:
                found = json.loads(data)
            except ValueError as error:
                raise LostRequestError("The endpoint's list of models is no JSON.", words_of(data)) from error
            listed = found.get("data") if isinstance(found, dict) else None
            return [one for one in listed or [] if isinstance(one, dict) and isinstance(one.get("id"), str)]

        return self._request("GET", "/models", None, read)

    def _part(self, picture: bytes) -> bytes:
        """Return the JSON of a picture, made once for all questions that a thread asks about it in a row."""
        if getattr(self._last, "picture", None) is not picture:
            self._last.part, self._last.picture = picture_part(picture), picture
        part: bytes = self._last.part
        return part

    def _request(
        self, method: str, path: str, body: bytes | None, read: Callable[[httpx.Response, Iterator[bytes]], T]
    ) -> T:
        try:
            url, extensions = self._base_url + path, {"trace": self._trace}
            headers = {"Content-Type": "application/json"} if body else {}
            with self._http.stream(method, url, content=body, headers=headers, extensions=extensions) as response:
                chunks = self._bounded(response)
                if response.status_code != httpx.codes.OK:
                    refuse(response.status_code, response.headers, b"".join(chunks))
                return read(response, chunks)
        except DtkError as error:
            error.title, error.detail = self._without_key(error.title), self._without_key(error.detail)
            error.args = (f"{error.title} {error.detail}".strip(),)
            raise
        except httpx.TimeoutException as error:
            if isinstance(error, httpx.ConnectTimeout):
                raise self._unreachable("It does not take a connection.") from error
            raise LostRequestError(f"The endpoint did not answer within {self._timeout_s:g} s.") from error
        except (httpx.ConnectError, httpx.ProxyError) as error:
            raise self._unreachable(f"{error}.") from error
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError) as error:
            raise UnavailableError(f"{self._named} cannot be asked.", f"{error}. Correct base_url.") from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            words = str(error) or type(error).__name__
            raise LostRequestError("The endpoint dropped the connection.", f"{words}.") from error
        except RuntimeError as error:  # httpx says so of a client that was closed meanwhile
            raise LostRequestError("The connection was closed by this program.", str(error)) from error

    def _bounded(self, response: httpx.Response) -> Iterator[bytes]:
        """Yield what comes, for so long and so much as an answer may take."""
        end = time.monotonic() + self._timeout_s
        size = 0
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > LARGEST:
                raise LostRequestError(f"The endpoint's answer is larger than {LARGEST // 1_000_000} MB.")
            yield chunk
            if time.monotonic() > end:
                raise LostRequestError(f"The endpoint's answer did not end within {self._timeout_s:g} s.")

    def _check_kind(self, kind: str, data: bytes) -> None:
        if "html" in kind or data.lstrip()[:1] == b"<":
            raise UnavailableError(
                f"{self._named} is no OpenAI-compatible endpoint: it answers with a web page.",
                f"{quoted(words_of(data))} Check base_url in [captions] of config.toml.",
            )

    def _unreachable(self, reason: str) -> UnavailableError:
        return UnavailableError(
            f"{self._named} cannot be reached.",
            f"{reason} Is the server running, and base_url in [captions] right?",
            retry_after_s=_UNREACHABLE_S,
        )

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


def _ignore(text: str) -> None:
    pass


def _lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """Yield the lines of a stream; one that broke off in the middle is left out."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace").rstrip("\r")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
