# ruff: noqa: E501 (a fault is a line of the table)
"""The answers of an endpoint that are no captions: what a person reads, and whether the request, or all, must wait."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable

import pytest

from dtk_tui.errors import DtkError
from dtk_tui.inference.captioner.base import (
    LostRequestError,
    NoCaptionError,
    Question,
    RefusedRequestError,
    Sampling,
    UnavailableError,
)
from dtk_tui.inference.captioner.caption_text import caption_of
from dtk_tui.inference.captioner.openai_api import OpenAICaptioner
from dtk_tui.settings import CaptionSettings
from tests.helpers.fault_server import Answer, chunk, fault_server, http, said, stream
from tests.helpers.golden import WRITE
from tests.helpers.paths import REPOSITORY

QUESTION = Question("Write a caption.", "You caption.", Sampling(), seed=3)
PICTURE = b"\xff\xd8 a picture"
PAGE = REPOSITORY / "docs" / "guide" / "caption-answers.md"
SLOW = ("no answer at all", "an answer that drips")
ENDPOINT = "http://gpubox:8000/v1"
HEAD = """# Answers of an endpoint that are no captions

What an endpoint of `[captions]` may answer, or a llama.cpp server, what dtk says then, and what becomes of the job. The
words of the server are always shown, without the key. Whatever comes, no caption that is there is touched.

- *fails*: at once; `dtk queue retry` lets it wait again.
- *asked three times, then fails*: with another seed each time, where the temperature is above 0.
- *tried again, then fails*: later, after 5 s, 20 s, ..., `[worker] max_retries` times.
- *all wait*: so long at first, then longer, up to a minute; nothing is charged to the job.
- *all wait for a person*: captions pause with this reason, and all jobs stay queued; tried again after 1, 2, 4, 8, 10,
  10, ... minutes, and at once by Pause and Start.

This table is what the tests get from a real HTTP server; `max_tokens`, `timeout_s` (here 1 s) and the like are settings.

