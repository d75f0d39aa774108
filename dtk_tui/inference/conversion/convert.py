"""Making the files of a model that is not published as ONNX."""

from __future__ import annotations

import os
from pathlib import Path

from dtk_tui.errors import ModelError
from dtk_tui.inference.conversion.class_names import class_names
from dtk_tui.inference.conversion.efficientnet import Floats, efficientnet_lite0
from dtk_tui.inference.conversion.torch_file import read_state_dict
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_spec import ModelSpec


def convert(spec: ModelSpec, home: Path, target: Path, models_folder: Path) -> None:
    """Write the files of ``spec.made`` to ``target``, out of published files there or else in ``home``.

    Raises:
        ModelError: a file is not what it should be, or the text tower is not on this machine.
    """
    import onnx

    rules = spec.conversion
    if rules is None:
        raise ModelError(f"The model {spec.name} is not made of other files.")

    def found(name: str) -> Path:
        return target / name if (target / name).exists() else home / name

    names = class_names(found(rules.synsets), found(rules.lemmas))
    (target / rules.names).write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    vectors = _vectors(spec, [rules.sentence.replace("{}", name) for name in names], models_folder)
    model = efficientnet_lite0(read_state_dict(found(rules.weights)), vectors)
    onnx.save(model, str(target / spec.session_file))


def _vectors(spec: ModelSpec, sentences: list[str], models_folder: Path) -> Floats | None:
    """Return what the text tower of a joint model says of each class, float32 [classes, dims]; None without one."""
    from dtk_tui.inference.text_embedder import TextEmbedder

    if spec.text_tower is None:
        return None
    tower = TextEmbedder(load_manifest(models_folder).text_tower(spec), models_folder, os.cpu_count() or 1)
    try:
        return tower.embed(sentences)
    finally:
        tower.close()
