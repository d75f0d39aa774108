"""Tagging pictures: pictures to tags with scores."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from dtk_tui.errors import ModelError
from dtk_tui.inference.devices.provider import FIRST_DEVICE, Device
from dtk_tui.inference.devices.tuning import score_difference
from dtk_tui.inference.image_model import ImageModel
from dtk_tui.inference.model_files import model_folder
from dtk_tui.inference.model_spec import ModelSpec, TagOutput
from dtk_tui.shipped import shipped

# Tags that are drawings of faces, as the WD taggers' own space lists them: their underscores stay.
_EMOTICONS = {
    "0_0", "(o)_(o)", "+_+", "+_-", "._.", "<o>_<o>", "<|>_<|>", "=_=", ">_<", "3_3", "6_9", ">_o", "@_@", "^_^", "o_o",
    "u_u", "x_x", "|_|", "||_||",
}  # fmt: skip


class Tagger(ImageModel):
    """A tagger. Arguments and errors as ``ImageModel``.

    Attributes:
        tags: (name, category) in the order of the scores.
        rules: what the manifest says of them.
    """

    def __init__(self, spec: ModelSpec, folder: Path, threads: int, device: Device = FIRST_DEVICE) -> None:
        if spec.tags is None:
            raise ModelError(f"The model {spec.name} is no tagger.")
        super().__init__(spec, folder, threads, device)
        self.rules: TagOutput = spec.tags
        self.tags = read_tags(spec.tags, model_folder(spec, folder))
        self._bind()

    def _bind(self) -> None:
        super()._bind()
        self._output, shape = next(iter(self._session.outputs.items()))
        if shape and isinstance(shape[-1], int) and shape[-1] != len(self.tags):
            name, number = self.spec.name, len(self.tags)
            raise ModelError(f"The model {name} gives {shape[-1]} scores, its list has {number} tags.")

    def _difference(self, expected: np.ndarray, found: np.ndarray) -> str | None:
        return score_difference(expected, found)

    def infer(self, batch: np.ndarray) -> np.ndarray:
        """Score prepared pictures.

        Args:
            batch: uint8 ``[n, *input_shape]``.

        Returns:
            float32 ``[n, len(tags)]``, 0 to 1.

        Raises:
            DeviceMemoryError, ModelError: as ``Session.run``.
        """
        if len(batch) == 0:
            return np.empty((0, len(self.tags)), np.float32)
        scores = self._run(batch, self._output).astype(np.float32, copy=False)
        if scores.shape != (len(batch), len(self.tags)) or not np.all(np.isfinite(scores)):
            raise ModelError(f"The model {self.spec.name} gave scores that cannot be used.", f"Shape {scores.shape}.")
        return _sigmoid(scores) if self.rules.sigmoid else scores


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -80.0, 80.0))), np.float32)


def read_tags(rules: TagOutput, home: Path) -> tuple[tuple[str, str], ...]:
    """Return (name, category) of every tag in the order of the scores.

    Args:
        home: the model's own folder, for a list that is a file.

    Raises:
        ModelError: the list cannot be read.
    """
    rows = [(name, rules.category) for name in rules.names] if rules.file is None else _listed(rules, home / rules.file)
    names = _renamed([name for name, _ in rows], _aliases(rules.aliases) if rules.aliases else {})
    return tuple((_shown(name, rules), category) for name, (_, category) in zip(names, rows, strict=True))


def _listed(rules: TagOutput, path: Path) -> list[tuple[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            if rules.format == "wd-csv":
                rows = [(row["name"], str(row["category"])) for row in csv.DictReader(lines)]
                return [(name, rules.categories.get(code, code)) for name, code in rows]
            names = (line.strip() for line in lines)
            return [(name, rules.category) for name in names if name]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise ModelError(f"The tag list {path} cannot be read.", str(error)) from error


def _renamed(names: Sequence[str], aliases: Mapping[str, str]) -> list[str]:
    """Return the names with old ones in place of which others have a new one; no name comes to stand there twice."""
    taken = set(names)
    found = []
    for name in names:
        new = aliases.get(name, name)
        if new != name and new not in taken:
            taken.add(new)
            name = new  # noqa: PLW2901
        found.append(name)
    return found


@cache
def _aliases(name: str) -> Mapping[str, str]:
    """Return the names of today by the old ones, of a data file that ships with the program."""
    path = shipped(f"models/{name}")
    try:
        return {str(old): str(new) for old, new in tomllib.loads(path.read_text(encoding="utf-8"))["aliases"].items()}
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise ModelError(f"The aliases of tags in {path} cannot be read.", str(error)) from error


def _shown(name: str, rules: TagOutput) -> str:
    return name.replace("_", " ") if rules.spaces and name not in _EMOTICONS else name
