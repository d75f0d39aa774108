"""The manifests: ``models/manifest.toml``, and what people add.

That stands in the models folder, as one file of the same form in the folder of each model.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import ValidationError, convert

from dtk_tui.errors import ModelError, UsageError
from dtk_tui.inference.model_spec import ENTRY, ModelSpec
from dtk_tui.shipped import shipped
from dtk_tui.text import one_line

#: An entry is text that a person wrote, in bytes.
_LARGEST_ENTRY = 4 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """All known models, in the order of the file, then those that were added.

    Attributes:
        broken: why an entry of the models folder cannot be used, by its name.
    """

    models: tuple[ModelSpec, ...]
    broken: Mapping[str, ModelError] = field(default_factory=dict)

    def get(self, name: str) -> ModelSpec:
        """Return the model of that name; raises UsageError naming the known ones, ModelError for a broken entry."""
        for spec in self.models:
            if spec.name == name:
                return spec
        if name in self.broken:
            raise self.broken[name]
        known = ", ".join(spec.name for spec in self.models)
        raise UsageError(f"There is no model named {name}.", f"Known models: {known}.")

    @property
    def joint(self) -> dict[str, ModelSpec]:
        """The models with a text tower in the space of their pictures, by name."""
        return {spec.name: spec for spec in self.models if spec.text_tower is not None}

    def text_tower(self, spec: ModelSpec) -> ModelSpec:
        """Return the text tower of a model that has one; raises ModelError where its entry names none that fits."""
        tower = next((model for model in self.models if model.name == spec.text_tower), None)
        if tower is None or tower.role != "text-embedder" or tower.dims != spec.dims:
            raise ModelError(
                f"{spec.name} has no text tower: {spec.text_tower} is not a text-embedder with {spec.dims} dims.",
                f"Correct text_tower in the model manifest entry of {spec.name}.",
            )
        return tower

    def select(self, names: Iterable[str]) -> tuple[ModelSpec, ...]:
        """Return the models that the names (of models or of sets) stand for, each once; errors as ``get``.

        Each comes with its text tower, which stands before it.
        """
        chosen: dict[str, ModelSpec] = {}
        for name in names:
            members = [spec for spec in self.models if name in spec.sets] or [self.get(name)]
            for spec in members:
                if spec.text_tower is not None:
                    chosen.setdefault(spec.text_tower, self.text_tower(spec))
                chosen.setdefault(spec.name, spec)
        return tuple(chosen.values())


def read_manifest(path: Path) -> Manifest:
    """Read one manifest file; raises ModelError when it is missing or says something that cannot be understood."""
    try:
        if path.stat().st_size > _LARGEST_ENTRY:
            raise ModelError(f"The model manifest {path} is too large.", "A manifest is text that a person wrote.")
        return parse_manifest(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"The model manifest {path} cannot be read.", str(error)) from error


def parse_manifest(text: str, path: Path) -> Manifest:
    """Return what the text of a manifest says; ``path`` is named in errors, which are those of ``read_manifest``."""
    try:
        raw = tomllib.loads(text)
        if raw.get("version") != 1:
            raise ModelError(f"The model manifest {path} is not of version 1.")
        entries = convert(raw.get("model", []), list[dict[str, Any]])
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ModelError(f"The model manifest {path} cannot be read.", str(error)) from error
    except ValidationError as error:
        raise ModelError(f"The model manifest {path} cannot be understood.", f"{error}.") from error
    models, faults = list[ModelSpec](), list[str]()
    for number, entry in enumerate(entries, 1):
        try:
            models.append(convert(entry, ModelSpec))
        except ValidationError as error:
            faults.append(f"{entry.get('name', f'model {number}')}: {str(error).replace('`$.', '`')}")
    if faults:
        raise ModelError(f"The model manifest {path} cannot be understood.", one_line(f"{'; '.join(faults)}."))
    names = [spec.name for spec in models]
    if len(set(names)) != len(names):
        raise ModelError(f"The model manifest {path} names a model twice.", ", ".join(names))
    return Manifest(tuple(models))


@lru_cache(maxsize=1)
def _shipped() -> Manifest:
    return read_manifest(shipped("models/manifest.toml"))


def load_manifest(folder: Path | None = None) -> Manifest:
    """Return the manifest that ships with the program, and what was added to a models folder.

    An added model that cannot be used is among ``broken``: it keeps nobody from the others.
    """
    known = _shipped()
    entries = sorted(folder.glob(f"*/{ENTRY}")) if folder is not None and folder.is_dir() else []
    models, broken = list(known.models), dict[str, ModelError]()
    for path in entries:
        try:
            status = path.stat()
            models.append(_entry(path, status.st_mtime_ns, status.st_size))
        except (OSError, ModelError) as error:
            name = path.parent.name
            broken[name] = error if isinstance(error, ModelError) else ModelError(f"{path} cannot be read.", str(error))
    return Manifest(tuple(models), broken)


@lru_cache(maxsize=256)
def _entry(path: Path, changed_ns: int, size: int) -> ModelSpec:
    """Return what an added model says of itself; time and size only tell whether it was read before."""
    del changed_ns, size
    found = read_manifest(path).models
    name = path.parent.name
    if [spec.name for spec in found] != [name]:
        raise ModelError(f"{path} does not describe the model {name}.", "One model belongs there, with that name.")
    if any(spec.name == name for spec in _shipped().models):
        raise ModelError(
            f"The program itself has a model named {name}; what {path} says is not used.",
            "Give the folder, and the entry in it, another name.",
        )
    return found[0]
