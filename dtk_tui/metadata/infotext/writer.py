"""Writing an infotext: the generation parameters of an image as AUTOMATIC1111 writes and reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from dtk_tui.domain.library import ImageDetail

#: Names of settings that stand in ``ImageDetail.extra``.
_EXTRA = (
    ("Clip skip", "clip_skip"), ("Denoising strength", "denoising_strength"), ("VAE", "vae"),
    ("Hires upscaler", "upscaler"),
)  # fmt: skip


def write_infotext(detail: ImageDetail) -> str:
    """Return what is known of how an image was made, in the form of stable-diffusion-webui (infotext_utils.py).

    Prompt, a line ``Negative prompt:`` where there is one, and a line of settings from ``Steps:`` on; values with
    commas, colons or line breaks are JSON strings. Empty where nothing is known.
    """
    parts = [detail.prompt] if detail.prompt else []
    if detail.negative_prompt:
        parts.append(f"Negative prompt: {detail.negative_prompt}")
    settings = ", ".join(f"{name}: {_quoted(value)}" for name, value in _settings(detail))
    return "\n".join([*parts, *([settings] if settings else [])])


def _settings(detail: ImageDetail) -> Iterator[tuple[str, object]]:
    width, height = detail.extra.get("width"), detail.extra.get("height")
    if not (width and height):
        width, height = detail.width, detail.height
    is_made = detail.prompt is not None or detail.steps is not None or detail.seed is not None
    found: tuple[tuple[str, object], ...] = (
        ("Steps", detail.steps),
        ("Sampler", detail.sampler),
        ("Schedule type", detail.scheduler),
        ("CFG scale", detail.cfg_scale),
        ("Seed", detail.seed),
        ("Size", f"{width}x{height}" if width and height and is_made else None),
        ("Model hash", detail.model_hash),
        ("Model", detail.model),
        *((name, detail.extra.get(key)) for name, key in _EXTRA),
    )
    for name, value in found:
        if value is not None and value != "":
            yield name, value


def _quoted(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e6 else str(value)
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if any(sign in text for sign in ',:"\n') else text
