"""Weights for EfficientNet-lite0 by a rule: no file has to hold 4.6 million of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.helpers.architectures.weights import weights

#: Of each block: channels, kernel.
_BLOCKS = [
    (16, 3), (24, 3), (24, 3), (40, 5), (40, 5), (80, 3), (80, 3), (80, 3), (112, 5), (112, 5), (112, 5), (192, 5),
    (192, 5), (192, 5), (192, 5), (320, 3),
]  # fmt: skip
_STEM, _HEAD, _CLASSES, _EXPANSION = 32, 1280, 1000, 6
_SPREAD = 0.75


def _shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield name and shape of every tensor that is not a batch normalisation's, with the normalisation's name first."""
    yield "_bn0", (_STEM,)
    yield "_conv_stem.weight", (_STEM, 3, 3, 3)
    into = _STEM
    for number, (out, kernel) in enumerate(_BLOCKS):
        block = f"_blocks.{number}"
        wide = into * _EXPANSION if number else into
        if number:
            yield f"{block}._bn0", (wide,)
            yield f"{block}._expand_conv.weight", (wide, into, 1, 1)
        yield f"{block}._bn1", (wide,)
        yield f"{block}._depthwise_conv.weight", (wide, 1, kernel, kernel)
        yield f"{block}._bn2", (out,)
        yield f"{block}._project_conv.weight", (out, wide, 1, 1)
        into = out
    yield "_bn1", (_HEAD,)
    yield "_conv_head.weight", (_HEAD, into, 1, 1)
    yield "_fc.weight", (_CLASSES, _HEAD)
    yield "_fc.bias", (_CLASSES,)


def lite0_weights() -> dict[str, np.ndarray]:
    """Return a state dict, float32, that tells pictures apart as the real one does."""
    found: dict[str, np.ndarray] = {}
    for name, shape in _shapes():
        if "_bn" not in name:
            # As far apart as that scores tell pictures apart, and the last digits of other libraries do not matter.
            found[name] = weights(name, shape) * np.float32(_SPREAD if name == "_fc.weight" else 1)
            continue
        for part in ("weight", "bias", "running_mean"):
            found[f"{name}.{part}"] = weights(f"{name}.{part}", shape)
        # Clipping leaves less than half of a variance, and a block clips twice before it projects.
        variance = 0.1 if name.endswith("_bn2") else 0.4
        found[f"{name}.running_var"] = np.float32(variance) * (1 + weights(f"{name}.running_var", shape))
    return found
