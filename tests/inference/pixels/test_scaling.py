from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from dtk_tui.inference.pixels.scaling import resized
from tests.helpers.drawn_images import noise


def _across_then_down(picture: Image.Image, size: tuple[int, int]) -> np.ndarray:
    """Scale with the formula of Pillow's bicubic filter (a = -0.5, antialiased), the width first."""

    def weights(length: int, wanted: int) -> np.ndarray:
        scale = length / wanted
        reach = 2.0 * max(1.0, scale)
        table = np.zeros((wanted, length))
        for place in range(wanted):
            centre = (place + 0.5) * scale
            first, last = max(0, int(centre - reach + 0.5)), min(length, int(centre + reach + 0.5))
            x = np.abs((np.arange(first, last) + 0.5 - centre) / max(1.0, scale))
            near = (1.5 * x - 2.5) * x * x + 1
            far = ((-0.5 * x + 2.5) * x - 4) * x + 2
            row = np.where(x < 1, near, np.where(x < 2, far, 0.0))
            table[place, first:last] = row / row.sum()
        return table

    values = np.asarray(picture, np.float64)
    across = np.einsum("wx,yxc->ywc", weights(picture.width, size[0]), values)
    across = np.clip(np.floor(across + 0.5), 0, 255)
    down = np.einsum("hy,ywc->hwc", weights(picture.height, size[1]), across)
    return np.clip(np.floor(down + 0.5), 0, 255)


@pytest.mark.parametrize("size", [(225, 500), (500, 225), (100, 400), (400, 100), (30, 31)])
def test_the_width_is_scaled_first(size: tuple[int, int]) -> None:
    picture = noise(*size)
    got = np.asarray(resized(picture, (96, 40), Image.Resampling.BICUBIC), np.float64)
    # Pillow's weights have 22 bits: now and then a value that is nearly half rounds the other way.
    difference = np.abs(got - _across_then_down(picture, (96, 40)))
    assert difference.max() <= 1 and (difference > 0).mean() < 0.002
    two_steps = picture.resize((96, size[1]), Image.Resampling.BICUBIC).resize((96, 40), Image.Resampling.BICUBIC)
    assert np.array_equal(got, np.asarray(two_steps))


def test_a_size_that_is_right_needs_nothing() -> None:
    picture = noise(40, 30)
    assert resized(picture, (40, 30), Image.Resampling.LANCZOS) is picture
    assert resized(picture, (40, 15), Image.Resampling.LANCZOS).size == (40, 15)
    assert resized(picture, (20, 30), Image.Resampling.LANCZOS).size == (20, 30)
