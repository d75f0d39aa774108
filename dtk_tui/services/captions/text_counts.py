"""Words and tokens of a text, counted for people who write for models that read only so many."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dtk_tui.config import Config
from dtk_tui.errors import DtkError
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_files import model_folder
from dtk_tui.inference.tokenizer import Tokenizer

#: What Stable Diffusion and SDXL are trained with; where it is not on this machine, the text embedder of the config.
_FIRST = "clip-l-text"


@dataclass(frozen=True, slots=True)
class TextCounts:
    """``tokens`` are those of the tokenizer of the model ``tokenizer``, special ones left out; None: there is none."""

    characters: int
    words: int
    tokens: int | None
    tokenizer: str = ""


def counts(config: Config, text: str) -> TextCounts:
    """Count a text."""
    name, tokenizer = _tokenizer(str(config.paths.models), config.settings.models.text_embedder)
    tokens = None if tokenizer is None else tokenizer.count(text)
    return TextCounts(len(text), len(text.split()), tokens, name)


@cache
def _tokenizer(folder: str, embedder: str) -> tuple[str, Tokenizer | None]:
    for name in (_FIRST, embedder):
        try:
            spec = load_manifest(Path(folder)).get(name)
            if spec.text is not None:
                return spec.name, Tokenizer(spec.text, model_folder(spec, Path(folder)))
        except DtkError:
            continue
    return "", None
