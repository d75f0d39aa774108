"""Chat completions in OpenAI's form: whole ones and streams of chunks, read without trusting their shape."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any

from dtk_tui.inference.captioner.base import Answer, LostRequestError, Question
from dtk_tui.inference.captioner.refusals import no_completion, quoted, refuse, words_of

#: A caption of any model is smaller; a server that sends without end is broken.
LARGEST = 4_000_000


def picture_part(picture: bytes) -> bytes:
    """Return the JSON of a picture in a message, to be made once for all questions about it; empty for none.

    Args:
        picture: an encoded JPEG.
    """
    if not picture:
        return b""
    return b'{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,%b"}}' % base64.b64encode(picture)


def request_body(model: str, part: bytes, question: Question, slot: int | None, *, stream: bool) -> bytes:
    """Return the JSON of a request: the picture part first, so that a server finds it in its cache whatever follows.

    Args:
        part: of ``picture_part``.
    """
    text = _json({"type": "text", "text": question.prompt})
    messages = b'{"role":"user","content":[%b]}' % (b"%b,%b" % (part, text) if part else text)
    if question.system:
        messages = b"%b,%b" % (_json({"role": "system", "content": question.system}), messages)
    settings: dict[str, Any] = {
        "model": model,
        "temperature": question.sampling.temperature,
        "top_p": question.sampling.top_p,
        "max_tokens": question.sampling.max_tokens,
        "seed": question.seed,
    }
    if slot is not None:
        # Names of llama.cpp's server: JoyCaption was tuned without the limits that it sets by default.
        settings |= {"id_slot": slot, "cache_prompt": True, "top_k": 0, "min_p": 0.0}
    if stream:
        settings |= {"stream": True, "stream_options": {"include_usage": True}}
    return b'%b,"messages":[%b]}' % (_json(settings)[:-1], messages)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def read_completion(body: bytes) -> Answer:
    """Read a whole completion.

    Raises:
        LostRequestError, RefusedRequestError, UnavailableError: it is none, or an error sent as a success.
    """
    try:
        found = json.loads(body)
    except ValueError as error:
        if not body.lstrip().startswith(b"{"):
            raise no_completion(body) from error
        raise LostRequestError("The endpoint's answer is no JSON.", quoted(words_of(body))) from error
    reader = _Reader(None)
    reader.add(found, whole=True)
    return reader.answer()


def read_stream(lines: Iterable[str], on_text: Callable[[str], None]) -> Answer:
    """Read a stream of chunks.

    Args:
        on_text: gets each piece of the answer.

    Raises:
        LostRequestError, RefusedRequestError, UnavailableError: it broke off, or told of an error.
    """
    reader = _Reader(on_text)
    for line in lines:
        field, _, value = line.partition(":")
        if field not in ("data", "error") or not value.strip():
            continue
        if value.strip() == "[DONE]":
            reader.done = True
            break
        try:
            chunk = json.loads(value)
        except ValueError as error:
            raise LostRequestError("A piece of the endpoint's answer is no JSON.", words_of(value.encode())) from error
        reader.add({"error": chunk} if field == "error" else chunk, whole=False)
    if not (reader.done or reader.finish_reason):
        raise LostRequestError("The endpoint's answer broke off.", "Its stream ended before the answer did.")
    return reader.answer()


class _Reader:
    """Puts an answer together from what has the shape of one."""

    def __init__(self, on_text: Callable[[str], None] | None) -> None:
        self.done = False
        self.finish_reason = ""
        self._on_text = on_text
        self._text: list[str] = []
        self._thoughts: list[str] = []
        self._usage: dict[str, Any] = {}
        self._timings: dict[str, Any] = {}
        self._size = 0

    def add(self, found: Any, *, whole: bool) -> None:
        """Take a completion, or one chunk of it."""
        if whole and (not isinstance(found, dict) or not found.keys() & {"choices", "error"}):
            raise no_completion(json.dumps(found).encode())
        if not isinstance(found, dict):
            raise LostRequestError("The endpoint's answer is no chat completion.", words_of(json.dumps(found).encode()))
        if (error := found.get("error")) is not None:
            code = error.get("code") if isinstance(error, dict) else None
            status = code if isinstance(code, int) and 400 <= code < 600 else 500
            refuse(status, {}, json.dumps(found).encode())
        choices = found.get("choices")
        if whole and not (isinstance(choices, list) and choices):
            raise LostRequestError("The endpoint's answer is no chat completion.", words_of(json.dumps(found).encode()))
        self._usage = found["usage"] if isinstance(found.get("usage"), dict) else self._usage
        self._timings = found["timings"] if isinstance(found.get("timings"), dict) else self._timings
        choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        message = choice.get("message" if whole else "delta")
        if isinstance(message, dict):
            self._take(message)
        reason = choice.get("finish_reason")
        self.finish_reason = reason if isinstance(reason, str) else self.finish_reason

    def _take(self, message: dict[str, Any]) -> None:
        for key in ("reasoning_content", "reasoning", "thinking"):
            if isinstance(thought := message.get(key), str):
                self._thoughts.append(thought)
                break
        content = message.get("content")
        parts = content if isinstance(content, list) else [content]
        for part in parts:
            text = part.get("text") if isinstance(part, dict) else part
            if isinstance(text, str) and text:
                self._size += len(text)
                if self._size > LARGEST:
                    raise LostRequestError("The endpoint's answer has no end.")
                self._text.append(text)
                if self._on_text is not None:
                    self._on_text(text)

    def answer(self) -> Answer:
        """Return what came."""
        details = self._usage.get("prompt_tokens_details")
        cached = details.get("cached_tokens") if isinstance(details, dict) else None
        return Answer(
            text="".join(self._text),
            thoughts="".join(self._thoughts),
            finish_reason=self.finish_reason,
            tokens=_number(self._usage.get("completion_tokens"), self._timings.get("predicted_n")),
            prompt_tokens=_number(self._usage.get("prompt_tokens")),
            cached_tokens=_number(cached, self._timings.get("cache_n")),
        )


def _number(*values: Any) -> int:
    return next((value for value in values if isinstance(value, int) and value >= 0), 0)
