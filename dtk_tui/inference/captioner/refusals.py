"""What the statuses and bodies of an endpoint mean: this request fails, it may pass later, or nothing can be asked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

from dtk_tui.inference.captioner.base import LostRequestError, RefusedRequestError, UnavailableError

#: Bounds of a Retry-After: a server that says 0 is not asked in a circle, one that says a year is asked before.
_SOONEST_S, _LATEST_S = 1.0, 600.0
_SHOWN = 600

_NO_MODEL = re.compile(
    r"model[^.]{0,200}\b(?:not found|does not exist|not loaded|is not available|unknown)"
    r"|no (?:such )?models?\b|model_not_found|invalid model|unknown model",
    re.IGNORECASE,
)
_NO_VISION = re.compile(
    r"image input is not supported|mmproj|does not support (?:image|vision|multimodal)|not a (?:vision|multimodal)"
    r"|not multimodal|image_url is only supported",
    re.IGNORECASE,
)
#: LM Studio says so with status 200.
_NO_PATH = re.compile(r"unexpected endpoint|unknown request url", re.IGNORECASE)
_NO_CREDIT = re.compile(r"insufficient_quota|billing|credit balance|payment required", re.IGNORECASE)
_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]{0,500}>", re.IGNORECASE | re.DOTALL)

_CREDENTIALS = "Check key_env or key_command in [captions] of config.toml."
_PLACE = "Check base_url in [captions] of config.toml; most endpoints want /v1 at its end."


def words_of(body: bytes) -> str:
    """Return what a body says, as one bounded line: the message of a JSON error, the text of a page, or as it is."""
    text = body[:20_000].decode("utf-8", "replace")
    try:
        text = _message(json.loads(text)) or text
    except ValueError:
        if "<" in text and re.search(r"<(?:!doctype|html|body|head|title)\b", text, re.IGNORECASE):
            text = _TAGS.sub(" ", text)
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _message(body: Any) -> str:
    """Return the message in an error of OpenAI's, Ollama's, FastAPI's or llama.cpp's form."""
    for key in ("error", "message", "detail", "msg"):
        if isinstance(body, dict) and body.get(key):
            inner = body[key]
            if isinstance(inner, str):
                return inner
            code = inner.get("code") if isinstance(inner, dict) else None
            found = _message(inner) or json.dumps(inner)
            return f"{found} ({code})" if isinstance(code, str) and code not in found else found
    return ""


def quoted(words: str) -> str:
    """Return the sentence that tells what a server says."""
    if not words:
        return "It says nothing more."
    return f"It says: {words}" if words[-1] in ".!?" else f"It says: {words}."


def no_completion(body: bytes) -> UnavailableError:
    """Return what an answer means that has nothing to do with what was asked: it is hardly the picture's fault."""
    title = "The endpoint answers with something else than a chat completion."
    return UnavailableError(title, f"{quoted(words_of(body))} {_PLACE}", retry_after_s=_SOONEST_S)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After, within bounds; None without one."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value).astimezone(UTC) - datetime.now(UTC)).total_seconds()
        except ValueError:
            return None
    return min(max(seconds, _SOONEST_S), _LATEST_S) if seconds == seconds else None  # noqa: PLR0124 (NaN)


def refuse(status: int, headers: Mapping[str, str], body: bytes) -> NoReturn:
    """Raise what an answer means that is no success.

    Raises:
        RefusedRequestError: this request, and it alone, cannot succeed.
        LostRequestError: the same request may succeed later.
        UnavailableError: no request can succeed now.
    """
    words = words_of(body)
    said = quoted(words)
    if 300 <= status < 400:
        target = headers.get("location", "")[:200] or "nowhere"
        raise UnavailableError(f"The endpoint sends us elsewhere (HTTP {status}), to {target}.", f"{_PLACE} {said}")
    if status in (401, 403):
        raise UnavailableError(f"The endpoint refuses the key (HTTP {status}).", f"{said} {_CREDENTIALS}")
    if status == 402 or (status in (400, 403, 429) and _NO_CREDIT.search(words)):
        raise UnavailableError(f"The endpoint wants to be paid (HTTP {status}).", said)
    if _NO_VISION.search(words):
        raise UnavailableError(
            f"The model does not see pictures (HTTP {status}).", f"{said} Name one with vision in [captions]."
        )
    if status in (400, 404, 422, 500) and _NO_MODEL.search(words):
        raise UnavailableError(
            f"The endpoint does not have this model (HTTP {status}).", f"{said} See the models: dtk caption test"
        )
    if status in (404, 405, 406, 410, 426) or _NO_PATH.search(words):
        raise UnavailableError(f"There is no such endpoint (HTTP {status}).", f"{said} {_PLACE}")
    if status in (408, 425, 429, 502, 503, 504):
        wait_s = retry_after(headers) or _SOONEST_S
        raise UnavailableError(f"The endpoint cannot answer just now (HTTP {status}).", said, retry_after_s=wait_s)
    if 400 <= status < 500:
        raise RefusedRequestError(f"The endpoint refuses this request (HTTP {status}).", said)
    raise LostRequestError(f"The endpoint answers with HTTP {status}.", said)
