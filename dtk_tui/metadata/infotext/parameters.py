"""Generation parameters from the settings of an infotext, under the names of the programs that write them."""

from __future__ import annotations

from functools import lru_cache

from dtk_tui.domain.parameters import GenerationParameters, Lora
from dtk_tui.metadata import values
from dtk_tui.metadata.infotext.parser import Infotext

_CANONICAL = frozenset({"Sampler", "CFG scale", "Seed", "Size"})
_CANONICAL_NAMES = {
    name.lower(): name
    for name in (
        "Steps", "Sampler", "Schedule type", "CFG scale", "Seed", "Size", "Model hash", "Model", "Clip skip", "VAE",
        "Denoising strength", "Hires upscaler", "Guidance Scale", "Scheduler",
    )
}  # fmt: skip
# Civitai's names for the kinds of models that are added to a checkpoint.
_LORA_KINDS = ("lora", "lycoris", "locon", "dora")
#: More settings, or longer ones, are not worth keeping.
_ITEMS_LIMIT, _CHARS_LIMIT = 100, 600


def _sdnext_loras(names: str) -> tuple[Lora, ...]:
    """Return the LoRAs that SD.Next lists by name, some versions with their weights."""
    return tuple(_weighted(name) for part in names.split(",") if (name := part.strip()))


def _weighted(text: str) -> Lora:
    """Return the LoRA of ``name`` or ``name:weight``."""
    name, _, weight = text.rpartition(":")
    number = values.number(weight) if name else None
    return Lora(text) if number is None else Lora(name, number)


def _civitai_resources(listed: str) -> tuple[str | None, tuple[Lora, ...]]:
    """Return the checkpoint and the LoRAs that Civitai lists by name; its own generator writes no ``Model:``."""
    found = values.json_value(listed) if listed else None
    items = [item for item in (found if isinstance(found, list) else []) if isinstance(item, dict)]
    named = [(item.get("type"), name, item) for item in items if (name := values.text(item.get("modelName")))]
    loras = tuple(Lora(name, values.number(item.get("weight"))) for kind, name, item in named if kind in _LORA_KINDS)
    return next((name for kind, name, _ in named if kind == "checkpoint"), None), loras


def _addnet_loras(settings: dict[str, str]) -> tuple[Lora, ...]:
    """Return the LoRAs that the extension sd-webui-additional-networks lists as ``name(hash)``."""
    found = []
    for number in range(1, 6) if "AddNet Model 1" in settings else ():
        name = settings.get(f"AddNet Model {number}", "").partition("(")[0]
        weight = settings.get(f"AddNet Weight A {number}") or settings.get(f"AddNet Weight {number}")
        if name and name != "None":
            clip = values.number(settings.get(f"AddNet Weight B {number}", ""))
            found.append(Lora(name, values.number(weight or ""), clip))
    return tuple(found)


def infotext_parameters(info: Infotext) -> GenerationParameters:
    """Return the generation parameters of an infotext whose keys are AUTOMATIC1111's (or Draw Things' variants)."""
    settings = info.settings if _CANONICAL.issubset(info.settings) else _canonical(info.settings)
    items = tuple([item for item in settings.items() if item[0] != "Seed"])
    is_cached = len(items) <= _ITEMS_LIMIT and len("".join(settings.values())) <= _CHARS_LIMIT
    common = (_cached_from_settings if is_cached else _from_settings)(items)
    found = values.loras(info.prompt)
    return GenerationParameters(
        info.prompt,
        info.negative_prompt,
        common.steps,
        common.sampler,
        common.scheduler,
        common.cfg_scale,
        values.seed(settings.get("Seed")),
        common.width,
        common.height,
        common.model,
        common.model_hash,
        common.clip_skip,
        common.denoising_strength,
        common.vae,
        common.upscaler,
        found or common.loras,
    )


def _from_settings(items: tuple[tuple[str, str], ...]) -> GenerationParameters:
    """Return what the settings say, but for the seed."""
    settings = dict(items)
    get = settings.get
    width, height = values.size(get("Size") or "")
    sampler = values.text(get("Sampler"))
    cfg_scale = values.number(get("CFG scale", ""))
    checkpoint, civitai_loras = _civitai_resources(get("Civitai resources", ""))
    return GenerationParameters(
        steps=values.count(get("Steps")),
        sampler=sampler,
        scheduler=_scheduler(settings, sampler),
        cfg_scale=values.number(get("Guidance Scale", "")) if cfg_scale is None else cfg_scale,
        width=width,
        height=height,
        model=values.text(get("Model") or get("model")) or checkpoint,
        model_hash=values.text(get("Model hash")),
        clip_skip=values.count(get("Clip skip") or get("CLiP-skip") or get("CLIP skip")),
        denoising_strength=values.number(get("Denoising strength") or get("Strength")),
        vae=values.text(get("VAE")),
        upscaler=values.text(get("Hires upscaler") or get("Upscaler") or get("Postprocess upscaler")),
        loras=_sdnext_loras(get("LoRA networks", "")) or civitai_loras or _addnet_loras(settings),
    )


_cached_from_settings = lru_cache(maxsize=1024)(_from_settings)


def _canonical(settings: dict[str, str]) -> dict[str, str]:
    """Return settings whose writer has capitals of its own (``CFG Scale``) under AUTOMATIC1111's names."""
    named = {_CANONICAL_NAMES.get(key.lower(), key): value for key, value in reversed(settings.items())}
    return named | {key: value for key, value in settings.items() if key in _CANONICAL_NAMES.values()}


def _scheduler(settings: dict[str, str], sampler: str | None) -> str | None:
    """Return the schedule; Fooocus repeats under Scheduler what the name of its sampler says already."""
    schedule = values.text(settings.get("Schedule type"))
    if schedule is None and not settings.get("Version", "").startswith("Fooocus"):
        schedule = values.text(settings.get("Scheduler"))
        if schedule and sampler and sampler.lower().endswith(schedule.lower()):
            return None
    return schedule
