"""The demo, as ``make demo`` runs it: the whole program on a library whose every answer is known."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dtk_tui.demo.library import QUERIES, create_crops, expected
from dtk_tui.demo.tour import LOOKS_QUERIES
from tests.e2e.conftest import Dtk

pytestmark = pytest.mark.usefixtures("starter_models")


def _stems(hits: list[dict[str, object]]) -> list[str]:
    return [Path(str(hit["path"])).stem for hit in hits]


def test_the_demo_from_nothing_to_answers(dtk: Dtk, tmp_path: Path) -> None:
    shown = dtk.run("demo", "--no-app", timeout_s=800)
    assert "Models" in shown and "dtk search" in shown and "dtk similar" in shown
    dtk.home = dtk.home / "sample"
    dtk.environ["DTK_HOME"] = str(dtk.home)
    dtk.run("db", "start")

    counts = expected()
    status = dtk.look("status")
    assert status["library"]["images"] == counts.images
    assert status["library"]["representatives"] == counts.representatives
    assert status["library"]["prompts"] == counts.unique_texts + 1, "each once, and the empty negative prompt"
    assert status["library"]["vectors"] == {
        "dinov2-small": counts.representatives,
        "efficientnet-lite0-words": counts.representatives,
        "minilm-l6-v2": counts.unique_prompts,
    }
    assert status["queue"]["pending"] == status["queue"]["failed"] == 0

    for query in QUERIES:
        top = _stems(dtk.looks("search", f'about: "{query.text}"', "--limit", "3"))
        assert len(top) == 3 and set(top) <= query.expected, f"{query.text}: {top}"

    # Words find what is in the pictures, also those without a prompt.
    assert "It is a stand-in" in shown
    for line, subject in zip(LOOKS_QUERIES, ("sports-car", "screenshot"), strict=True):
        hits = dtk.looks("search", line, "--limit", "3")
        assert subject in _stems(hits)[0], f"{line}: {_stems(hits)}"
    assert [hit["prompt"] for hit in hits] == [None] * 3

    for crop, original in create_crops(dtk.home / "images", tmp_path / "crops"):
        (first, *_) = dtk.looks("similar", str(crop), "--limit", "3")
        found = dtk.look("show", str(first["id"]))
        wanted = dtk.look("show", str(original))
        assert found["group"]["representative"] == wanted["group"]["representative"], f"{crop.name}: {first['path']}"

    before = {path: os.stat(path).st_mtime_ns for path in (dtk.home / "images").rglob("*.*")}
    dtk.environ["DTK_HOME"] = str(dtk.home.parent)
    again = dtk.run("demo", "--no-app")
    assert "Nothing to queue: " in again, "run twice, it does not do the work twice"
    assert before == {path: os.stat(path).st_mtime_ns for path in (dtk.home / "images").rglob("*.*")}
    dtk.environ["DTK_HOME"] = str(dtk.home)
