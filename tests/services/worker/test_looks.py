"""What a worker sees of pictures decides who shares a vector, before any vector is saved for the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from dtk_tui.config import Config
from dtk_tui.domain.job import Kind
from dtk_tui.services.queue import enqueue
from dtk_tui.services.scan.scanner import scan
from dtk_tui.store.database import Database
from dtk_tui.store.library import groups, looks
from tests.helpers.pictures import infotext, write_png
from tests.helpers.running_worker import EVERYTHING, one_value, worker

pytestmark = pytest.mark.usefixtures("quick_models")


_DONE = "SELECT file_name FROM job_log JOIN image ON image.id = image_id WHERE outcome = 'done' ORDER BY 1"
_PAIR = {"original.png": "final.png", "final.png": "final.png"}


def _list(db: Database, sql: str) -> list[str]:
    with db.connection() as conn:
        return [name for (name,) in conn.execute(sql.encode())]


def _groups(db: Database) -> dict[str, str]:
    sql = """
        SELECT image.file_name, coalesce(source.file_name, image.file_name)
          FROM image LEFT JOIN image source ON source.id = image.embedding_source_id"""
    with db.connection() as conn:
        return dict(conn.execute(sql).fetchall())


@pytest.mark.parametrize("kinds", [[Kind.EMBED], [Kind.TAG, Kind.EMBED]])
def test_who_does_not_look_like_its_representative_is_embedded_itself(
    db: Database, config: Config, tmp_path: Path, kinds: list[Kind]
) -> None:
    library = tmp_path / "library"
    write_png(library / "original.png", "a pair", seed=1)
    write_png(library / "final.png", "a pair", seed=1, size=(128, 128))
    # A grid has the parameters of its first picture.
    write_png(library / "first.png", "a grid", seed=2)
    write_png(library / "grid.png", seed=3, size=(128, 128), text=infotext("a grid", 2))
    write_png(library / "good.png", "a broken one", seed=4, size=(128, 128))
    broken = write_png(library / "broken.png", "a broken one", seed=4, size=(400, 400))
    broken.write_bytes(broken.read_bytes()[:-60])
    for number in (5, 6):
        write_png(library / f"sibling {number}.png", seed=number, text=infotext("a batch", 5))
    scan(db, config, [str(library)])
    done = enqueue(db, config, EVERYTHING, kinds)
    assert done.spared == 2 + 1, "the pair, the grid, and perhaps the broken one"

    with worker(db, config) as (engine, _):
        engine.wait_until_empty()

    assert _groups(db) == {
        "original.png": "final.png", "final.png": "final.png", "first.png": "first.png", "grid.png": "grid.png",
        "good.png": "good.png", "broken.png": "broken.png", "sibling 5.png": "sibling 5.png",
        "sibling 6.png": "sibling 6.png",
    }  # fmt: skip
    assert _list(db, "SELECT file_name FROM image_vector JOIN image ON image.id = image_id ORDER BY 1") == [
        "final.png", "first.png", "good.png", "grid.png", "sibling 5.png", "sibling 6.png",
    ]  # fmt: skip
    assert one_value(db, "SELECT count(*) FROM image_hash WHERE NOT is_compared") == 0
    with db.connection() as conn:
        assert groups.count_stray_vectors(conn) == groups.count_lost_members(conn) == 0
    assert set(_list(db, "SELECT file_name FROM job JOIN image ON image.id = image_id")) == {"broken.png"}


def test_a_look_that_a_crash_forgot_costs_one_embedding_and_no_group(
    db: Database, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "library"
    write_png(library / "original.png", "a pair", seed=1)
    write_png(library / "final.png", "a pair", seed=1, size=(128, 128))
    scan(db, config, [str(library)])
    enqueue(db, config, EVERYTHING, [Kind.EMBED])
    # The claim saw what the original looks like; then PostgreSQL was killed, and had not written that yet.
    monkeypatch.setattr(looks, "undecoded_members", lambda conn, ids: {})

    with worker(db, config) as (engine, _):
        engine.wait_until_empty()

    assert _list(db, _DONE) == ["final.png", "original.png"], "it was for itself until it was looked at"
    assert _groups(db) == _PAIR
    assert _list(db, "SELECT file_name FROM image_vector JOIN image ON image.id = image_id") == ["final.png"]
    assert one_value(db, "SELECT count(*) FROM job") == 0
