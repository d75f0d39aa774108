"""The models that the config names, checked against the manifest and the disk."""

from __future__ import annotations

from dtk_tui.config import Config
from dtk_tui.errors import ModelError, UsageError
from dtk_tui.inference.manifest import ModelSpec, load_manifest
from dtk_tui.inference.model_files import is_installed


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
