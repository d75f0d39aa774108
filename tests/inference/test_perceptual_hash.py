"""What a hash tells: finals are like their originals, siblings are not, and plain pictures tell nothing."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from dtk_tui.domain.looks import PerceptualHash
from dtk_tui.inference.image_decoder import decode_picture
from dtk_tui.inference.perceptual_hash import perceptual_hash
from tests.helpers.pictures import picture

#: The bounds of dtk_looks_alike.
BITS, LEVELS = 8, 6


def _is_alike(one: PerceptualHash, other: PerceptualHash) -> bool:
    assert one.bits is not None and other.bits is not None
    levels = [abs((one.colours >> place & 31) - (other.colours >> place & 31)) for place in range(0, 60, 5)]
    return ((one.bits ^ other.bits) & (1 << 64) - 1).bit_count() <= BITS and max(levels) <= LEVELS


def _jpeg(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=70)
    return Image.open(buffer).convert("RGB")


@pytest.mark.parametrize("seed", range(8))
def test_an_upscaled_picture_is_like_its_original(seed: int) -> None:
    original = picture(seed, (192, 256))
    expected = perceptual_hash(original)
    large = original.resize((384, 512), Image.Resampling.LANCZOS)
    finals = {
        "larger": large,
        "much larger": original.resize((768, 1024), Image.Resampling.BICUBIC),
        "sharper": large.filter(ImageFilter.UnsharpMask(3, 150, 2)),
        "softer": large.filter(ImageFilter.GaussianBlur(3)),
        "more contrast": ImageEnhance.Contrast(large).enhance(1.15),
        "as JPEG": _jpeg(large),
        "smaller": original.resize((96, 128), Image.Resampling.BOX),
    }
    for name, final in finals.items():
        assert _is_alike(expected, perceptual_hash(final)), name


def test_other_pictures_are_not() -> None:
    hashes = [perceptual_hash(picture(seed, (256, 256))) for seed in range(100)]
    telling = [one for one in hashes if one.bits is not None]
    assert len(telling) > 95
    assert not any(_is_alike(one, other) for place, one in enumerate(telling) for other in telling[:place])


def test_the_bits_are_those_of_the_lowest_frequencies() -> None:
    """By hand: of the DCT of the picture at 32x32, row by row, which of the first 8x8 are above their median."""
    side = np.random.default_rng(7).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    grey = side.astype(np.float64) @ (0.299, 0.587, 0.114)
    places = np.arange(32)
    waves = [np.cos(np.pi * (2 * places + 1) * k / 64) for k in range(8)]
    values = [float(up @ grey @ across) for up in waves for across in waves]
    values[0] = 0.0
    middle = sorted(values)[32]
    wanted = int("".join("1" if value > middle else "0" for value in values), 2)
    found = perceptual_hash(Image.fromarray(side))
    assert found.bits is not None and found.bits & (1 << 64) - 1 == wanted
    quarters = [side[:16, :16], side[:16, 16:], side[16:, :16], side[16:, 16:]]
    levels = [int(quarter[:, :, k].mean() / 8) for quarter in quarters for k in range(3)]
    assert found.colours == int("".join(f"{level:05b}" for level in levels), 2)


@pytest.mark.parametrize(
    "plain",
    [
        Image.new("RGB", (512, 512), (200, 30, 30)),
        Image.new("RGB", (512, 512)),
        Image.linear_gradient("L").convert("RGB"),
        _jpeg(Image.new("RGB", (512, 512), (90, 91, 92))),
        picture(3, (256, 256)).point(lambda value: value // 32),
    ],
    ids=["flat", "black", "gradient", "flat JPEG", "nearly black"],
)
def test_a_plain_picture_tells_nothing(plain: Image.Image) -> None:
    assert perceptual_hash(plain).bits is None


def test_a_dark_picture_with_something_in_it_tells_something() -> None:
    dark = picture(3, (256, 256)).point(lambda value: value // 4)
    assert perceptual_hash(dark).bits is not None


def test_transparent_pixels_stand_on_white_whatever_the_model_wants(tmp_path: Path) -> None:
    layer = picture(5, (128, 128)).convert("RGBA")
    layer.putalpha(Image.linear_gradient("L").resize((128, 128)))
    path = str(tmp_path / "layer.png")
    layer.save(path)
    decoded = decode_picture(path)
    on_black, on_white = decoded.on((0, 0, 0)), decoded.on()
    assert on_white.getpixel((0, 0)) != on_black.getpixel((0, 0))
    assert decoded.look == perceptual_hash(on_white)
    Image.new("RGBA", (128, 128), (10, 200, 30, 0)).save(path)
    assert decode_picture(path).look == PerceptualHash(None, (1 << 60) - 1), "nothing is seen of it"
