"""Where the repository is, and the inputs beside it."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


INPUTS = REPOSITORY.parent / "shared" / "inputs"
