"""The prompts of the demo library: vehicles, still lifes, figures and worlds; and files without any."""

from __future__ import annotations

from dtk_tui.services.demo_series import (
    BASE,
    DREAM,
    NOTHING,
    PAINTED,
    PHOTO,
    PLAIN,
    SLOW,
    SQUARE,
    TALL,
    TOON,
    WIDE,
    XL,
    Series,
    Shelf,
)

VEHICLES = Shelf("2025-12/vehicles", "2025-12-08", (
    Series("sports-car", "sports_car", PHOTO, (WIDE, SQUARE, WIDE), (4294967295, 2294967297, 2294967298),
        "side view of a red Italian sports car parked on a coastal highway, polished paint, alloy rims, guard rail and "
        "palm trees, clear sky, commercial car photography, sharp focus, 4k", finals=(0,),
        containers=("png", "png", "jpg")),
    Series("sports-car", "sports_car", XL, (SQUARE,), (31415926535,),
        "crimson supercar speeding along a mountain road, low angle profile shot, glossy bodywork, rear spoiler, "
        "dramatic evening sky, magazine cover", first_variant=3),
    Series("balloons", "hot_air_balloons", TOON, (TALL, WIDE, SQUARE), (2020, 2021, 2022),
        "colourful hot air balloons drifting in the sky at sunrise, striped envelopes, wicker gondolas, burner flames, "
        "patchwork hills far below, dreamy, whimsical children's book illustration", finals=(1,)),
    Series("steam-train", "steam_train", DREAM, (WIDE, SQUARE, WIDE), (18450, 18451, 18452),
        "vintage steam train with brass domes and red wheels puffing white smoke, passenger carriage, railway track "
        "through a pine valley, nostalgic nineteenth century scene, golden hour, highly detailed",
        containers=("png", "jpg", "png")),
    Series("bicycle", "bicycle", PHOTO, (SQUARE, WIDE), (64001, 64002),
        "retro city bicycle with a wicker basket full of fresh flowers leaning on a brick wall, leather saddle, "
        "cobblestones, Amsterdam street corner, lifestyle photo, soft daylight"),
    Series("rocket", "moon_rocket", SLOW, (TALL, SQUARE), (19690720, 19690721),
        "a red and white rocket landed on the cratered surface of the moon, planet Earth rising in the black sky, "
        "planted flag, 1950s pulp science fiction cover, retro futurism", finals=(0,)),
))  # fmt: skip

STILL_LIFES = Shelf("2025-12/still-life", "2025-12-15", (
    Series("sunflowers", "sunflower_vase", PAINTED, (TALL, SQUARE, TALL), (1888, 1889, 1890),
        "still life of sunflowers in a ceramic vase on a wooden table, thick impasto, golden petals, window light on a "
        "plain wall, post-impressionist masterpiece in the manner of Van Gogh", finals=(0,)),
    Series("teapot", "teapot", BASE, (WIDE, SQUARE), (510001, 510002),
        "porcelain teapot with painted daisies and two cups of steaming Earl Grey on a checked tablecloth, English "
        "afternoon tea, gentle side lighting, product photo", containers=("png", "webp")),
    Series("pizza", "pizza", PHOTO, (SQUARE, WIDE), (80085, 80086),
        "top view of a wood-fired pizza with pepperoni, basil leaves, black olives and melted mozzarella on a round "
        "board, rustic table, appetising food photography, crisp crust"),
    Series("chess", "chess_board", XL, (WIDE, SQUARE), (641, 642),
        "wooden chess set in the middle of a game, ivory king and ebony queen, checkered board in perspective, dim "
        "library with bokeh lamps, tension, depth of field, studio macro", finals=(1,)),
    Series("piano", "piano", PLAIN, (WIDE, SQUARE), (8801, 8802),
        "black grand piano with an open lid on the stage of a concert hall, sheet music, velvet curtain, single "
        "spotlight, polished parquet, elegant"),
    Series("fruit", "fruit_bowl", PAINTED, (SQUARE, WIDE), (1606, 1607),
        "baroque still life, bowl of fruit with apples, pears, bananas and grapes, rough wooden table, chiaroscuro, "
        "Dutch golden age, cracked varnish, café wall in the background", containers=("jpg", "png")),
))  # fmt: skip

FIGURES = Shelf("2026-01/figures", "2026-01-05", (
    Series("robot", "robot", XL, (TALL, SQUARE, TALL), (1101001, 1101002, 1101003),
        "cute retro robot waving its hand in a workshop, round glowing eyes, antenna, riveted metal plates, dials and "
        "cables, Pixar style character design, octane render", finals=(0,)),
    Series("snowman", "snowman", DREAM, (TALL, SQUARE, WIDE), (240012, 240013, 240014),
        "jolly snowman with a black top hat, striped scarf, coal buttons and a carrot nose, twig arms, snowy fir "
        "forest, falling flakes, Christmas card, cosy holiday spirit", finals=(1,), containers=("png", "png", "webp")),
    Series("saturn", "ringed_planet", SLOW, (WIDE, SQUARE), (60268, 60269),
        "gas giant with bright rings and small moons drifting in front of a purple nebula, deep space, thousands of "
        "stars, astronomical artwork, NASA poster"),
    Series("pumpkins", "pumpkin", TOON, (SQUARE, WIDE), (1031, 1032),
        "carved Halloween pumpkins with glowing grins on stone steps, bats and a bare tree under the moon, spooky "
        "October night, candle light", finals=(0,)),
    Series("fractal", "spirals", PAINTED, (SQUARE, WIDE), (271828, 271829),
        "abstract Julia set fractal, infinite spirals, electric gradients, mathematical ornament, psychedelic 浮世絵 "
        "palette, print"),
))  # fmt: skip

UNTOLD = Shelf("screenshots", "2026-01-20", (
    Series("screenshot", "terminal_screenshot", NOTHING, (WIDE,), (1, 2), ""),
    Series("scan", "flower_meadow", NOTHING, (SQUARE,), (3,), "", containers=("jpg",), first_variant=2),
))  # fmt: skip
