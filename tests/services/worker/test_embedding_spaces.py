"""Several embedders at once: each fills its own space, and one that is added leaves the others alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dtk_tui.config import Config, load
from dtk_tui.domain.job import Kind
from dtk_tui.errors import DtkError, UsageError
from dtk_tui.inference.image_embedder import ImageEmbedder
from dtk_tui.inference.preprocessing import Picture
from dtk_tui.inference.text_embedder import TextEmbedder
from dtk_tui.services.library.search import search
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.stats import snapshot
from dtk_tui.store.database import Database
from tests.helpers.architectures.plain import plain_image_embedder, plain_text_embedder
from tests.helpers.pictures import write_many, write_png
from tests.helpers.running_worker import EVERYTHING, worker

_IMAGES, _PROMPTS = 6, 3
_ROWS = """
SELECT 'image', space_id, image_id, xmin::text FROM image_vector
UNION ALL SELECT 'prompt', space_id, prompt_id, xmin::text FROM prompt_vector ORDER BY 1, 2, 3
"""


@pytest.fixture
def configured(config: Config, quick_models: Path, tmp_path: Path) -> Callable[[str], Config]:
    """Give a config with these settings of models, and a models folder that holds two embedders of each kind."""
    models = tmp_path / "models"
    models.mkdir()
    for model in quick_models.iterdir():
        (models / model.name).symlink_to(model)
    plain_image_embedder(models)
    plain_text_embedder(models)

    def of(settings: str) -> Config:
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        (home / "config.toml").write_text(f"[models]\n{settings}\n")
        return load(
            {
                "HOME": str(tmp_path),
                "DTK_HOME": str(home),
                "DTK_MODELS": str(models),
                "DTK_DATABASE_URL": config.database_url or "",
            }
        )

    return of


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count what each model computes, and the pictures that are decoded."""
    counts: Counter[str] = Counter()
    infer, embed, opened = ImageEmbedder.infer, TextEmbedder.embed, Picture.open

    def counting_infer(self: ImageEmbedder, batch: np.ndarray) -> np.ndarray:
        counts[self.spec.name] += len(batch)
        return infer(self, batch)

    def counting_embed(self: TextEmbedder, texts: Any) -> np.ndarray:
        counts[self.spec.name] += len(texts)
        return embed(self, texts)

    def counting_open(path: str) -> Picture:
        counts["decoded"] += 1
        return opened(path)

    monkeypatch.setattr(ImageEmbedder, "infer", counting_infer)
    monkeypatch.setattr(TextEmbedder, "embed", counting_embed)
    monkeypatch.setattr(Picture, "open", counting_open)
    return counts


def _rows(db: Database) -> list[tuple[Any, ...]]:
    with db.connection() as conn:
        return conn.execute(_ROWS).fetchall()


def _run(db: Database, config: Config, *, again: bool = False) -> int:
    queued = enqueue(db, config, EVERYTHING, [Kind.EMBED], again=again).queued
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
    with db.connection() as conn:
        assert conn.execute("SELECT state, error FROM job").fetchall() == []
    return queued


def test_a_model_that_is_added_fills_its_space_alone(
    db: Database, configured: Callable[[str], Config], computed: Counter[str], tmp_path: Path
) -> None:
    write_many(tmp_path / "library", _IMAGES, prompts=_PROMPTS)
    one = configured('text_embedder = "plain-bge"\nimage_embedder = "clip-h-vision"')
    scan(db, one, [str(tmp_path / "library")])
    assert _run(db, one) == _IMAGES
    first = _rows(db)
    assert len(first) == _IMAGES + _PROMPTS

    computed.clear()
    images = 'image_embedders = ["clip-h-vision", "dinov2-small"]\n'
    assert _run(db, configured(f'text_embedder = "plain-bge"\n{images}')) == _IMAGES
    assert computed == {"dinov2-small": _IMAGES, "decoded": _IMAGES}, "nothing is computed that is there"
    assert set(first) <= set(_rows(db)), "the vectors of the others are the very rows of before"

    computed.clear()
    both = configured(f'{images}text_embedders = ["plain-bge", "minilm-l6-v2"]')
    second = _rows(db)
    assert _run(db, both) == _IMAGES
    assert computed == {"minilm-l6-v2": _PROMPTS}, "no picture is decoded for the sake of its prompt"
    assert set(second) <= set(_rows(db))
    assert snapshot(db).library.vectors == {
        "plain-bge": _PROMPTS, "clip-h-vision": _IMAGES, "dinov2-small": _IMAGES, "minilm-l6-v2": _PROMPTS,
    }  # fmt: skip
    assert enqueue(db, both, EVERYTHING, [Kind.EMBED]).queued == 0

    computed.clear()
    assert _run(db, both, again=True) == _IMAGES
    assert (computed["dinov2-small"], computed["clip-h-vision"]) == (_IMAGES, _IMAGES), "asked for again: all"


def test_a_search_compares_vectors_of_the_model_that_it_names(
    db: Database, configured: Callable[[str], Config], tmp_path: Path
) -> None:
    write_many(tmp_path / "library", _IMAGES, prompts=_PROMPTS)
    config = configured(
        'text_embedders = ["minilm-l6-v2", "plain-bge"]\nimage_embedders = ["dinov2-small", "clip-h-vision"]'
    )
    scan(db, config, [str(tmp_path / "library")])
    with pytest.raises(DtkError, match="needs embeddings by clip-h-vision, and there are none"):
        search(db, config, "like@clip-h-vision:1")
    _run(db, config)
    scores = {}
    for line in (
        "like:1",
        "like@dinov2-small:1",
        "like@clip-h-vision:1",
        "about:a thing",
        "about@plain-bge:a thing",
    ):
        found = search(db, config, f"{line}")
        assert found, line
        scores[line] = [round(hit.score or 0, 4) for hit in found]
    assert scores["like:1"] == scores["like@dinov2-small:1"] != scores["like@clip-h-vision:1"]
    assert scores["about:a thing"] != scores["about@plain-bge:a thing"]
    with pytest.raises(UsageError, match="There is no model named nosuch"):
        search(db, config, "about@nosuch:x")
    with pytest.raises(UsageError, match="compares vectors of a text-embedder, and dinov2-small is none"):
        search(db, config, "about@dinov2-small:x")


def test_who_takes_over_the_vectors_of_another_is_embedded_itself(
    db: Database, configured: Callable[[str], Config], tmp_path: Path
) -> None:
    library = tmp_path / "library"
    # One picture in two sizes, of which the larger stands for both until it goes.
    small, large = (write_png(library / f"{edge}.png", "a castle", size=(edge, edge)) for edge in (64, 128))
    config = configured('text_embedder = "plain-bge"\nimage_embedder = "clip-h-vision"')
    scan(db, config, [str(library)])
    _run(db, config)
    vector = "SELECT image_id, vec::text FROM image_vector"
    with db.connection() as conn:
        ((former, of_former),) = conn.execute(vector).fetchall()
        conn.execute("SELECT dtk_promote_successors(ARRAY[%s]::bigint[])", (former,))
        conn.execute("DELETE FROM image WHERE id = %s", (former,))
        ((successor, taken_over),) = conn.execute(vector).fetchall()
        assert (successor != former, taken_over == of_former) == (True, True)
        assert conn.execute("SELECT image_id, again FROM job").fetchall() == [(successor, True)]
    large.unlink()
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
    with db.connection() as conn:
        ((number, own),) = conn.execute(vector).fetchall()
    assert small.exists() and number == successor and own != of_former
