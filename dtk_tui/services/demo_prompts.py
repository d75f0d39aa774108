"""The prompts of the demo library: animals, landscapes, towns."""

from __future__ import annotations

from dtk_tui.services.demo_series import (
    BASE,
    DREAM,
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

ANIMALS = Shelf("2025-11/animals", "2025-11-02", (
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

LANDSCAPES = Shelf("2025-11/landscapes", "2025-11-09", (
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

TOWNS = Shelf("2025-12/towns", "2025-12-01", (
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
