"""Words that find pictures: at which rank a sentence finds the picture that it tells of.

For each joint model that is on this machine, on the demo library (one sentence a subject; the rank of its first
picture) and on ../shared/inputs/images (one sentence a picture), where that folder is there. Beside it stands what
chance gives. Prompts play no part: a picture is found by its pixels alone. DTK_BENCH_MODELS names other models.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dtk_tui.config import load
from dtk_tui.demo import library as demo
from dtk_tui.demo.catalogue import pictures
from dtk_tui.inference.image_embedder import ImageEmbedder
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_files import is_installed
from dtk_tui.inference.model_spec import ModelSpec
from dtk_tui.inference.text_embedder import TextEmbedder

THREADS = os.cpu_count() or 1
INPUTS = Path(__file__).resolve().parent.parent.parent / "shared" / "inputs" / "images"
#: The subjects of the demo library, each in other words than its prompt.
SUBJECTS = {
    "dog": "a puppy on the grass",
    "cat": "a kitten resting on the couch",
    "owl": "a bird of prey in a tree at night",
    "aquarium": "fish under water at a coral reef",
    "butterfly": "an insect with orange wings on a flower",
    "penguins": "black and white birds on the ice",
    "sailing-boat": "a boat with sails on the ocean",
    "mountain-lake": "a lake in the alps",
    "desert": "cactus plants on dry sand",
    "waterfall": "water falling down a cliff",
    "autumn-path": "a walk through a forest of red leaves",
    "windmill": "an old mill with sails in a field of lavender",
    "flower-meadow": "a tree on a hill of flowers",
    "night-city": "skyscrapers downtown after dark",
    "castle": "a palace with towers",
    "lighthouse": "a beacon on a rock by the sea",
    "cabin": "a hut in the snow under northern lights",
    "bridge": "a suspension bridge over a bay",
    "sports-car": "a fast red automobile",
    "balloons": "balloons in the sky",
    "steam-train": "an old locomotive",
    "bicycle": "a bike leaning on a wall",
    "rocket": "a spaceship on the moon",
    "sunflowers": "yellow blossoms in a jar",
    "teapot": "tea and cups on a table",
    "pizza": "an Italian meal with cheese and olives",
    "chess": "a board game with pieces",
    "piano": "a musical instrument on a stage",
    "fruit": "apples and bananas in a bowl",
    "robot": "a friendly humanoid machine",
    "snowman": "a frozen winter figure with a hat",
    "saturn": "a planet with rings in space",
    "pumpkins": "carved jack-o'-lanterns for Halloween",
    "fractal": "abstract spirals of colour",
    "screenshot": "a terminal window on a computer screen",
}
#: What can be seen on the pictures of the samples that have any.
SENTENCES = {
    "a1111/platinum.png": "a ring of silver with diamonds",
    "civitai/civitai.jpeg": "the face of a girl with turquoise hair, close up",
    "civitai/civitai_stub_1.jpg": "a stuffed toy cow outdoors",
    "civitai/whoops.jpg": "an angry robot among rows of computers",
    "comfyui/comfyui-save-image-extended.jpeg": "a cartoon girl who turns round in the dark",
    "comfyui/comfyui-saveimage-plus.jpg": "a cartoon girl who sits on an office chair",
    "comfyui/lora_multiple.png": "a diagram of boxes and lines on a computer screen",
    "comfyui/sdxlturbo_example.png": "a small fox in a glass bottle in the snow",
    "drawthings/drawthings_app-icon.png": "a comic of an astronaut with a horse",
    "fooocus/fooocus-a1111-meta.jpeg": "a field of yellow flowers under a blue sky",
    "forge/forge-neo.jpeg": "a cartoon girl with her fists at her chin",
    "invokeai/blue-sphere-0.25-red-cube-0.75-hybrid.png": "a red box",
    "invokeai/image1.png": "a gardener trims round bushes",
    "mflux/reference_qwen_txt2img.png": "meat on a plate beside a glass of wine",
    "none/macos_screenshot.png": "buttons of a program on a screen",
    "sdcpp/sdcpp_anima.png": "a drawing of a kitten that holds a sign",
    "sdnext/Disty0--Qwen-Image-Layered-SDNQ-uint4-svd-r32.jpg": "graffiti on a wall",
    "swarmui/swarm_sd15_grid.jpg": "cats on a road",
}


@dataclass(frozen=True)
class Ranks:
    """The rank at which each sentence finds its picture, and among how many; ``chance`` is the mean rank by lot."""

    found: dict[str, int]
    pictures: int
    chance_first: float
    chance_fifth: float

    def line(self, title: str) -> str:
        ranks = list(self.found.values())
        first, fifth = sum(rank == 1 for rank in ranks), sum(rank <= 5 for rank in ranks)
        return (
            f"{title:<34}{len(ranks):>10}{self.pictures:>10}{first:>8}{fifth:>8}{np.median(ranks):>8.0f}"
            f"{self.chance_first:>12.1f}{self.chance_fifth:>10.1f}"
        )


def ranks(model: ModelSpec, wanted: Mapping[str, tuple[str, Sequence[int]]], paths: Sequence[Path]) -> Ranks:
    """Return the ranks of sentences, by a name of what they tell of; each with the numbers of the paths it may find."""
    folder = load().paths.models
    towers = ImageEmbedder(model, folder, THREADS), TextEmbedder(load_manifest().text_tower(model), folder, THREADS)
    image, text = towers
    vectors = np.concatenate([image.infer(image.load(str(path))[None]) for path in paths])
    found, first, fifth = {}, 0.0, 0.0
    for name, (sentence, right) in wanted.items():
        order = np.argsort(-(vectors @ text.embed_query(sentence)), kind="stable")
        found[name] = 1 + int(np.flatnonzero(np.isin(order, right))[0])
        others = 1 - len(right) / len(paths)
        first += 1 - others
        fifth += 1 - others**5
    for tower in towers:
        tower.close()
    return Ranks(found, len(paths), first, fifth)


def of_demo(model: ModelSpec) -> Ranks:
    """Return the ranks on the demo library, without the finals: they look like their originals."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        demo.create(folder)
        shown = [picture for picture in pictures() if not picture.upscaled]
        wanted = {
            subject: (sentence, [n for n, picture in enumerate(shown) if picture.subject == subject])
            for subject, sentence in SUBJECTS.items()
        }
        return ranks(model, wanted, [folder / picture.path for picture in shown])


