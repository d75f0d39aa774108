"""Real files of every dialect: each expected value of the manifest must come out."""

from __future__ import annotations

import csv
import json
import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from dtk_tui.domain.parameters import FileReading
from dtk_tui.metadata.reader import derive, read_file
from tests.helpers.metadata import files
from tests.helpers.sample_values import MORE

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "inputs" / "images"
FIELDS = (
    "prompt", "negative_prompt", "steps", "sampler", "scheduler", "cfg_scale", "seed", "width", "height", "model",
    "model_hash",
)  # fmt: skip
NUMBERS = frozenset({"steps", "cfg_scale", "seed", "width", "height"})

pytestmark = pytest.mark.skipif(not (FOLDER / "manifest.csv").is_file(), reason="the sample pictures are not here")


def rows() -> list[dict[str, str]]:
    with open(FOLDER / "manifest.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def look(row: dict[str, str], folder: Path) -> FileReading:
    """Read a sample; a sidecar through the picture beside it (a plain one where the samples have none)."""
    path = FOLDER / row["file"]
    if path.suffix in (".txt", ".json"):
        beside = path.with_suffix(".png")
        if beside.is_file():
            return read_file(str(beside))
        shutil.copyfile(path, folder / path.name)
        (folder / beside.name).write_bytes(files.png())
        return read_file(str(folder / beside.name))
    return read_file(str(path))


def same(field: str, got: object, expected: object) -> bool:
    if expected is None or expected == "<none>":
        return got is None
    if got is None:
        return False
    if field in NUMBERS:
        return float(str(got)) == float(str(expected)) and (field == "cfg_scale" or int(str(got)) == int(str(expected)))
    return got == expected


def wrong(row: dict[str, str], reading: FileReading) -> list[str]:
    accepted = json.loads(row["accept_also"]) if row["accept_also"] else {}
    found = []
    for field in FIELDS:
        got = getattr(reading.parameters, field)
        others = accepted.get(field)
        expected = MORE.get((row["file"], field), row[f"exp_{field}"])
        options = [expected, *(others if isinstance(others, list) else [])]
        if not any(same(field, got, option) for option in options):
            found.append(f"{row['file']}: {field} is {got!r}, not {expected!r}")
    return found


def test_every_sample_comes_out_exact(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    failures = []
    for row in rows():
        found = wrong(row, look(row, tmp_path))
        failures += found
        total[row["dialect"]] += 1
        right[row["dialect"]] += not found
    with capsys.disabled():
        print("\ndialect            right  of")
        for dialect, number in sorted(total.items()):
            print(f"{dialect:<18}{right[dialect]:>6}{number:>4}")
    assert not failures, "\n".join(failures)


def test_dialects_are_named_and_negatives_stay_empty(tmp_path: Path) -> None:
    for row in rows():
        reading = look(row, tmp_path)
        if row["dialect"] == "none":
            assert reading.dialect is None, row["file"]
            assert reading.parameters.prompt is None
        elif row["dialect"] != "sidecar":
            assert reading.dialect == row["dialect"], row["file"]


def test_parameters_can_be_derived_again_from_the_chunks_alone(tmp_path: Path) -> None:
    for row in rows():
        reading = look(row, tmp_path)
        assert derive(reading.chunks, reading.width, reading.height) == (reading.dialect, reading.parameters), row[
            "file"
        ]


def test_containers_and_sizes_are_what_pillow_says() -> None:
    from PIL import Image

    for row in rows():
        path = FOLDER / row["file"]
        if path.suffix in (".txt", ".json") or path.stat().st_size == 0:
            continue
        reading = read_file(str(path), frozenset())
        with Image.open(path) as image:
            assert (reading.container, reading.width, reading.height) == (image.format, *image.size), row["file"]
