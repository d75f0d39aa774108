"""The towers of CLIP and SigLIP in a folder of transformers: which class loads one, and which output is its vector.

Weights are read from safetensors alone: other files of weights are programs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dtk_tui.errors import ModelError, UsageError
from dtk_tui.inference.adding.folder import ModelFolder, part, whole
from dtk_tui.inference.model_spec import ModelSpec

Modality = Literal["text", "vision"]
_INDEX = "model.safetensors.index.json"
_WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True)
class Tower:
    """One tower.

    Attributes:
        loader: its class in transformers.
        output: the name of what it gives.
        dims: length of a vector.
        edge: tokens of a text, or pixels of the edge of a picture.
        words: size of the vocabulary, 0 for pictures.
    """

    modality: Modality
    loader: str
    output: str
    dims: int
    edge: int
    words: int = 0

    def load(self, folder: ModelFolder) -> Any:
        """Return the torch module, in float32, with one input and one output; raises ModelError."""
        _require_libraries()
        import torch
        import transformers

        class OneOutput(torch.nn.Module):
            """A tower that gives one tensor."""

            def __init__(self, tower: Any, output: str) -> None:
                super().__init__()
                self.tower = tower
                self.output = output

            def forward(self, values: Any) -> Any:
                return getattr(self.tower(values), self.output)

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        try:
            tower, report = getattr(transformers, self.loader).from_pretrained(
                str(folder.path),
                config=self._config(folder),
                local_files_only=True,
                use_safetensors=True,
                dtype=torch.float32,
                attn_implementation="eager",
                output_loading_info=True,
            )
        except Exception as error:
            raise ModelError(f"transformers cannot load {folder.path} as {self.loader}.", str(error)[:1000]) from error
        missing = sorted(str(name) for name in report["missing_keys"])
        if missing:
            raise ModelError(
                f"The weights in {folder.path} lack {len(missing)} of {self.loader}: {', '.join(missing[:5])}.",
                "Torch would make them up. Is it the whole model?",
            )
        return OneOutput(tower, self.output).eval()

    def _config(self, folder: ModelFolder) -> Any:
        """Return the settings of the tower; of a folder with both, the length of a projection is that of the whole."""
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(str(folder.path), local_files_only=True, trust_remote_code=False)
        settings = getattr(config, f"{self.modality}_config", None)
        if settings is None:
            return config
        if hasattr(config, "projection_dim"):
            settings.projection_dim = config.projection_dim
        return settings


def _require_libraries() -> None:
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise ModelError(
            "An export needs torch and transformers.", f"Try: pip install 'dtk-tui[export]' ({error})"
        ) from error


def find_tower(folder: ModelFolder, modality: Modality, spec: ModelSpec | None) -> Tower:
    """Return the tower in a folder that an entry of the manifest means, or the one in the space of both towers.

    Raises:
        UsageError: the folder holds no CLIP or SigLIP, or none that gives what the entry says.
        ModelError: a file cannot be read, or lies outside the folder.
    """
    _require_weights(folder)
    config = folder.json("config.json")
    kind = str(config.get("model_type", ""))
    family = kind.partition("_")[0]
    if family not in ("clip", "siglip") or kind not in (family, f"{family}_{modality}_model"):
        raise UsageError(
            f"{folder.path} holds no {modality} tower of CLIP or SigLIP: its config.json says {kind or 'nothing'!r}.",
            "Name a folder with config.json and model.safetensors as transformers saves them.",
        )
    settings = part(config, f"{modality}_config") if kind == family else config
    hidden = whole(settings, "hidden_size") or 768
    projected = whole(config, "projection_dim") or whole(settings, "projection_dim") or 512
    ways = _ways(family, modality, hidden, projected)
    dims = spec.dims if spec is not None else None
    wants_states = spec is not None and spec.text is not None and spec.text.pooling == "eot"
    for loader, output, length in ways:
        if (dims is None or length == dims) and wants_states == (output == "last_hidden_state"):
            return Tower(modality, loader, output, length, *_input(modality, settings))
    raise UsageError(
        f"The {modality} tower in {folder.path} gives {' or '.join(str(way[2]) for way in ways)} values,"
        f" {spec.name if spec else ''} has {dims}.",
        "Name the folder of the model that the entry means: dtk models list",
    )


def _ways(family: str, modality: Modality, hidden: int, projected: int) -> list[tuple[str, str, int]]:
    """Return the class, the output and the length of each kind of vector; the one in the space of both first."""
    name = modality.capitalize()
    if family == "siglip":
        return [(f"Siglip{name}Model", "pooler_output", hidden)]
    embeds = "text_embeds" if modality == "text" else "image_embeds"
    other = "last_hidden_state" if modality == "text" else "pooler_output"
    return [(f"CLIP{name}ModelWithProjection", embeds, projected), (f"CLIP{name}Model", other, hidden)]


def _input(modality: Modality, settings: Mapping[str, Any]) -> tuple[int, int]:
    """Return the edge of the input, and the size of the vocabulary; what is not said is what transformers takes."""
    if modality == "vision":
        return whole(settings, "image_size") or 224, 0
    is_siglip = str(settings.get("model_type", "")).startswith("siglip")
    length = whole(settings, "max_position_embeddings") or (64 if is_siglip else 77)
    return length, whole(settings, "vocab_size") or (32000 if is_siglip else 49408)


def _require_weights(folder: ModelFolder) -> None:
    """Refuse a folder without safetensors, and one whose index names files elsewhere."""
    if folder.has(_INDEX):
        names = {str(name) for name in part(folder.json(_INDEX), "weight_map").values()}
    else:
        names = {_WEIGHTS}
    for name in sorted(names):
        if not folder.has(name):
            raise UsageError(
                f"{folder.path} has no {name}.",
                "Weights are read from safetensors alone, for other files of weights are programs.",
            )
        folder.file(name)
