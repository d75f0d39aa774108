"""The server over llama-cpp-python: its HTTP with a model that says what a test wants, and the real one where it is."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import convert, structs

from dtk_tui.errors import ModelError
from dtk_tui.inference.captioner import llama_server, picture
from dtk_tui.inference.captioner.base import LostRequestError, Question, RefusedRequestError, Sampling, UnavailableError
from dtk_tui.inference.captioner.chat_client import ChatClient
from dtk_tui.inference.captioner.connection import check_connection
from dtk_tui.inference.captioner.llama_server import LlamaCaptioner
from dtk_tui.inference.captioner.package_server import PackageServer, serve
from dtk_tui.settings import CaptionSettings

QUESTION = Question("Describe it.", "You caption.", Sampling(max_tokens=3), 7)


class Model:
    """Answers with three words, as the package does: a chunk with the role, one a token, one with the reason."""

    def __init__(self) -> None:
        self.n_tokens = 0
        self.asked: list[dict[str, Any]] = []
        self.error: Exception | None = None
        self.on_word: Callable[[], object] = lambda: None

    def create_chat_completion(self, messages: Any, *, stream: bool, **settings: Any) -> Iterator[Mapping[str, Any]]:
        assert stream
        if self.error is not None:
            raise self.error
        self.asked.append({"messages": messages, **settings})
        self.n_tokens = 20
        return self._chunks()

    def _chunks(self) -> Iterator[Mapping[str, Any]]:
        yield {"choices": [{"delta": {"role": "assistant"}, "finish_reason": None}]}
        for word in (" A", " red", " fox"):
            self.n_tokens += 1
            yield {"choices": [{"delta": {"content": word}, "finish_reason": None}]}
            self.on_word()
        yield {"choices": [{"delta": {}, "finish_reason": "length"}]}


@contextmanager
def served(model: Model) -> Iterator[tuple[PackageServer, ChatClient]]:
    server = serve("127.0.0.1", 0, key="secret", alias="joycaption", load=lambda: model)
    client = ChatClient(f"http://127.0.0.1:{server.server_address[1]}/v1", server.key, timeout_s=30, connections=2)
    try:
        yield server, client
    finally:
        client.close()
        server.shutdown()
        server.server_close()


def test_it_answers_as_llama_cpp_does() -> None:
    model = Model()
    with served(model) as (_, client):
        assert [one["id"] for one in client.models()] == ["joycaption"]
        pieces: list[str] = []
        for on_text in (None, pieces.append):
            answer = client.ask("joycaption", b"jpeg", QUESTION, slot=0, on_text=on_text)
            assert (answer.text, answer.finish_reason) == (" A red fox", "length")
            assert (answer.prompt_tokens, answer.tokens, answer.cached_tokens) == (20, 3, 0)
        assert pieces == [" A", " red", " fox"]
    system, user = model.asked[0]["messages"]
    assert system == {"role": "system", "content": "You caption."}
    assert [part["type"] for part in user["content"]] == ["image_url", "text"]
    assert user["content"][0]["image_url"]["url"].endswith(base64.b64encode(b"jpeg").decode())
    settings = {name: model.asked[0][name] for name in ("temperature", "top_p", "top_k", "min_p", "max_tokens", "seed")}
    assert settings == {"temperature": 0.6, "top_p": 0.9, "top_k": 0, "min_p": 0.0, "max_tokens": 3, "seed": 7}


def test_what_it_cannot_answer_is_told_in_its_words() -> None:
    model = Model()
    with served(model) as (server, client):
        model.error = ValueError("Failed to create bitmap from image bytes")
        with pytest.raises(RefusedRequestError, match="Failed to create bitmap"):
            client.ask("joycaption", b"no picture", QUESTION)
        model.error = RuntimeError("llama_decode returned -3")
        with pytest.raises(LostRequestError, match="RuntimeError: llama_decode"):
            client.ask("joycaption", b"jpeg", QUESTION)
        model.error = None
        url = f"http://127.0.0.1:{server.server_address[1]}"
        assert httpx.get(f"{url}/v1/models").status_code == 401, "everything but the health needs the key"
        assert httpx.get(f"{url}/health").status_code == 200
        allowed = {"Authorization": "Bearer secret"}
        assert httpx.get(f"{url}/else", headers=allowed).status_code == 404
        assert httpx.post(f"{url}/v1/chat/completions", headers=allowed, content=b"no JSON").status_code == 400
        assert httpx.post(f"{url}/v1/chat/completions", headers=allowed, json={}).status_code == 400
        server.model = None
        assert httpx.get(f"{url}/health").status_code == 503
        with pytest.raises(UnavailableError, match="Loading model"):
            client.ask("joycaption", b"jpeg", QUESTION)


def test_who_hangs_up_makes_room_for_the_next() -> None:
    class EnoughError(Exception):
        pass

    def stop(piece: str) -> None:
        raise EnoughError

    model, gone = Model(), threading.Event()
    model.on_word = lambda: gone.wait(30)
    with served(model) as (_, client):
        with pytest.raises(EnoughError):
            client.ask("joycaption", b"jpeg", QUESTION, on_text=stop)
        gone.set()
        assert client.ask("joycaption", b"jpeg", QUESTION).text == " A red fox"


def test_a_package_is_named_like_a_server(
    llava_pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"model": str(llava_pair[0]), "projector": str(llava_pair[1]), "server": "llama-cpp-python", "slots": 8}
    settings = convert(given, CaptionSettings)
    monkeypatch.setattr(llama_server, "find_spec", lambda name: object() if name == "llama_cpp" else None)
    monkeypatch.setenv("PATH", str(tmp_path))
    for one in (settings, structs.replace(settings, server=None)):
        assert LlamaCaptioner(one, tmp_path / "captioner.log").slots == 1, "it has no slots"
    monkeypatch.setattr(llama_server, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install 'dtk-tui\[llama-cpp-python\]'"):
        LlamaCaptioner(settings, tmp_path / "captioner.log")


def test_the_real_one_captions(llava_pair: tuple[Path, Path], tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp", reason="an optional extra, which is compiled")
    given = {"model": str(llava_pair[0]), "projector": str(llava_pair[1]), "context": 1024, "timeout_s": 60}
    tokens = []
    for server in ("xllamacpp", "llama-cpp-python"):
        asked = LlamaCaptioner(convert(given | {"server": server}, CaptionSettings), tmp_path / "captioner.log")
        try:
            answer = asked.ask(picture.plain((56, 56)), QUESTION, slot=0)
            tokens.append(answer.prompt_tokens)
            assert answer.text.strip()[0].isalpha()
            if server != "xllamacpp":
                report = check_connection(asked)
                assert (report.ok, report.models, report.vision) == (True, ["joycaption"], True), report.detail
                with pytest.raises(RefusedRequestError):
                    asked.ask(b"no picture", QUESTION, slot=0)
        finally:
            asked.close()
    assert tokens[0] == tokens[1], "the same prompt, the begin of the text once"
