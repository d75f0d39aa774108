"""Which modules a program loads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from tests.helpers.paths import REPOSITORY

#: What a light command, and the first screen, do without; each with all below it.
HEAVY = (
    "numpy", "PIL", "httpx", "onnx", "onnxruntime", "tokenizers", "huggingface_hub", "pyarrow", "sqlite3", "ray",
    "multiprocessing", "watchfiles", "imagecodecs", "yoyo", "dtk_tui.metadata", "dtk_tui.services.worker.engine",
    "dtk_tui.services.scan.scanner", "dtk_tui.services.scan.watcher", "dtk_tui.services.library.search",
    "dtk_tui.inference.captioner.choice", "dtk_tui.inference.manifest", "dtk_tui.inference.image_decoder",
)  # fmt: skip


def modules_after(script: str, home: Path, **environ: str) -> set[str]:
    """Run a program and return the modules that it names in its last line, as JSON."""
    known = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "DTK_HOME": str(home / "dtk"),
        "PYTHONPATH": str(REPOSITORY),
    }
    done = subprocess.run([sys.executable, "-c", script], env=known | environ, capture_output=True, text=True, cwd=home)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.strip().splitlines()[-1]))


def unwanted(modules: Collection[str], names: Collection[str]) -> list[str]:
    """Return the modules that are, or belong to, one of some names."""
    return sorted(module for module in modules if any(f"{module}.".startswith(f"{name}.") for name in names))
