"""One decoding a picture: what is due for it is claimed together, and each kind ends by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.job import NOW, ClaimedJob, Kind
from dtk_tui.domain.queue import Target
from dtk_tui.inference import preprocessing
from dtk_tui.inference.image_decoder import DecodedPicture
from dtk_tui.inference.preprocessing import Picture
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.services.worker.handlers.base import Loaded
from dtk_tui.services.worker.handlers.embed import EmbedHandler
from dtk_tui.services.worker.handlers.tag import TagHandler
from dtk_tui.store.database import Database
from dtk_tui.store.queue import jobs
from tests.helpers.pictures import write_many
from tests.helpers.running_worker import EVERYTHING, logged_jobs, one_value, worker

pytestmark = pytest.mark.usefixtures("quick_models")


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file was decoded in this process."""
    counted: Counter[str] = Counter()
    real = preprocessing.decode_picture

    def decode(path: str) -> DecodedPicture:
        counted[Path(path).name] += 1
        return real(path)

    monkeypatch.setattr(preprocessing, "decode_picture", decode)
    return counted


def _prepare(db: Database, config: Config, library: Path, count: int) -> list[Path]:
    paths = write_many(library, count)
    scan(db, config, [str(library)])
    enqueue(db, config, EVERYTHING, [Kind.TAG, Kind.EMBED])
    return paths


def test_a_picture_that_is_tagged_and_embedded_is_decoded_once(
    db: Database, config: Config, tmp_path: Path, decodings: Counter[str]
) -> None:
    paths = _prepare(db, config, tmp_path / "library", 40)
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
        assert (engine.throughput.processed, engine.throughput.failed) == (80, 0)
    assert decodings == {path.name: 1 for path in paths}
    assert one_value(db, "SELECT count(*) FROM image_vector") == 40
    assert one_value(db, "SELECT count(*) FROM tag_prediction") == 40
    assert sorted(logged_jobs(db)) == sorted(set(logged_jobs(db))), "no job was done twice"
    models = "SELECT count(DISTINCT (kind, model)) FROM job_log WHERE outcome = 'done'"
    assert one_value(db, models) == 2, "each job is logged with its own model"


def test_what_fails_for_one_kind_fails_for_that_alone(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decodings: Counter[str]
) -> None:
    takes, infers = TagHandler.take, EmbedHandler.infer

    def take(self: TagHandler, job: ClaimedJob, picture: Picture) -> Loaded:
        if job.path.endswith("00003.png"):
            raise ValueError("no tag fits")
        return takes(self, job, picture)

    def infer(self: EmbedHandler, batch: Sequence[Loaded]) -> list[Any]:
        if any(item.job.path.endswith("00005.png") for item in batch):
            raise ValueError("no vector fits")
        return infers(self, batch)

    monkeypatch.setattr(TagHandler, "take", take)
    monkeypatch.setattr(EmbedHandler, "infer", infer)
    paths = _prepare(db, config, tmp_path / "library", 10)
    whole = paths[7].read_bytes()
    paths[7].write_bytes(whole[: len(whole) // 2])
    scan(db, config, [str(tmp_path / "library")])
    enqueue(db, config, EVERYTHING, [Kind.TAG, Kind.EMBED])
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
    with db.connection() as conn:
        failed = {(row.kind, Path(row.path).name): row.error or "" for row in jobs.rows(conn, jobs.page_ids(conn))}
    assert "no tag fits" in failed.pop((Kind.TAG, "00003.png"))
    assert "no vector fits" in failed.pop((Kind.EMBED, "00005.png"))
    assert "damaged" in failed.pop((Kind.TAG, "00007.png")) and "damaged" in failed.pop((Kind.EMBED, "00007.png"))
    assert not failed
    assert one_value(db, "SELECT count(*) FROM image_vector") == 8
    assert one_value(db, "SELECT count(*) FROM tag_prediction") == 8
    assert set(decodings.values()) == {1}, "what one kind makes of it is no reason to decode it again"


def test_what_is_asked_for_now_brings_nothing_along(
    db: Database, config: Config, tmp_path: Path, decodings: Counter[str]
) -> None:
    paths = _prepare(db, config, tmp_path / "library", 30)
    with db.connection() as conn:
        chosen = dict(conn.execute("SELECT id, file_name FROM image ORDER BY id DESC LIMIT 3").fetchall())
    enqueue(db, config, Target(image_ids=tuple(chosen)), [Kind.EMBED], priority=NOW)
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
    assert decodings == {path.name: 1 + (path.name in chosen.values()) for path in paths}
    assert len(logged_jobs(db)) == 60


def test_a_suspect_is_alone_and_what_is_beside_it_goes_on(
    db: Database, config: Config, tmp_path: Path, decodings: Counter[str]
) -> None:
    _prepare(db, config, tmp_path / "library", 6)
    with db.connection() as conn:  # one of each kind may have killed a worker
        conn.execute("UPDATE job SET deaths = 1 WHERE id IN (SELECT min(id) FROM job GROUP BY kind)")
        conn.execute(
            "UPDATE job SET deaths = 1 WHERE kind = 2 AND image_id = (SELECT max(image_id) FROM job WHERE kind = 2)"
        )
    with worker(db, config) as (engine, _):
        engine.wait_until_empty()
        assert (engine.throughput.processed, engine.throughput.failed) == (12, 0)
    # Both jobs of the first picture, and one of the last, were loaded in the other process.
    assert sorted(decodings.values()) == [1, 1, 1, 1, 1] and "00000.png" not in decodings
    assert one_value(db, "SELECT count(*) FROM image_vector") == 6
