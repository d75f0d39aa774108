"""Loading a model by its role."""

from __future__ import annotations

from pathlib import Path

from dtk_tui.errors import UsageError
from dtk_tui.inference.devices.provider import Device
from dtk_tui.inference.image_embedder import ImageEmbedder
from dtk_tui.inference.model_spec import ModelSpec
from dtk_tui.inference.onnx_model import OnnxModel
from dtk_tui.inference.tagger import Tagger
from dtk_tui.inference.text_embedder import TextEmbedder

_BY_ROLE: dict[str, type[TextEmbedder | ImageEmbedder | Tagger]] = {
    "text-embedder": TextEmbedder,
    "image-embedder": ImageEmbedder,
    "tagger": Tagger,
}


def open_model(spec: ModelSpec, folder: Path, threads: int, device: Device) -> OnnxModel:
    """Load a model; see ``OnnxModel`` for the arguments.

    Raises:
        UsageError: it is of a kind that this program does not run itself.
        ModelError: it is not installed, is damaged, or does not run here.
    """
    if spec.role not in _BY_ROLE:
        raise UsageError(f"The model {spec.name} is a {spec.role}, which is not run by this program.")
    return _BY_ROLE[spec.role](spec, folder, threads, device)
