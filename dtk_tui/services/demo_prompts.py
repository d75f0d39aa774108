"""The prompts of the demo library and the settings that go with them: one series a prompt, one picture a seed."""

from __future__ import annotations

from dataclasses import dataclass

from dtk_tui.services.demo_dialects import Container, Dialect


@dataclass(frozen=True, slots=True)
class Series:
    """Pictures of one prompt with different seeds.

    ``subject`` groups the series of one motif; ``finals`` are the indexes (into ``seeds``) of those that were upscaled;
    ``containers`` are taken in turn; ``first_variant`` is the drawing's variation for the first seed.
    """

    subject: str
    slug: str
    folder: str
    day: str
    scene: str
    prompt: str
    seeds: tuple[int, ...]
    dialect: Dialect = "a1111"
    negative_prompt: str = ""
    model: tuple[str, str] = ("", "")
    sampler: tuple[str, str] = ("Euler a", "Automatic")
    steps: int = 20
    cfg_scale: float = 7.0
    width: int = 640
    height: int = 640
    finals: tuple[int, ...] = ()
    containers: tuple[Container, ...] = ("png",)
    first_variant: int = 0
    clip_skip: int | None = None
    loras: tuple[tuple[str, float], ...] = ()


SERIES: tuple[Series, ...] = (
    Series(
        "dog",
        "dog",
        "2025-11/animals",
        "2025-11-02",
        "dog_in_park",
        "photo of a golden retriever dog sitting on the grass of a city park, red collar, rubber ball beside him, "
        "tall trees and a gravel path behind, sunny spring afternoon, shallow depth of field, cheerful mood",
        (2417156106, 2417156107, 2417156108, 2417156109),
        negative_prompt="blurry, lowres, extra legs, deformed, watermark, text",
        model=("realisticVisionV60B1_v51VAE", "15012c538f"),
        sampler=("DPM++ 2M", "Karras"),
        steps=28,
        cfg_scale=6.5,
        width=768,
        height=512,
        finals=(0,),
    ),
)
