"""Notes in every wheel and source archive which commit it was built from; ``dtk --version`` tells it."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_NOTE = "dtk_tui/_data/build.json"


class BuildNote(BuildHookInterface):
    """Adds the note; what is built from a source archive has that of the archive."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the note, where there is a commit to tell."""
        if version == "editable" or not Path(self.root, ".git").exists():
            return
        command = ["git", "-C", self.root, "describe", "--always", "--dirty", "--tags"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return
        self._folder = tempfile.TemporaryDirectory()
        note = Path(self._folder.name, "build.json")
        note.write_text(json.dumps({"commit": done.stdout.strip()}), encoding="utf-8")
        build_data["force_include"][str(note)] = _NOTE
