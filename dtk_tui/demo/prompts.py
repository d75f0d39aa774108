"""The prompts of the demo library, and its files without any."""

from __future__ import annotations

from dtk_tui.demo.series import (
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
    DatedFolder,
    Series,
)

ANIMALS = DatedFolder("2025-11/animals", "2025-11-02", (
    Series("dog", "dog_in_park", PHOTO, (WIDE, SQUARE, TALL), (2417156106, 2417156107, 2417156108),
        "photo of a golden retriever dog sitting on the lawn of a city park, red collar and tag, rubber ball beside "
        "him, tongue out, tall trees and a gravel path behind, sunny spring afternoon, shallow depth of field, 85mm",
        finals=(0,)),
    Series("dog", "dog_in_park", DREAM, (SQUARE,), (918273645,),
        "portrait of a loyal brown dog waiting for its owner on a meadow, pink collar, wildflowers in the foreground, "
        "storybook illustration, soft morning light, (highly detailed fur:1.2) <lora:add_detail:0.6>",
        first_variant=3, containers=("jpg",), loras=(("add_detail", 0.6),)),
    Series("cat", "cat_on_sofa", XL, (WIDE, SQUARE, TALL), (771204881236650, 512903344871002, 90071992547409931),
        "a striped tabby cat lying on a velvet sofa in a cosy living room, green eyes, long whiskers, yellow cushion, "
        "wooden floor, light from a tall window, film photograph, muted colours", finals=(1,)),
    Series("owl", "owl_on_branch", DREAM, (TALL, SQUARE), (33871204, 33871205),
        "a wise old owl perched on a gnarled branch in front of an enormous full moon, starry midnight sky, glowing "
        "amber eyes, intricate feathers, dark fantasy, volumetric light, trending on artstation", finals=(0,)),
    Series("aquarium", "aquarium", BASE, (WIDE, SQUARE), (156680208700286, 156680208700287),
        "tropical fish swimming between corals and seaweed in a large aquarium, clownfish and blue tang, rays of light "
        "from the surface, rising bubbles, macro underwater photography, vivid colours"),
    Series("butterfly", "butterfly", PAINTED, (SQUARE, TALL), (4005881, 4005882),
        "detailed macro painting of a monarch butterfly with open wings hovering over pink and yellow daisies, bokeh "
        "garden background, watercolour on paper, botanical plate", containers=("png", "webp")),
    Series("penguins", "penguins", TOON, (WIDE, SQUARE), (88123, 18204217305514312345),
        "a family of emperor penguins standing on an ice floe in Antarctica, orange cheeks, distant icebergs, cold "
        "blue water, light snowfall, charming animated film still, soft shading"),
))  # fmt: skip

LANDSCAPES = DatedFolder("2025-11/landscapes", "2025-11-09", (
    Series("sailing-boat", "sailing_boat", PHOTO, (WIDE, SQUARE, TALL, WIDE), (1288001, 1288002, 1288003, 1288004),
        "a lone sailboat with a white mainsail gliding over a calm sea at sunset, orange and violet sky, golden "
        "reflections on the waves, three seagulls, cinematic wide shot, anamorphic, peaceful atmosphere",
        finals=(0,), containers=("png", "jpg", "png", "webp")),
    Series("mountain-lake", "mountain_lake", XL, (WIDE, SQUARE, TALL), (620011873, 620011874, 620011875),
        "alpine lake with mirror reflection of snow covered peaks, dark spruces on the shore, smooth boulders in the "
        "foreground, crisp clear air, national park, landscape photography, polarising filter, f/11", finals=(2,)),
    Series("desert", "desert", DREAM, (WIDE, TALL, SQUARE), (40778812, 40778813, 40778814),
        "Arizona desert with tall saguaro cacti, red mesas on the horizon, rippled sand dunes, blazing sun, long "
        "shadows, dry heat haze, western movie scenery, matte painting", containers=("png", "jpg", "png")),
    Series("waterfall", "waterfall", BASE, (TALL, SQUARE), (99120034, 99120035),
        "a waterfall plunging into a turquoise pool in the jungle, rainbow in the mist, mossy cliffs, wet rocks, "
        "lush vegetation, long exposure, epic nature documentary", finals=(0,)),
    Series("autumn-path", "autumn_path", PAINTED, (TALL, SQUARE, WIDE), (70012, 70013, 70014),
        "oil painting of a footpath through an autumn forest, crimson and gold foliage, fallen leaves on the ground, "
        "warm hazy light between the trunks, impressionist brush strokes, October mood"),
    Series("windmill", "lavender_mill", TOON, (WIDE, SQUARE), (3141592653, 3141592654),
        "Dutch windmill at the end of endless rows of blooming flower fields, wide blue sky with fluffy clouds, "
        "rolling hills, countryside summer, anime background art, vibrant"),
    Series("flower-meadow", "flower_meadow", PLAIN, (SQUARE, WIDE), (55501, 55502),
        "single old tree on a gentle hill, meadow full of poppies, cornflowers and daisies, tall green grass in the "
        "breeze, spring day, idyllic countryside"),
))  # fmt: skip

TOWNS = DatedFolder("2025-12/towns", "2025-12-01", (
    Series("night-city", "city_at_night", XL, (WIDE, TALL, SQUARE), (812044, 812045, 812046),
        "futuristic metropolis skyline at night, hundreds of glowing windows in high-rise towers, neon signs, "
        "reflections in the harbour water, crescent haze, cyberpunk mood, ultra wide, blade runner style",
        finals=(0,), loras=(("neon_noir_xl", 0.8), ("detail_tweaker_xl", 0.35))),
    Series("castle", "castle", DREAM, (TALL, TALL), (6021, 6022),
        "fairytale castle with slender pointed turrets and flags on a green hill, winding road to the wooden gate, "
        "medieval stone walls, clouds at dawn, concept art, high fantasy", finals=(1,)),
    Series("lighthouse", "lighthouse", SLOW, (TALL, SQUARE, TALL), (24068851, 24068852, 24068853),
        "red and white striped lighthouse on a rugged cliff, beam of light sweeping through the dusk, foaming "
        "breakers below, keeper's cottage, gathering storm clouds, maritime, moody"),
    Series("cabin", "aurora_cabin", BASE, (WIDE, SQUARE), (777000111, 777000112),
        "log cabin in deep snow under green northern lights, smoke from the chimney, warm lamplight in the windows, "
        "spruce forest, arctic midnight, stars, long exposure astrophotography", finals=(0,)),
    Series("bridge", "bridge_in_fog", PLAIN, (WIDE, SQUARE), (1933, 1937),
        "red steel suspension bridge rising out of thick morning fog over the bay, two towers, hanging cables, pale "
        "sun, hills in the haze, minimalist composition", containers=("webp", "jpg")),
))  # fmt: skip

VEHICLES = DatedFolder("2025-12/vehicles", "2025-12-08", (
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

STILL_LIFES = DatedFolder("2025-12/still-life", "2025-12-15", (
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

FIGURES = DatedFolder("2026-01/figures", "2026-01-05", (
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

WITHOUT_METADATA = DatedFolder("screenshots", "2026-01-20", (
    Series("screenshot", "terminal_screenshot", NOTHING, (WIDE,), (1, 2), ""),
    Series("scan", "flower_meadow", NOTHING, (SQUARE,), (3,), "", containers=("jpg",), first_variant=2),
))  # fmt: skip
