"""Entries of the manifest as those of models that people added, so that the files of a small model fit them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import tomli_w

from dtk_tui.inference.model_spec import ENTRY
from dtk_tui.shipped import shipped


def add_entry(folder: Path, of: str, name: str) -> Path:
    """Describe a model in a models folder as one of the manifest, under another name; return its own folder."""
    manifest = tomllib.loads(shipped("models/manifest.toml").read_text(encoding="utf-8"))
    (found,) = (entry for entry in manifest["model"] if entry["name"] == of)
    entry = {key: value for key, value in found.items() if key not in ("repository", "revision", "sets")}
    entry |= {"name": name, "source": "local", "files": [{"path": file["path"]} for file in found["files"]]}
    home = folder / name
    home.mkdir(parents=True, exist_ok=True)
    (home / ENTRY).write_text(tomli_w.dumps({"version": 1, "model": [entry]}), encoding="utf-8")
    return home
