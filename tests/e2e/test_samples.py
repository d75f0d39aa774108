"""Real images of every dialect through the installed command, held against their expected values."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Dtk
from tests.helpers.sample_values import MORE

TEXTS = ("prompt", "negative_prompt", "sampler", "scheduler", "model", "model_hash")
NUMBERS = ("steps", "cfg_scale", "seed", "width", "height")


def _expected(row: dict[str, str], field: str) -> list[Any]:
    """Return the right answers for one field: the first of them from its column, others from ``accept_also``."""
    value = MORE.get((row["file"], field), row[f"exp_{field}"])
    answers: list[Any] = [None if value == "<none>" else value]
    answers += json.loads(row["accept_also"] or "{}").get(field, [])
    if field in NUMBERS:
        return [None if answer in (None, "<none>") else float(answer) for answer in answers]
    return answers


def _row_faults(row: dict[str, str], shown: dict[str, Any]) -> list[str]:
    faults = []
    for field in (*TEXTS, *NUMBERS):
        value = shown[field]
        if field in NUMBERS and value is not None:
            value = float(value)
        if value not in _expected(row, field):
            faults.append(f"{row['file']} {field}: {value!r} is none of {_expected(row, field)!r}")
    return faults


def test_every_sample_is_shown_as_expected(new_dtk: Dtk, sample_images: Path) -> None:
    new_dtk.run("db", "start")
    counts = new_dtk.json("scan", str(sample_images))
    assert counts["added"] == counts["seen"] > 30
    assert counts["failed"] == 1, "the empty file"
    faults: list[str] = []
    with open(sample_images / "manifest.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not row["file"].endswith((".txt", ".json"))]
    for row in rows:
        faults += _row_faults(row, new_dtk.look("show", str(sample_images / row["file"])))
    assert not faults, "\n".join(faults)
    assert new_dtk.json("scan", str(sample_images))["unchanged"] == counts["seen"]
