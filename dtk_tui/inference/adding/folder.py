"""A folder with a model, as a person has it: what lies in it is read with a bound, and no link leads out of it."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

from dtk_tui.errors import ModelError, UsageError

#: A description of a model has no more, in bytes.
_LARGEST_TEXT = 16 << 20
#: So many ONNX files are looked at.
_MOST_FILES = 1000
_REPOSITORY = re.compile(r"models--(?P<owner>[^/]+?)--(?P<name>[^/]+)")


class ModelFolder:
    """The files of a model by their paths below a folder.

    A snapshot in the hub's cache (``models--OWNER--NAME/snapshots/COMMIT``) is made of links to files of its repository
    there, which count as in it.

    Attributes:
        path: the folder, absolute.
        repository: where it is from, ``OWNER/NAME``, as the hub's cache names it; else empty.
        revision: the commit, likewise.

    Raises:
        UsageError: it is no folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        if not self.path.is_dir():
            raise UsageError(f"{path} is no folder.", "Name the folder that a model was downloaded or exported to.")
        self.repository = self.revision = ""
        self._boundary = self.path.resolve()
        snapshot = _REPOSITORY.fullmatch(self._boundary.parent.parent.name)
        if snapshot is not None and self._boundary.parent.name == "snapshots":
            self.repository, self.revision = f"{snapshot['owner']}/{snapshot['name']}", self._boundary.name
            self._boundary = self._boundary.parent.parent

    @property
    def name(self) -> str:
        """What a person would call the model."""
        return self.repository.rpartition("/")[2] or self._boundary.name

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return (self.path / name).is_file()

    def file(self, name: str) -> Path:
        """Return where a file is; raises ModelError when there is none, or it lies elsewhere."""
        pure = PurePosixPath(name)
        path = self.path / name
        if pure.is_absolute() or ".." in pure.parts or not path.is_file():
            raise ModelError(f"{self.path} has no file {name}.", "Name one by its path below the folder.")
        if not path.resolve().is_relative_to(self._boundary):
            raise ModelError(
                f"{path} is a link that leads out of {self.path}: it is not followed.",
                "Put the file itself there.",
            )
        return path

    def text(self, name: str) -> str:
        """Return what a text file says, empty where there is none; raises ModelError when it cannot be read."""
        if not self.has(name):
            return ""
        path = self.file(name)
        try:
            if path.stat().st_size > _LARGEST_TEXT:
                raise ModelError(f"{path} is too large to describe a model.", "Is it the right file?")
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"{path} cannot be read.", str(error)) from error

    def json(self, name: str) -> dict[str, Any]:
        """Return what a JSON file says, empty where there is none; raises ModelError when it cannot be read."""
        text = self.text(name)
        try:
            found = json.loads(text) if text else {}
        except (ValueError, RecursionError) as error:
            raise ModelError(f"{self.path / name} cannot be read.", str(error)) from error
        return found if isinstance(found, dict) else {}

    def graphs(self) -> list[str]:
        """Return the ONNX files of the folder and of its folder ``onnx``."""
        found = [path for pattern in ("*.onnx", "onnx/*.onnx") for path in sorted(self.path.glob(pattern))]
        return [str(path.relative_to(self.path)) for path in found[:_MOST_FILES] if path.is_file()]


def part(values: object, key: str) -> dict[str, Any]:
    """Return a section of what a JSON file says, empty where there is none."""
    found = values.get(key) if isinstance(values, dict) else None
    return found if isinstance(found, dict) else {}


def whole(values: object, key: str) -> int | None:
    """Return a positive number of what a JSON file says, or None; what stands for infinity there is none."""
    found = values.get(key) if isinstance(values, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 < found < 1 << 31 else None


def triple(values: object, key: str) -> tuple[float, float, float] | None:
    """Return three numbers of what a JSON file says, or None."""
    found = values.get(key) if isinstance(values, dict) else None
    if not isinstance(found, list) or len(found) != 3 or not all(isinstance(n, int | float) for n in found):
        return None
    first, second, third = (float(n) for n in found)
    return first, second, third
