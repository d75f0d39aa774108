"""InvokeAI in three generations: a command line in ``Dream``, then JSON in ``sd-metadata`` or ``invokeai_metadata``."""

from __future__ import annotations

import re
from typing import Any

from dtk_tui.domain.parameters import GenerationParameters, Lora
from dtk_tui.metadata import json_parameters, values
from dtk_tui.metadata.dialects import invokeai_graph
from dtk_tui.metadata.dialects.base import DialectReading
from dtk_tui.metadata.fields import MetadataFields

_NEGATIVE = re.compile(r"\[([^\[\]]{0,100000})\]")
# A short option may touch its value (-C7.5); both kinds may lack one.
_OPTION = re.compile(r"\s(?:--([A-Za-z][\w-]*)(?:[ =]([^\s-]\S*|-\d\S*))?|-([A-Za-z])(?:[ =]?([^\s-]\S*|-\d\S*))?)")
_SPACES = re.compile(" +")
_FIRST_OPTION = re.compile(r"\s--?[A-Za-z]")
_DREAM_NAMES = {
    "s": "steps", "S": "seed", "W": "width", "H": "height", "C": "cfg_scale", "A": "sampler", "f": "strength",
}  # fmt: skip


def read(fields: MetadataFields) -> DialectReading | None:
    """Return the parameters of an InvokeAI picture, from the newest kind of metadata that it has."""
    for key, build in (("invokeai_metadata", _metadata), ("sd-metadata", _sd_metadata), ("invokeai_graph", _graph)):
        if key in fields.texts:
            source = fields.json(key)
            found = None if source is None else build(source)
            if found is not None:
                return DialectReading("invokeai", found)
    dream = fields.texts.get("Dream")
    found = _dream(dream) if dream else None
    return None if found is None else DialectReading("invokeai", found)


def _metadata(source: dict[str, Any]) -> GenerationParameters | None:
    """Read ``invokeai_metadata`` (3.0 and newer); what InvokeAI calls scheduler names the sampler."""
    get = source.get
    model, upscaler = get("model"), get("upscale_model")
    vae = json_parameters.pick(source, "vae", "wan_vae_model", "qwen_image_vae")
    positive = values.prompt(get("positive_prompt"))
    if positive is None and model is None and get("seed") is None:
        return None
    return GenerationParameters(
        prompt=positive,
        negative_prompt=values.prompt(get("negative_prompt")) or ("" if positive is not None else None),
        steps=values.count(json_parameters.pick(source, "steps", "ideogram4_steps")),
        sampler=values.text(get("scheduler")),
        cfg_scale=values.number(json_parameters.pick(source, "cfg_scale", "guidance", "ideogram4_guidance_scale")),
        seed=values.seed(get("seed")),
        width=values.pixels(get("width")),
        height=values.pixels(get("height")),
        model=_model(model, "model_name", "name"),
        model_hash=_model(model, "hash", "model_hash"),
        clip_skip=values.count(get("clip_skip")) or None,
        denoising_strength=values.number(get("strength")),
        vae=_model(vae, "model_name", "name"),
        upscaler=_model(upscaler, "name", "model_name"),
        loras=_loras(get("loras")),
    )


def _model(value: object, *names: str) -> str | None:
    """Return one field of a model's description; old versions wrote the name alone."""
    if isinstance(value, dict):
        return values.text(json_parameters.pick(value, *names))
    return values.text(value) if names[0] in ("model_name", "name") else None


def _loras(items: object) -> tuple[Lora, ...]:
    """Return LoRAs; 3.x named the model ``lora``, later versions ``model``."""
    found = []
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict):
            name = _model(json_parameters.pick(item, "model", "lora"), "model_name", "name")
            if name is not None:
                found.append(Lora(name, values.number(item.get("weight"))))
    return tuple(found)


def _sd_metadata(source: dict[str, Any]) -> GenerationParameters | None:
    """Read ``sd-metadata`` (1.x and 2.x): one ``image``, or a list ``images`` of which the first counts."""
    image = source.get("image")
    if not isinstance(image, dict):
        images = source.get("images")
        image = images[0] if isinstance(images, list) and images and isinstance(images[0], dict) else None
    if image is None:
        return None
    prompts = image.get("prompt")
    if isinstance(prompts, list):
        parts = [item.get("prompt") if isinstance(item, dict) else item for item in prompts]
        prompts = " ".join(part for part in parts if isinstance(part, str))
    positive, negative = _split(prompts) if isinstance(prompts, str) else (None, None)
    model = values.text(source.get("model_weights")) or values.text(source.get("model_id"))
    return GenerationParameters(
        prompt=positive,
        negative_prompt=negative,
        steps=values.count(image.get("steps")),
        sampler=values.text(image.get("sampler")),
        cfg_scale=values.number(image.get("cfg_scale")),
        seed=values.seed(image.get("seed")),
        width=values.pixels(image.get("width")),
        height=values.pixels(image.get("height")),
        model=model,
        model_hash=values.text(source.get("model_hash")),
        denoising_strength=values.number(image.get("strength")) if image.get("type") == "img2img" else None,
    )


def _split(prompt: str) -> tuple[str, str]:
    """Return positive and negative prompt: InvokeAI took the words in square brackets as unwanted ones."""
    negatives = [part.strip() for part in _NEGATIVE.findall(prompt)]
    if not negatives:
        return prompt.strip(), ""
    return _SPACES.sub(" ", _NEGATIVE.sub(" ", prompt)).strip(), " ".join(part for part in negatives if part)


def _dream(text: str) -> GenerationParameters | None:
    """Read the command line in ``Dream``: a prompt, often in quotes, and options such as ``-s 50`` or ``-s50``."""
    line = text.strip()
    if line.startswith('"') and (end := line.rfind('"')) > 0:
        prompt, rest = line[1:end], line[end + 1 :]
    else:
        match = _FIRST_OPTION.search(line)
        cut = match.start() if match else len(line)
        prompt, rest = line[:cut], line[cut:]
    options: dict[str, Any] = {}
    for match in _OPTION.finditer(rest):
        if match[1]:
            options.setdefault(match[1], match[2])
        else:
            options.setdefault(_DREAM_NAMES.get(match[3], match[3]), match[4])
    if not options:
        return None
    positive, negative = _split(prompt)
    return GenerationParameters(
        prompt=positive,
        negative_prompt=negative,
        steps=values.count(options.get("steps")),
        sampler=values.text(options.get("sampler")),
        cfg_scale=values.number(options.get("cfg_scale")),
        seed=values.seed(options.get("seed")),
        width=values.pixels(options.get("width")),
        height=values.pixels(options.get("height")),
        denoising_strength=values.number(options.get("strength")),
    )


def _graph(source: dict[str, Any]) -> GenerationParameters | None:
    """Read ``invokeai_graph``, for pictures that carry only the graph."""
    found = invokeai_graph.read(source)
    return None if found is None else _metadata(found)
