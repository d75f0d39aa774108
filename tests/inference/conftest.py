"""The starter models, once a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dtk_tui import config
from dtk_tui.inference.image_embedder import ImageEmbedder
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.inference.model_files import is_installed
from dtk_tui.inference.model_spec import ModelSpec
from dtk_tui.inference.tagger import Tagger
from dtk_tui.inference.text_embedder import TextEmbedder


@pytest.fixture(scope="session")
def models() -> Path:
    return config.load().paths.models


@pytest.fixture(scope="session")
def starter(models: Path) -> Callable[[str], ModelSpec]:
    def find(name: str) -> ModelSpec:
        spec = load_manifest().get(name)
        if not is_installed(spec, models):
            pytest.skip(f"the model {name} is not pulled (dtk models pull starter)")
        return spec

    return find


@pytest.fixture(scope="session")
def minilm(starter: Callable[[str], ModelSpec], models: Path) -> Iterator[TextEmbedder]:
    embedder = TextEmbedder(starter("minilm-l6-v2"), models, 2)
    yield embedder
    embedder.close()


@pytest.fixture(scope="session")
def dinov2(starter: Callable[[str], ModelSpec], models: Path) -> Iterator[ImageEmbedder]:
    embedder = ImageEmbedder(starter("dinov2-small"), models, 2)
    yield embedder
    embedder.close()


@pytest.fixture(scope="session")
def open_nsfw(starter: Callable[[str], ModelSpec], models: Path) -> Iterator[Tagger]:
    tagger = Tagger(starter("open-nsfw"), models, 2)
    yield tagger
    tagger.close()
