"""How an image was made, as read from its file."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Lora:
    """One LoRA that took part, with its weights (None: not said)."""

    name: str
    weight: float | None = None
    clip_weight: float | None = None


@dataclass(frozen=True, slots=True)
class GenerationParameters:
    """Generation parameters; None means that the file does not say.

    ``prompt`` is None where a file has no prompt at all and "" where its writer wrote an empty one. ``seed`` is an
    unsigned 64-bit number (a "-1" in a file means unknown and becomes None). ``width`` and ``height`` are what the
    program was asked for, which may differ from the pixels of the file. Numbers that could not be read strictly stay
    in the raw chunks only.
    """

    prompt: str | None = None
    negative_prompt: str | None = None
    steps: int | None = None
    sampler: str | None = None
    scheduler: str | None = None
    cfg_scale: float | None = None
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    model: str | None = None
    model_hash: str | None = None
    clip_skip: int | None = None
    denoising_strength: float | None = None
    vae: str | None = None
    upscaler: str | None = None
    loras: tuple[Lora, ...] = field(default=())

    def with_defaults(self, other: GenerationParameters) -> GenerationParameters:
        """Return these with what they lack from ``other``."""
        missing: dict[str, Any] = {}
        for each in fields(GenerationParameters):
            value = getattr(self, each.name)
            if value is None or value == ():
                missing[each.name] = getattr(other, each.name)
        return replace(self, **missing) if missing else self


@dataclass(frozen=True, slots=True)
class RawChunk:
    """One piece of metadata exactly as it stood in the file.

    ``source`` says where (``png``, ``exif``, ``xmp``, ``jpeg-comment``, ``gif-comment``, ``stealth``, ``sidecar`` ...),
    ``key`` is the keyword or tag name, ``text`` the decoded text (undecodable bytes as lone surrogates).
    """

    source: str
    key: str
    text: str


@dataclass(frozen=True, slots=True)
class FileReading:
    """What one look into one file gave.

    Attributes:
        container: ``PNG``, ``JPEG``, ``WEBP``, ``GIF``, ``AVIF``, ``JXL``, ``SVG``, ``EXR``, ``MP4`` ... by content.
        width, height: pixels of the picture as it is shown, or None when the header does not say.
        dialect: name of the metadata dialect, or None when the file carries no generation parameters.
        parameters: all None when ``dialect`` is None.
        chunks: raw text as read, so that a better reader can derive the parameters again.
        fingerprint: 16 bytes, the identity of the content: it survives a move or a rename.
        file_size, mtime_ns: of the very file that was read (fstat of the open file).
        is_video: a moving picture (MP4, WebM, MOV).
        error: why (a part of) the file could not be read; None when all was well.
    """

    container: str | None
    width: int | None
    height: int | None
    dialect: str | None
    parameters: GenerationParameters
    chunks: tuple[RawChunk, ...]
    fingerprint: bytes
    file_size: int
    mtime_ns: int
    is_video: bool = False
    error: str | None = None
