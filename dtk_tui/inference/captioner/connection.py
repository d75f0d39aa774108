"""The connection test of a captioner: what models it has, and whether the one that is named sees pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw

from dtk_tui.errors import DtkError
from dtk_tui.inference.captioner.base import Answer, Captioner, Question, Sampling
from dtk_tui.text import counted

_PROMPT = "Which colour has the circle in this image? Answer in a few words."
_TOKENS = 256
_RED, _BLUE = (220, 20, 30), (20, 60, 220)
_EDGE = 336
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """What a test found.

    Attributes:
        ok: whether captions can be made.
        models: what the server has; empty when it does not say.
        vision: whether the model takes pictures into account; None when that is not known.
        detail: what was answered, or what is wrong and what to do.
    """

    ok: bool
    models: list[str]
    vision: bool | None
    detail: str


def check_connection(captioner: Captioner) -> ConnectionReport:
    """Ask a captioner for its models, and about two small pictures that differ in one colour.

    A server whose model has no eyes may take a picture and answer all the same. One that looks at it reads more tokens
    than there are without a picture, or says something else of another one.
    """
    models: list[str] = []
    trouble = ""
    try:
        captioner.open()
        models = captioner.models()
    except DtkError as error:
        trouble = f" Its list of models: {error}"
    try:
        size = captioner.picture_size()
        pieces: list[str] = []
        red = _ask(captioner, _circle(size, _RED), pieces.append)
        blue, blind = _ask(captioner, _circle(size, _BLUE)), _ask(captioner, b"")
    except DtkError as error:
        return ConnectionReport(False, models, False if "does not see pictures" in error.title else None, str(error))
    vision: bool | None = red.text != blue.text or red.prompt_tokens > blind.prompt_tokens > 0
    if not vision and not blind.prompt_tokens:
        vision = None
    shown = [" ".join(answer.text.split())[:_SHOWN] for answer in (red, blue)]
    streams = f" The answer came in {counted(len(pieces), 'piece')}." if pieces else ""
    detail = f"Of a red circle it says {shown[0]!r}, of a blue one {shown[1]!r}.{streams}"
    if vision is False:
        detail += " It reads no more with a picture than without: name a model with vision in [captions]."
    return ConnectionReport(vision is not False, models, vision, detail + trouble)


def _ask(captioner: Captioner, picture: bytes, on_text: Callable[[str], None] | None = None) -> Answer:
    question = Question(_PROMPT, "", Sampling(temperature=0.0, max_tokens=_TOKENS))
    return captioner.ask(picture, question, slot=0, on_text=on_text)


def _circle(size: int | tuple[int, int], colour: tuple[int, int, int]) -> bytes:
    width, height = (min(size, _EDGE),) * 2 if isinstance(size, int) else size
    picture = Image.new("RGB", (width, height), (255, 255, 255))
    ImageDraw.Draw(picture).ellipse((width // 4, height // 4, width * 3 // 4, height * 3 // 4), colour)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=95, subsampling=0)
    return out.getvalue()
