"""The drawings of the demo library, by name; each takes a canvas and the number of its variation."""

from __future__ import annotations

from collections.abc import Callable

from dtk_tui.services.demo_scenes import animals
from dtk_tui.services.demo_scenes.canvas import Canvas

Scene = Callable[[Canvas, int], None]

SCENES: dict[str, Scene] = {
    scene.__name__: scene
    for scene in (
        animals.dog_in_park,
        animals.cat_on_sofa,
        animals.owl_on_branch,
        animals.aquarium,
        animals.butterfly,
        animals.penguins,
    )
}
