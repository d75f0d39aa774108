"""Reading chunks of metadata, and what must be found in them."""

from __future__ import annotations

import json
from typing import Any

from dtk_tui.domain.parameters import GenerationParameters, RawChunk
from dtk_tui.metadata.reader import derive


def read(*chunks: tuple[str, str, Any]) -> tuple[str | None, GenerationParameters]:
    raw = [RawChunk(source, key, text if isinstance(text, str) else json.dumps(text)) for source, key, text in chunks]
    return derive(raw, 512, 512)


def expect(found: tuple[str | None, GenerationParameters], dialect: str, **values: Any) -> None:
    assert found[0] == dialect
    assert {name: getattr(found[1], name) for name in values} == values