def of_samples(model: ModelSpec) -> Ranks:
    """Return the ranks on the samples."""
    paths = [INPUTS / name for name in SENTENCES]
    return ranks(model, {name: (SENTENCES[name], [n]) for n, name in enumerate(SENTENCES)}, paths)


def main() -> None:
    """Print a table for each model: how many sentences find their picture first, and among the first five."""
    manifest, folder = load_manifest(), load().paths.models
    named = os.environ.get("DTK_BENCH_MODELS", "").split() or [
        name for name, spec in manifest.joint.items() if is_installed(spec, folder)
    ]
    if not named:
        print("No joint model is here: dtk models pull starter")
        return
    print(
        f"{'':<34}{'sentences':>10}{'pictures':>10}{'first':>8}{'top 5':>8}{'median':>8}{'first, lot':>12}{'top 5':>10}"
    )
    for name in named:
        tables = [("demo library", of_demo(manifest.get(name)))]
        if all((INPUTS / path).is_file() for path in SENTENCES):
            tables.append(("samples", of_samples(manifest.get(name))))
        for title, table in tables:
            print(table.line(f"{name}: {title}"))
            worst = sorted(table.found.items(), key=lambda item: -item[1])[:8]
            print("    last: " + ", ".join(f"{subject} {rank}" for subject, rank in worst))


if __name__ == "__main__":
    main()