| What comes | What dtk says | The job |
|---|---|---|"""


def _drop(connection: socket.socket) -> None:
    connection.close()


def _half(connection: socket.socket) -> None:
    connection.sendall(
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"choices": [{"mess'
    )


def _hang(connection: socket.socket) -> None:
    time.sleep(3)


def _drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n")
    for _ in range(40):
        connection.sendall(b" ")
        time.sleep(0.1)


def _no_http(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")


def _endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    for _ in range(100):
        connection.sendall(b" " * 100_000)


WEB_PAGE = "<!doctype html><html><head><title>LM Studio</title><script>let a</script></head><body>Hello</body></html>"
LLAMA_TOO_LONG = {"error": {"code": 400, "message": "request (30074 tokens) exceeds the available context size (2048 tokens), try increasing it", "type": "exceed_context_size_error"}}  # fmt: skip
LLAMA_BAD_IMAGE = {"error": {"code": 400, "message": "Failed to load image or audio file", "type": "invalid_request_error"}}  # fmt: skip
LLAMA_NO_EYES = {"error": {"code": 500, "message": "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj", "type": "server_error"}}  # fmt: skip
OPENAI_KEY = {"error": {"message": "Incorrect API key provided: s3cret.", "type": "invalid_request_error", "code": "invalid_api_key"}}  # fmt: skip
OPENAI_QUOTA = {"error": {"message": "You exceeded your current quota.", "code": "insufficient_quota"}}
OLLAMA_NO_MODEL = {"error": {"message": "model 'joy' not found", "type": "not_found_error"}}
VLLM_NO_MODEL = {"object": "error", "message": "The model `joy` does not exist.", "type": "NotFoundError", "code": 404}
THINKS = {"reasoning_content": "The user wants a caption. Let me look at the picture."}

#: What comes, what it means for the request, and words that a person reads.
FAULTS: dict[str, tuple[Answer, type[DtkError], str]] = {
    "the picture is broken": (http(LLAMA_BAD_IMAGE, 400), RefusedRequestError, "Failed to load image"),
    "the prompt is too long": (http(LLAMA_TOO_LONG, 400), RefusedRequestError, "exceeds the available context size"),
    "the request is too large": (http("<html>413 Request Entity Too Large</html>", 413, "text/html"), RefusedRequestError, "Too Large"),
    "the key is wrong": (http(OPENAI_KEY, 401), UnavailableError, "refuses the key"),
    "the key may not": (http({"detail": "Forbidden"}, 403), UnavailableError, "Forbidden"),
    "no money is left": (http(OPENAI_QUOTA, 429), UnavailableError, "paid"),
    "no such path": (http("404 page not found", 404, "text/plain"), UnavailableError, "base_url"),
    "no such model at Ollama": (http(OLLAMA_NO_MODEL, 404), UnavailableError, "does not have this model"),
    "no such model at vLLM": (http(VLLM_NO_MODEL, 404), UnavailableError, "`joy` does not exist"),
    "no such model, as a bad request": (http({"error": "model \"joy\" not found, try pulling it first"}, 400), UnavailableError, "does not have this model"),
    "the model has no eyes": (http(LLAMA_NO_EYES, 500), UnavailableError, "does not see pictures"),
    "the model is loading": (http({"error": {"message": "Loading model", "code": 503}}, 503), UnavailableError, "Loading model"),
    "too many requests": (http("slow down", 429, "text/plain", Retry_After="7"), UnavailableError, "slow down"),
    "a gateway without a server": (http("<html><h1>502 Bad Gateway</h1></html>", 502, "text/html"), UnavailableError, "502 Bad Gateway"),
    "a fault inside": (http({"error": {"message": "CUDA error", "code": 500}}, 500), LostRequestError, "CUDA error"),
    "a redirect": (http("", 302, "text/html", Location="https://login.example/"), UnavailableError, "login.example"),
    "a web page": (http(WEB_PAGE, 200, "text/html"), UnavailableError, "LM Studio"),
    "a web page that says it is JSON": (http(WEB_PAGE), UnavailableError, "web page"),
    "plain text": (http("It works!", 200, "text/plain"), UnavailableError, "It works!"),
    "JSON of something else": (http({"status": "ok"}), UnavailableError, "something else than a chat completion"),
    "a list": (http("[1, 2]"), UnavailableError, "something else than a chat completion"),
    "JSON that is cut off": (http('{"choices": [{"mess'), LostRequestError, "no JSON"),
    "no such path at LM Studio": (http({"error": "Unexpected endpoint or method. (POST /chat/completions)"}), UnavailableError, "base_url"),
    "no choices": (http({"choices": []}), LostRequestError, "no chat completion"),
    "an error as a success": (http({"error": {"message": "CUDA error"}}), LostRequestError, "CUDA error"),
    "no such model, as a success": (http(OLLAMA_NO_MODEL), UnavailableError, "does not have this model"),
    "nothing": (http(b"", 204), LostRequestError, "HTTP 204"),
    "an empty success": (http(b""), LostRequestError, "with nothing"),
    "a dropped connection": (_drop, LostRequestError, "dropped the connection"),
    "half an answer": (_half, LostRequestError, "dropped the connection"),
    "no answer at all": (_hang, LostRequestError, "did not answer within 1 s"),
    "an answer that drips": (_drip, LostRequestError, "within 1 s"),
    "an answer without end": (_endless, LostRequestError, "larger than 4 MB"),
    "another protocol": (_no_http, LostRequestError, "dropped the connection"),
    "a stream that stops": (stream(chunk("A dog"), chunk(" runs"), end=False), LostRequestError, "broke off"),
    "a stream that tells of an error": (stream(chunk("A dog"), json.dumps({"error": {"message": "out of memory", "code": 500}})), LostRequestError, "out of memory"),
    "a stream of no JSON": (stream("{oops"), LostRequestError, "no JSON"),
    "0 tokens": (http(said("")), NoCaptionError, "empty"),
    "no content": (http(said(None)), NoCaptionError, "empty"),
    "cut off": (http(said("A dog on a", "length")), NoCaptionError, "cut off after 12 tokens"),
    "thoughts alone": (http(said("", "length", **THINKS)), NoCaptionError, "thought until"),
    "thoughts in the text": (http(said("<think>The user wants", "length")), NoCaptionError, "thought until"),
    "one sign": (http(said("A" + "!" * 80, "length")), NoCaptionError, "repeats '!'"),
    "one phrase": (http(said("A dog. " + "It is a dog. " * 12)), NoCaptionError, "repeats"),
    "the template": (http(said("<|start_header_id|>assistant A dog.")), NoCaptionError, "chat template"),
    "withheld": (http(said("A", "content_filter")), NoCaptionError, "content filter"),
    "a stream without words": (stream(chunk(None, role="assistant"), chunk("", "stop")), NoCaptionError, "empty"),
}  # fmt: skip


def _asked(answer: Answer, on_text: Callable[[str], None] | None = None, timeout_s: float = 60) -> str:
    """Return the caption; in errors the endpoint is that of the page."""
    with fault_server(answer) as server:
        settings = CaptionSettings(
            backend="openai", base_url=server.url, model="joy", key_command="echo s3cret", timeout_s=timeout_s
        )
        asked = OpenAICaptioner(settings)
        try:
            return caption_of(asked.ask(PICTURE, QUESTION, on_text=on_text))
        except DtkError as error:
            error.title, error.detail = (text.replace(server.url, ENDPOINT) for text in (error.title, error.detail))
            raise
        finally:
            asked.close()


def _fault(name: str) -> DtkError:
    with pytest.raises(DtkError) as caught:
        _asked(FAULTS[name][0], timeout_s=1 if name in SLOW else 60)
    return caught.value


def _row(name: str, error: DtkError) -> str:
    """Return the line of the page: what comes, what a person reads, what becomes of the job."""
    is_transport = error.title == "The endpoint dropped the connection."  # the rest are words of an HTTP library
    words = error.title if is_transport else f"{error.title} {error.detail}".strip()
    return f"| {name} | {words.replace('|', chr(92) + '|').replace('<', '&lt;')} | {_end_of_job(error)} |"


def _end_of_job(error: DtkError) -> str:
    if isinstance(error, UnavailableError):
        wait_s = error.retry_after_s
        return "all wait for a person" if wait_s is None else f"all wait {wait_s:g} s"
    if isinstance(error, LostRequestError):
        return "tried again, then fails"
    return "asked three times, then fails" if isinstance(error, NoCaptionError) and error.again else "fails"


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_in_the_words_of_the_server(name: str) -> None:
    _, kind, words = FAULTS[name]
    error = _fault(name)
    assert type(error) is kind, str(error)
    shown = f"{error.title} {error.detail}"
    assert words in shown
    assert "s3cret" not in shown and "s3cret" not in str(error)
    if not os.environ.get(WRITE) and name not in SLOW:  # on a busy machine another of the two bounds may come first
        assert _row(name, error) in PAGE.read_text(encoding="utf-8").splitlines()


def test_the_page_has_every_fault() -> None:
    if os.environ.get(WRITE):
        rows = [_row(name, _fault(name)) for name in FAULTS]
        PAGE.write_text("\n".join([HEAD, *rows, ""]), encoding="utf-8")
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    assert "\n".join(lines).startswith(HEAD)
    assert [line.split(" | ")[0][2:] for line in lines[len(HEAD.splitlines()) :]] == list(FAULTS)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("too many requests", 7), ("the model is loading", 1), ("the key is wrong", None), ("no money is left", None)],
)
def test_a_wait_is_as_long_as_the_server_says(name: str, seconds: float | None) -> None:
    with pytest.raises(UnavailableError) as caught:
        _asked(FAULTS[name][0])
    assert caught.value.retry_after_s == seconds


@pytest.mark.parametrize(("header", "seconds"), [("0", 1), ("1e12", 600), ("-3", 1), ("nan", 1), ("soon", 1), ("Wed, 21 Oct 2099 07:28:00 GMT", 600), ("Wed, 21 Oct 2015 07:28:00 GMT", 1)])  # fmt: skip
def test_a_retry_after_has_bounds(header: str, seconds: float) -> None:
    with pytest.raises(UnavailableError) as caught:
        _asked(http("busy", 503, "text/plain", Retry_After=header))
    assert caught.value.retry_after_s == seconds


def test_an_endpoint_that_is_not_there_may_come() -> None:
    with fault_server(_drop) as server:
        url = server.url
    asked = OpenAICaptioner(CaptionSettings(backend="openai", base_url=url, model="joy"))
    with pytest.raises(UnavailableError, match="cannot be reached") as caught:
        asked.ask(PICTURE, QUESTION)
    assert caught.value.retry_after_s == 1


@pytest.mark.parametrize(
    ("answer", "caption"),
    [
        (http(said(" A dog. ")), "A dog."),
        (http(said("<think>Hm.</think>\n\nA dog.")), "A dog."),
        (http(said("A dog.<|eot_id|>")), "A dog."),
        (http(said("A dog.", None)), "A dog."),
        (http(said("A dog.", **THINKS)), "A dog."),
        (http({"choices": [{"message": {"content": [{"type": "text", "text": "A "}, {"type": "text", "text": "dog."}]}}]}), "A dog."),
        (stream(chunk(None), chunk(" A"), chunk(" dog."), chunk(None, "stop"), '{"choices": [], "usage": {}}'), "A dog."),
        (stream(chunk("A dog."), chunk(None, "stop"), end=False), "A dog."),
    ],
)  # fmt: skip
def test_what_is_a_caption_is_one(answer: Answer, caption: str) -> None:
    assert _asked(answer) == caption


@pytest.mark.parametrize("answer", [stream(chunk("A"), chunk(" dog."), chunk(None, "stop")), http(said("A dog."))])
def test_a_caption_streams_where_the_endpoint_streams(answer: Answer) -> None:
    pieces: list[str] = []
    assert _asked(answer, pieces.append) == "A dog."
    assert "".join(pieces) == "A dog."


def test_the_request_has_the_picture_first_and_the_key_in_its_header() -> None:
    with fault_server(http(said("A dog."))) as server:
        asked = OpenAICaptioner(
            CaptionSettings(
                backend="openai", base_url=server.url + "/", model="joy", key_command="printf 's3cret\\nlogin: me'"
            )
        )
        answer = asked.ask(PICTURE, QUESTION)
        asked.close()
    (body,) = server.bodies
    assert server.heads[0].startswith("POST /v1/chat/completions ")
    assert "authorization: bearer s3cret\r\n" in server.heads[0].lower()
    system, user = body["messages"]
    assert system == {"role": "system", "content": "You caption."}
    assert [part["type"] for part in user["content"]] == ["image_url", "text"]
    assert user["content"][0]["image_url"]["url"] == "data:image/jpeg;base64,/9ggYSBwaWN0dXJl"
    assert (body["model"], body["max_tokens"], body["seed"], body["temperature"]) == ("joy", 512, 3, 0.6)
    assert not {"stream", "stop", "id_slot", "n"} & set(body), "names that not every endpoint takes"
    assert (answer.tokens, answer.prompt_tokens, answer.cached_tokens) == (12, 600, 585)


def test_the_key_is_asked_for_again_when_it_was_refused(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOY_KEY", "old")
    with fault_server(http(OPENAI_KEY, 401)) as server:
        asked = OpenAICaptioner(CaptionSettings(backend="openai", base_url=server.url, model="joy", key_env="JOY_KEY"))
        with pytest.raises(UnavailableError):
            asked.ask(PICTURE, QUESTION)
        monkeypatch.setenv("JOY_KEY", "new")
        server.answer = http(said("A dog."))
        assert asked.ask(PICTURE, QUESTION).text == "A dog."
        asked.close()
    assert "bearer new" in server.heads[1].lower()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"key_env": "NOT_THERE_AT_ALL"}, "NOT_THERE_AT_ALL"),
        ({"key_command": "echo no such entry >&2; exit 3"}, "no such entry"),
        ({"key_command": "true"}, "status 0"),
    ],
)
def test_a_key_that_is_not_to_be_had_is_no_fault_of_a_picture(settings: dict[str, str], words: str) -> None:
    asked = OpenAICaptioner(
        CaptionSettings(backend="openai", base_url="http://127.0.0.1:9/v1", model="joy", **settings)
    )
    with pytest.raises(UnavailableError, match=words) as caught:
        asked.ask(PICTURE, QUESTION)
    assert caught.value.retry_after_s is None
