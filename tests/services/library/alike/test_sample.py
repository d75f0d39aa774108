"""A sample of what is to be queued: what it looks most like, by hash and by vectors, bounded and stopped."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from dtk_tui.config import Config, load
from dtk_tui.domain.job import Kind
from dtk_tui.domain.queue import Target
from dtk_tui.inference.image_decoder import decode_picture
from dtk_tui.inference.image_embedder import ImageEmbedder
from dtk_tui.inference.manifest import load_manifest
from dtk_tui.services.library.alike.sample import Sample, sample
from dtk_tui.services.library.alike.sets import SearchStoppedError
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store.database import Database
from dtk_tui.store.library import embedding_spaces, folders
from dtk_tui.store.queue import results
from tests.helpers.pictures import picture
from tests.helpers.running_worker import EVERYTHING

_HASH = """
INSERT INTO image_hash (image_id, bits, colours, fingerprint, is_compared)
SELECT id, %s, %s, fingerprint, true FROM image WHERE file_name = %s
"""


@pytest.fixture
def old_and_new(db: Database, config: Config, tmp_path: Path) -> Target:
    """Four pictures that are known, and a folder of two, of which one is another size of one of those."""
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
    for seed in range(4):
        picture(seed, (256, 192)).save(old / f"{seed}.png")
    picture(2, (512, 384)).save(new / "two.png")
    (new / "broken.png").write_bytes((old / "3.png").read_bytes()[:200])
    scan(db, config, [str(old), str(new)])
    with db.connection() as conn:
        for seed in range(4):
            look = decode_picture(str(old / f"{seed}.png")).look
            conn.execute(_HASH, (look.bits, look.colours, f"{seed}.png"))
        number = folders.find(conn, str(new))
    return Target(folder_id=number, recursive=True)


def test_without_a_model_hashes_tell_what_is_nearest(db: Database, config: Config, old_and_new: Target) -> None:
    told: list[Sample] = []
    found = sample(db, config, old_and_new, Kind.EMBED, told.append)
    assert found.by == "hash" and found.chosen == len(found.images)
    by_name = {Path(one.path).name: one for one in found.images}
    two = by_name["two.png"]
    assert Path(two.nearest[0].path).name == "2.png" and len(two.nearest) == 3
    assert two.nearest[0].bits is not None and two.nearest[0].bits <= 4 and two.nearest[0].similarity is None
    assert "broken.png" not in by_name or by_name["broken.png"].error
    assert [len(one.images) for one in told] == list(range(found.chosen + 1))
    assert sample(db, config, old_and_new, Kind.EMBED) == found, "the same images each time"
    with db.connection() as conn:
        assert conn.execute("SELECT count(*) FROM job").fetchone() == (0,)


def test_time_and_a_stop_bound_it(db: Database, config: Config, old_and_new: Target) -> None:
    found = sample(db, config, EVERYTHING, Kind.TAG, limit_s=0)
    assert found.images == () and found.chosen >= 5
    stop = threading.Event()

    def tell(so_far: Sample) -> None:
        if so_far.images:
            stop.set()

    with pytest.raises(SearchStoppedError):
        sample(db, config, EVERYTHING, Kind.TAG, tell, stop)
    gone = sample(db, config, Target(image_ids=()), Kind.EMBED)
    assert (gone.images, gone.chosen) == ((), 0)


def test_with_a_model_vectors_tell_what_is_nearest(
    db: Database, config: Config, quick_models: Path, old_and_new: Target, tmp_path: Path
) -> None:
    config = load(
        {
            "HOME": str(tmp_path),
            "DTK_HOME": str(tmp_path / "home"),
            "DTK_MODELS": str(quick_models),
            "DTK_DATABASE_URL": config.database_url or "",
        }
    )
    embedder = ImageEmbedder(load_manifest(quick_models).get("dinov2-small"), quick_models, 1)
    with db.connection() as conn:
        space = embedding_spaces.register(conn, "dinov2-small", "image", "x", embedder.dims)
        known = conn.execute("SELECT id FROM image WHERE folder_id <> %s ORDER BY file_name", (old_and_new.folder_id,))
        pictures = np.stack([embedder.load(str(tmp_path / "old" / f"{seed}.png")) for seed in range(4)])
        results.save_image_vectors(conn, space, [number for (number,) in known], embedder.infer(pictures))
    embedder.close()
    found = sample(db, config, old_and_new, Kind.EMBED)
    assert found.by == "vectors"
    (two,) = [one for one in found.images if Path(one.path).name == "two.png"]
    assert Path(two.nearest[0].path).name == "2.png"
    assert two.nearest[0].similarity is not None and two.nearest[0].similarity > 0.9
