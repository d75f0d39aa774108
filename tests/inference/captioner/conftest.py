"""The tiny LLaVA pair, once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.tiny_gguf import write_pair


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A text model and its projector."""
    pytest.importorskip("xllamacpp", reason="llama.cpp has no wheel here")
    return write_pair(tmp_path_factory.mktemp("llava"))
