"""WanGP: its settings as JSON in a comment (PNG ``comment``, EXIF, MP4, Matroska) or in a ``.json`` beside the file."""

from __future__ import annotations

from typing import Any

from dtk_tui.domain.parameters import GenerationParameters, Lora
from dtk_tui.metadata import json_parameters, values
from dtk_tui.metadata.dialects.base import DialectReading
from dtk_tui.metadata.fields import MetadataFields

NAME = "wangp"
_SIGNATURE = "WanGP"
# Where plugins left the signature out, these together stand in no other program's JSON.
_MARKS = frozenset({"settings_version", "model_type", "activated_loras", "loras_multipliers", "image_mode"})


def read(fields: MetadataFields) -> DialectReading | None:
    """Return the parameters of a picture or video by WanGP."""
    for source in json_parameters.objects(fields):
        signed = isinstance(source.get("type"), str) and source["type"].startswith(_SIGNATURE)
        if signed or len(_MARKS.intersection(source)) >= 3:
            return DialectReading(NAME, _parameters(source))
    return None


def _parameters(source: dict[str, Any]) -> GenerationParameters:
    """Return what the settings say, under the names of WanGP's own form."""
    get = source.get
    width, height = json_parameters.size_of(get("resolution"))
    positive = values.prompt(get("prompt"))
    strength = values.number(get("denoising_strength"))
    return GenerationParameters(
        prompt=positive,
        negative_prompt=values.prompt(get("negative_prompt")) or ("" if positive is not None else None),
        steps=values.count(get("num_inference_steps")),
        sampler=values.text(get("sample_solver")),
        cfg_scale=values.number(get("guidance_scale")),
        seed=values.seed(get("seed")),
        width=width,
        height=height,
        model=_model(source),
        denoising_strength=None if strength is None or strength >= 1 else strength,
        upscaler=values.text(get("spatial_upsampling")),
        loras=_loras(get("activated_loras"), get("loras_multipliers")),
    )


def _model(source: dict[str, Any]) -> str | None:
    """Return the model: its name stands behind the signature, its key in ``model_type``."""
    signature = source.get("type")
    name = signature.partition(" - ")[2] if isinstance(signature, str) else ""
    return values.text(name) or values.text(source.get("model_type")) or _file(source.get("model_filename"))


def _file(value: object) -> str | None:
    """Return the file name of a path or an address."""
    found = values.text(value)
    return None if found is None else found.replace("\\", "/").rstrip("/").rpartition("/")[2] or None


def _loras(names: object, multipliers: object) -> tuple[Lora, ...]:
    """Return LoRAs; a multiplier that changes with the step or the phase (``1,0.5`` or ``1;0``) is no weight."""
    files = [name for item in (names if isinstance(names, list) else []) if (name := _file(item))]
    weights: list[Any] = multipliers if isinstance(multipliers, list) else []
    if isinstance(multipliers, str):
        lines = [line for line in multipliers[:100_000].replace("\r", "").split("\n") if not line.startswith("#")]
        weights = " ".join(lines).replace("|", " ").split()
    return json_parameters.paired_loras(files, weights)
