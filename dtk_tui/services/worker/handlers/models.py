"""The models that the config names, checked against the manifest and the disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dtk_tui.config import Config
from dtk_tui.domain.events import ProblemReported
from dtk_tui.errors import ModelError, UsageError
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_files import is_installed
from dtk_tui.inference.model_spec import ModelSpec
from dtk_tui.inference.onnx_model import OnnxModel


def require(config: Config, name: str, role: str) -> ModelSpec:
    """Return the description of a model that has this role and is on this machine.

    Raises:
        ModelError: it is not, with what to do.
    """
    try:
        spec = load_manifest(config.paths.models).get(name)
    except UsageError as error:  # a misspelt name in the config is a model that is not there
        raise ModelError(error.title, error.detail) from error
    if spec.role != role:
        raise ModelError(f"The model {name} is a {spec.role}, not a {role}.", "Correct [models] in config.toml.")
    if not is_installed(spec, config.paths.models):
        raise ModelError(f"The model {spec.name} is not on this machine.", f"Get it with: dtk models pull {spec.name}")
    return spec


def tune(config: Config, models: Sequence[OnnxModel]) -> None:
    """Take precision and batch size of each as measured on its device; a batch size of the config is not questioned."""
    for model in models:
        model.tune(with_batch=config.settings.worker.batch_size is None)


def precision_notices(models: Iterable[OnnxModel]) -> list[ProblemReported]:
    """Say which models do not run in half precision although they could."""
    advice = "That takes twice the memory and time. See: dtk models measure"
    return [ProblemReported(notice, advice) for model in models if (notice := model.notice) is not None]
