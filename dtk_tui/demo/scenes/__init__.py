"""The drawings of the demo library, by name; each takes a canvas and the number of its variation."""

from __future__ import annotations

from collections.abc import Callable

from dtk_tui.demo.scenes import animals, figures, landscapes, night, still_life, vehicles
from dtk_tui.demo.scenes.canvas import Canvas

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
        landscapes.sailing_boat,
        landscapes.mountain_lake,
        landscapes.desert,
        landscapes.waterfall,
        landscapes.autumn_path,
        landscapes.lavender_mill,
        landscapes.flower_meadow,
        night.city_at_night,
        night.castle,
        night.lighthouse,
        night.aurora_cabin,
        night.bridge_in_fog,
        vehicles.sports_car,
        vehicles.hot_air_balloons,
        vehicles.steam_train,
        vehicles.bicycle,
        still_life.sunflower_vase,
        still_life.teapot,
        still_life.pizza,
        still_life.chess_board,
        still_life.piano,
        still_life.fruit_bowl,
        figures.robot,
        figures.snowman,
        figures.moon_rocket,
        figures.ringed_planet,
        figures.pumpkin,
        figures.spirals,
        figures.terminal_screenshot,
    )
}
