"""Comparison of text with golden files.

``DTK_WRITE_GOLDEN=1 python -m pytest tests/ui/test_snapshots.py`` writes the files of a test anew, in place of
comparing them; the diff of the commit then shows what a user will see otherwise.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: The variable that has golden files written instead of compared.
WRITE = "DTK_WRITE_GOLDEN"

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d(:?\d\d)?|Z)?")


def difference(file: Path, text: str) -> str:
    """Return how a text differs from a golden file, as a unified diff; empty where it does not."""
    text = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    if os.environ.get(WRITE):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return ""
    if not file.is_file():
        return f"{file.name} does not exist: {WRITE}=1 writes it. It would be\n{text}"
    lines = file.read_text(encoding="utf-8").splitlines(), text.splitlines()
    return "\n".join(difflib.unified_diff(*lines, f"golden {file.name}", "now", lineterm="", n=2))


def check(file: Path, text: str) -> None:
    """Fail with a diff unless a text is that of a golden file."""
    found = difference(file, text)
    assert not found, found


def plain(value: Any, paths: Mapping[str, str], varying: frozenset[str]) -> Any:
    """Return a JSON value in which only what is the same in every run is left.

    Args:
        paths: begins of paths and other words, and what stands in their place.
        varying: keys whose values are replaced by the name of their type.
    """
    if isinstance(value, dict):
        # Objects of JSON have no order.
        return {
            key: _kind(item) if key in varying else plain(item, paths, varying) for key, item in sorted(value.items())
        }
    if isinstance(value, list):
        return [plain(item, paths, varying) for item in value]
    if isinstance(value, str):
        return words(value, paths)
    return value


def words(text: str, paths: Mapping[str, str]) -> str:
    """Return a text without the paths and moments of this run."""
    for path, name in paths.items():
        text = text.replace(path, name)
    return _MOMENT.sub("<time>", text)


def _kind(value: Any) -> str:
    return "null" if value is None else f"<{type(value).__name__}>"


def json_lines(values: list[Any]) -> str:
    """Return JSON values as text that a diff can show."""
    return "\n".join(json.dumps(value, indent=1, ensure_ascii=True) for value in values)
