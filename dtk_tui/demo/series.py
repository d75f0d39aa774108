"""Series of the demo library: pictures of one prompt with different seeds, and the generator's settings they share."""

from __future__ import annotations

from dataclasses import dataclass

from dtk_tui.demo.writers import Container, Dialect

TALL = (512, 768)
WIDE = (768, 512)
SQUARE = (640, 640)


@dataclass(frozen=True, slots=True)
class GeneratorSettings:
    """The program and its settings; ``model`` is name and hash, ``sampler`` name and scheduler (AUTOMATIC1111's)."""

    dialect: Dialect
    model: tuple[str, str]
    sampler: tuple[str, str]
    steps: int
    cfg_scale: float
    negative_prompt: str = ""
    clip_skip: int | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Pictures of one prompt, one a seed.

    ``subject`` names the motif (several series may share it); ``scene`` is the drawing, ``first_variant`` its variation
    for the first seed; ``finals`` are the indexes (into ``seeds``) of the pictures that were upscaled; ``containers``
    are taken in turn.
    """

    subject: str
    scene: str
    settings: GeneratorSettings
    sizes: tuple[tuple[int, int], ...]
    seeds: tuple[int, ...]
    prompt: str
    finals: tuple[int, ...] = ()
    containers: tuple[Container, ...] = ("png",)
    first_variant: int = 0
    loras: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class DatedFolder:
    """A folder of the library with the day (ISO) on which its pictures were made."""

    path: str
    day: str
    series: tuple[Series, ...]


PHOTO = GeneratorSettings(
    "a1111",
    ("realisticVisionV60B1_v51VAE", "15012c538f"),
    ("DPM++ 2M", "Karras"),
    28,
    6.5,
    "(deformed, distorted:1.3), blurry, lowres, jpeg artifacts, watermark, text",
)
DREAM = GeneratorSettings(
    "a1111",
    ("dreamshaper_8", "879db523c3"),
    ("DPM++ SDE", "Karras"),
    24,
    7,
    "bad quality, worst quality, ugly, out of frame, extra limbs",
    clip_skip=2,
)
PAINTED = GeneratorSettings(
    "a1111", ("deliberate_v3", "aadddd3d75"), ("Euler a", "Automatic"), 32, 8.5, "photo, 3d render, frame"
)
PLAIN = GeneratorSettings("a1111", ("sd_xl_base_1.0", "31e35c80fc"), ("UniPC", "Automatic"), 20, 5)
XL = GeneratorSettings(
    "comfyui",
    ("juggernautXL_v9Rdphoto2Lightning", ""),
    ("DPM++ 2M SDE", "Karras"),
    30,
    4.5,
    "cartoon, cgi, oversaturated, bad anatomy",
)
BASE = GeneratorSettings("comfyui", ("sd_xl_base_1.0", ""), ("Euler", "Normal"), 25, 8.0, "text, watermark")
TOON = GeneratorSettings(
    "comfyui",
    ("revAnimated_v2Rebirth", ""),
    ("Euler a", "Normal"),
    22,
    7.5,
    "lowres, worst quality, signature, monochrome",
)
SLOW = GeneratorSettings("comfyui", ("photon_v1", ""), ("DDIM", "Exponential"), 50, 6.0, "blurry, grainy")
NOTHING = GeneratorSettings("none", ("", ""), ("", ""), 0, 0.0)
